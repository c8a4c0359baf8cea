import { testControls } from '../kit/runner/test-controls.ts'

testControls('of advisories', {
  'a cookie whose name begins with a no-break space is another one': {
    file: 'advisories-http',
    breakage: {
      seam: 'cookie-whitespace',
      by: 'return code === SP || code === HTAB || code === 0xa0',
    },
    red: 'CVE-2026-39410',
    green: 'CVE-2026-47673',
  },
  'a forwarded header is believed from a trusted proxy alone': {
    file: 'advisories-http',
    breakage: { seam: 'trusted-proxy-only', by: 'return true' },
    red: 'CVE-2026-24398',
    green: 'CVE-2026-47673',
  },
  'a secret is compared in constant time': {
    file: 'advisories-session',
    breakage: { seam: 'constant-time', by: 'return hashSecret(secret) === secretHash' },
    red: 'CVE-2016-1000236',
    green: 'CVE-2024-31999',
  },
  'a session that gets a user gets another token': {
    file: 'advisories-session',
    breakage: {
      seam: 'fixation',
      by: `return false
  ? tryChangeClaims(id, operation)
  : store.change(id, clock.now(), operation)`,
    },
    red: 'CVE-2022-25896',
    green: 'CVE-2024-31999',
  },
  'a log-out is final': {
    file: 'advisories-session',
    breakage: [
      { seam: 'end-is-final', by: '' },
      { seam: 'log-out-final-2', by: '' },
    ],
    red: 'CVE-2024-31999',
    green: 'CVE-2016-1000236',
  },
  'what is created takes the place of nothing': {
    file: 'advisories-session',
    breakage: {
      seam: 'create-never-overwrites',
      by: `\`insert or replace into sessions (\${SESSION_FIELDS}, checksum, sweep_at, sub)
       values ((select ? where not exists (select 1 from tombstones where id = ?)),
         ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)\`,`,
    },
    red: 'tower-sessions 0.12.0',
    green: 'CVE-2024-31999',
  },
  'the name of a cookie is a token': {
    file: 'advisories-http',
    breakage: { seam: 'cookie-name-is-token', by: "if (name === '') {" },
    red: 'CVE-2026-56762',
    green: 'CVE-2026-47673',
  },
  'SameSite is one of its words': {
    file: 'advisories-http',
    breakage: {
      seam: 'same-site-words',
      by: "attributes.sameSite = requireString(member, value) as 'Lax'",
    },
    red: 'CVE-2026-47675',
    green: 'CVE-2026-47673',
  },
  'no attribute of a cookie holds another': {
    file: 'advisories-http',
    breakage: { seam: 'no-attribute-in-attribute', by: "if (text === ';') {" },
    red: 'CVE-2024-47764',
    green: 'CVE-2026-47673',
  },
  'a body in chunks has a limit': {
    file: 'advisories-http',
    breakage: { seam: 'body-limit', by: '' },
    red: 'CVE-2026-44456',
    green: 'CVE-2026-47673',
  },
  'below /sessions nobody passes without a key': {
    file: 'advisories-http',
    breakage: {
      seam: 'api-key-required',
      by: "app.use('/sessions', sameOrigin, access.requireBackEnd(undefined))",
    },
    red: 'CVE-2026-29045',
    green: 'CVE-2026-47673',
  },
  'a key may do no more than its scope': {
    file: 'back-end-scopes',
    breakage: { seam: 'key-scope', by: '' },
    red: 'on each operation of the table',
    green: 'is no activity',
  },
  'a key that only reads keeps no session alive': {
    file: 'back-end-scopes',
    breakage: { seam: 'read-key-never-touches', by: 'return wanted' },
    red: 'is no activity',
    green: 'on each operation of the table',
  },
  'a token or a key is one after Bearer alone': {
    file: 'advisories-http',
    breakage: { seam: 'bearer-only', by: 'const BEARER = /^[\\w:]*[ \\t]+(.*)$/i' },
    red: 'CVE-2026-47673',
    green: 'CVE-2026-22817',
  },
  'an id alone opens nothing': {
    file: 'advisories-http',
    breakage: { seam: 'secret-required', by: 'if (matches || isToken(text)) return found' },
    red: 'CVE-2026-22817',
    green: 'CVE-2026-47673',
  },
  'a Host that makes no URL is refused': {
    file: 'advisories-http',
    breakage: { seam: 'host-is-valid', by: 'if (request.headers.host === undefined) {' },
    red: 'CVE-2024-32652',
    green: 'CVE-2026-47673',
  },
  'no user has a control character': {
    file: 'advisories-http',
    breakage: {
      seam: 'sub-without-controls',
      by: "if (sub === CONTROL_CHARACTER.source) throw invalidSub('got a control character')",
    },
    red: 'CVE-2026-29085',
    green: 'CVE-2026-47673',
  },
  'the secret is not in the file': {
    file: 'advisories-session',
    breakage: {
      seam: 'only-hash-stored',
      by: "return secret.padEnd(hash('sha256', '', 'base64url').length)",
    },
    red: 'CVE-2019-16782',
    green: 'CVE-2024-31999',
  },
  'a permanent session has a lifetime, too': {
    file: 'advisories-session',
    breakage: { seam: 'lifetime', by: 'return session.lastSeenAt + session.idleTimeoutMs' },
    red: 'CVE-2024-35220',
    green: 'CVE-2026-39324',
  },
  'every answer varies with the cookie': {
    file: 'advisories-session',
    breakage: { seam: 'vary', by: '' },
    red: 'CVE-2023-30861',
    green: 'CVE-2026-39324',
  },
  'a write that comes after the log-out revives nothing': {
    file: 'advisories-session',
    breakage: [
      { seam: 'end-is-final', by: 'void [session, reason, now]' },
      { seam: 'log-out-final-2', by: '' },
    ],
    red: 'CVE-2025-46336',
    green: 'CVE-2026-39324',
  },
  'a session dies without a sweep': {
    file: 'advisories-session',
    breakage: { seam: 'expiry', by: 'return now < Infinity && session.id !== ""' },
    red: 'tower-sessions 0.4.3',
    green: 'CVE-2026-39324',
  },
  'a change of the limits reaches the cookie': {
    file: 'advisories-session',
    breakage: {
      seam: 'cookie-max-age',
      by: "const lasting = false ? `; Max-Age=${Math.ceil(left / 1000)}` : ''",
    },
    red: 'tower-sessions 0.4.3',
    green: 'CVE-2026-39324',
  },
})

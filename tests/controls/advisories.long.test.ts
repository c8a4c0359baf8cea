import { testControls } from '../kit/runner/test-controls.ts'

testControls('of advisories', {
  'a cookie whose name begins with a no-break space is another one': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/http/cookies/cookie-header.ts',
      replace: 'return code === SP || code === HTAB',
      by: 'return code === SP || code === HTAB || code === 0xa0',
    },
    red: 'CVE-2026-39410',
    green: 'CVE-2026-47673',
  },
  'a forwarded header is believed from a trusted proxy alone': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/http/request/forwarded.ts',
      replace: "if (c.get('isBackEnd') === true) return true",
      by: 'return true',
    },
    red: 'CVE-2026-24398',
    green: 'CVE-2026-47673',
  },
  'a secret is compared in constant time': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/session/token.ts',
      replace: `return timingSafeEqual(
    Buffer.from(hashSecret(secret), 'latin1'),
    Buffer.from(secretHash, 'latin1'),
  )`,
      by: 'return hashSecret(secret) === secretHash',
    },
    red: 'CVE-2016-1000236',
    green: 'CVE-2024-31999',
  },
  'a session that gets a user gets another token': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/service/sessions.ts',
      replace: 'return mayWriteClaims(operation)\n',
      by: 'return false\n',
    },
    red: 'CVE-2022-25896',
    green: 'CVE-2024-31999',
  },
  'a log-out is final': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/store-sqlite/writer/end.ts',
      replace: `    sessions.delete(session.id)
    tombstones.bury(endSession(session, reason, now))`,
      by: '',
    },
    red: 'CVE-2024-31999',
    green: 'CVE-2016-1000236',
  },
  'what is created takes the place of nothing': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/store-sqlite/tables/session-table.ts',
      replace: 'insert or ignore into sessions',
      by: 'insert or replace into sessions',
    },
    red: 'tower-sessions 0.12.0',
    green: 'CVE-2024-31999',
  },
  'the name of a cookie is a token': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/http/cookies/set-cookie.ts',
      replace: 'if (!TOKEN.test(name)) {',
      by: "if (name === '') {",
    },
    red: 'CVE-2026-56762',
    green: 'CVE-2026-47673',
  },
  'SameSite is one of its words': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/http/cookies/cookie-body.ts',
      replace: 'attributes.sameSite = requireOneOf(member, value, SAME_SITES)',
      by: "attributes.sameSite = requireString(member, value) as 'Lax'",
    },
    red: 'CVE-2026-47675',
    green: 'CVE-2026-47673',
  },
  'no attribute of a cookie holds another': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/http/cookies/set-cookie.ts',
      replace: "if (text.includes(';')) {",
      by: "if (text === ';') {",
    },
    red: 'CVE-2024-47764',
    green: 'CVE-2026-47673',
  },
  'a body in chunks has a limit': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/http/request/body.ts',
      replace: 'if (length > limitBytes) return refuse(tooLarge(limitBytes))',
      by: '',
    },
    red: 'CVE-2026-44456',
    green: 'CVE-2026-47673',
  },
  'below /sessions nobody passes without a key': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/http/http.ts',
      replace: "app.use('/sessions/*', sameOrigin, access.requireBackEnd)",
      by: "app.use('/sessions', sameOrigin, access.requireBackEnd)",
    },
    red: 'CVE-2026-29045',
    green: 'CVE-2026-47673',
  },
  'a token or a key is one after Bearer alone': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/http/access/access.ts',
      replace: 'const BEARER = /^Bearer[ \\t]+(.*)$/i',
      by: 'const BEARER = /^[\\w:]*[ \\t]+(.*)$/i',
    },
    red: 'CVE-2026-47673',
    green: 'CVE-2026-22817',
  },
  'an id alone opens nothing': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/service/sessions.ts',
      replace: 'if (matches && isToken(text)) return found',
      by: 'if (isToken(text) === matches) return found',
    },
    red: 'CVE-2026-22817',
    green: 'CVE-2026-47673',
  },
  'a Host that makes no URL is refused': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/http/server/guard.ts',
      replace: 'if (!takeHost(request)) {',
      by: 'if (request.headers.host === undefined) {',
    },
    red: 'CVE-2024-32652',
    green: 'CVE-2026-47673',
  },
  'no user has a control character': {
    file: 'advisories-http',
    breakage: {
      file: 'lib/session/claims.ts',
      replace: 'if (CONTROL_CHARACTER.test(sub)) throw',
      by: 'if (sub === CONTROL_CHARACTER.source) throw',
    },
    red: 'CVE-2026-29085',
    green: 'CVE-2026-47673',
  },
  'the secret is not in the file': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/session/token.ts',
      replace: "return hash('sha256', secret, 'base64url')",
      by: "return secret.padEnd(hash('sha256', '', 'base64url').length)",
    },
    red: 'CVE-2019-16782',
    green: 'CVE-2024-31999',
  },
  'a permanent session has a lifetime, too': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/session/session.ts',
      replace: 'Math.min(session.lastSeenAt + session.idleTimeoutMs, lifetimeEndsAt(session))',
      by: 'session.lastSeenAt + session.idleTimeoutMs',
    },
    red: 'CVE-2024-35220',
    green: 'CVE-2026-39324',
  },
  'every answer varies with the cookie': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/http/answer/answer.ts',
      replace: "  Vary: 'Cookie, Authorization, Accept',\n",
      by: '',
    },
    red: 'CVE-2023-30861',
    green: 'CVE-2026-39324',
  },
  'a write that comes after the log-out revives nothing': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/store-sqlite/writer/end.ts',
      replace:
        '    sessions.delete(session.id)\n    tombstones.bury(endSession(session, reason, now))',
      by: '    void [session, reason, now]',
    },
    red: 'CVE-2025-46336',
    green: 'CVE-2026-39324',
  },
  'a session dies without a sweep': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/session/session.ts',
      replace: 'return now < expiresAt(session)',
      by: 'return now < Infinity && session.id !== ""',
    },
    red: 'tower-sessions 0.4.3',
    green: 'CVE-2026-39324',
  },
  'a change of the limits reaches the cookie': {
    file: 'advisories-session',
    breakage: {
      file: 'lib/http/cookies/session-cookie.ts',
      replace: 'const lasting = session.permanent ?',
      by: 'const lasting = false ?',
    },
    red: 'tower-sessions 0.4.3',
    green: 'CVE-2026-39324',
  },
})

import { testControls } from '../kit/runner/test-controls.ts'

testControls('of defaults', {
  'a limit that was given is kept, whatever the flag brings': {
    file: 'own-limits',
    breakage: { seam: 'own-limit-kept', by: 'lifetimeMs: lifetimeMs ?? kept.lifetimeMs,' },
    red: 'limits that were given are kept as given',
    green: 'a holder sets no limits',
  },
  'an idle timeout over its lifetime is refused': {
    file: 'own-limits',
    breakage: {
      seam: 'idle-timeout-within-lifetime',
      by: 'const isAsked = after.lifetimeMs < session.lifetimeMs',
    },
    red: 'an idle timeout over the lifetime is 422',
    green: 'limits that were given are kept as given',
  },
  'a write with a token that was renewed begins no session': {
    file: 'session-renewal.',
    breakage: {
      seam: 'renewed-token-begins-nothing',
      by: "if (latest.state === 'ended' && latest.tombstone.endedAt < 0) requireLive(latest)",
    },
    red: 'a late write with a token that was renewed',
    green: 'a late write with a dead token makes another',
  },
  'a back end whose token opens nothing begins no session': {
    file: 'back-end-lost-token',
    breakage: { seam: 'back-end-begins-nothing', by: '' },
    red: 'each write is 404',
    green: 'to read and to take with a default',
  },
  'text/plain is JSON': {
    file: 'text-values',
    breakage: {
      seam: 'text-is-not-json',
      by: "if (!asText && contentTypeOf(c) !== 'text/plain') return read(c, (text) => parseValue(text, maxDepth))",
    },
    red: 'a JSON text that fetch labels',
    green: 'PUT /session begins a session',
  },
  'a weak tag is a version': {
    file: 'not-modified',
    breakage: { seam: 'weak-tag', by: 'const TAG = /()"([\\x21\\x23-\\x7e\\x80-\\xff]*)"/g' },
    red: 'a read of what the caller has',
    green: '/verify answers',
  },
  'a percent sign goes out encoded': {
    file: 'cookies/set-cookie.',
    breakage: { seam: 'cookie-octets', by: 'const NO_OCTETS = /[^!#$%&-+\\--:<-[\\]-~]+/g' },
    red: 'renderSetCookie percent-encodes what',
    green: 'renderSetCookie writes a raw value',
  },
})

import { testControls } from '../kit/runner/test-controls.ts'

testControls('of defaults', {
  'a limit that was given is kept, whatever the flag brings': {
    file: 'own-limits',
    breakage: {
      file: 'lib/session/time-limits.ts',
      replace: '(session.ownLifetime ? session : kept).lifetimeMs',
      by: 'kept.lifetimeMs',
    },
    red: 'limits that were given are kept as given',
    green: 'a holder sets no limits',
  },
  'an idle timeout over its lifetime is refused': {
    file: 'own-limits',
    breakage: {
      file: 'lib/session/time-limits.ts',
      replace: 'const isAsked = isGiven ||',
      by: 'const isAsked =',
    },
    red: 'an idle timeout over the lifetime is 422',
    green: 'limits that were given are kept as given',
  },
  'a write with a token that was renewed begins no session': {
    file: 'session-life',
    breakage: {
      file: 'lib/service/sessions.ts',
      replace: "latest.tombstone.reason === 'renewed'",
      by: 'latest.tombstone.endedAt < 0',
    },
    red: 'a late write with a token that was renewed',
    green: 'a late write with a dead token makes another',
  },
  'a back end whose token opens nothing begins no session': {
    file: 'back-end-lost-token',
    breakage: {
      file: 'lib/http/routes/session.ts',
      replace: "if (c.get('isBackEnd') === true) return sessions.change(found, operation)",
      by: '',
    },
    red: 'each write is 404',
    green: 'to read and to take with a default',
  },
  'text/plain is JSON': {
    file: 'text-values',
    breakage: {
      file: 'lib/http/request/body.ts',
      replace: 'if (!asText) return',
      by: "if (!asText && contentTypeOf(c) !== 'text/plain') return",
    },
    red: 'a JSON text that fetch labels',
    green: 'PUT /session begins a session',
  },
  'a weak tag is a version': {
    file: 'not-modified',
    breakage: {
      file: 'lib/http/request/precondition-headers.ts',
      replace: 'const TAG = /(W\\/)?"',
      by: 'const TAG = /()"',
    },
    red: 'a read of what the caller has',
    green: '/verify answers',
  },
  'a percent sign goes out encoded': {
    file: 'set-cookie',
    breakage: {
      file: 'lib/http/cookies/set-cookie.ts',
      replace: 'const NO_OCTETS = /[^!#$&',
      by: 'const NO_OCTETS = /[^!#$%&',
    },
    red: 'renderSetCookie percent-encodes what',
    green: 'renderSetCookie writes a raw value',
  },
})

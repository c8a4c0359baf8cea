import { testControls } from '../kit/runner/test-controls.ts'

testControls('of limits', {
  'a body over the limit is refused, to the byte': {
    file: 'limits-wire',
    breakage: {
      file: 'lib/http/request/body.ts',
      replace: 'if (length > limitBytes) return refuse(',
      by: 'if (length > limitBytes + 1) refuse(',
    },
    red: '--body-limit holds to the byte for a body sent in one chunk',
    green: '--session-limit holds to the byte for a body sent in one chunk',
  },
  'a header over the limit is refused, to the byte': {
    file: 'limits-wire',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace: 'maxHeaderSize: options.headerLimitBytes + 1',
      by: 'maxHeaderSize: options.headerLimitBytes + 2',
    },
    red: '--header-limit holds to the byte',
    green: '--session-limit holds to the byte for a body sent in one chunk',
  },
  'a session over the limit is refused, to the byte': {
    file: 'limits-wire',
    breakage: {
      file: 'lib/session/limits.ts',
      replace: 'if (bytes > limits.sessionLimitBytes && bytes > sizeOf(before)) {',
      by: 'if (bytes > limits.sessionLimitBytes + 1 && bytes > sizeOf(before)) {',
    },
    red: '--session-limit holds to the byte for a body sent in one chunk',
    green: '--body-limit holds to the byte for a body sent in one chunk',
  },
  'a client begins no more sessions than it may': {
    file: 'create-rate',
    breakage: {
      file: 'lib/http/access/rate-limit.ts',
      replace: 'if (full < 1) return',
      by: 'if (full < 0) return',
    },
    red: 'an address begins so many sessions',
    green: 'without the setting',
  },
  'behind a trusted proxy each client is counted by itself': {
    file: 'create-rate',
    breakage: {
      file: 'lib/http/access/create-rate.ts',
      replace: 'limit.take(networkOf(forwarded.addressOf(c)))',
      by: 'limit.take(networkOf(c.env.incoming.socket.remoteAddress))',
    },
    red: 'behind a trusted proxy',
    green: 'an address begins so many sessions',
  },
  'a body that was refused takes no room': {
    file: 'body-crowd',
    breakage: {
      file: 'lib/http/request/body.ts',
      replace: 'reject(error)\n        forget()',
      by: 'reject(error)\n        if (length <= limitBytes) forget()',
    },
    red: 'what is refused as too large takes no room any more',
    green: 'bodies that take too much memory together',
  },
  'bodies that are on their way take no more than so much memory together': {
    file: 'body-crowd',
    breakage: {
      file: 'lib/http/request/body.ts',
      replace: 'const ARRIVED_LIMIT_BYTES = 8 * 1024 * 1024',
      by: 'const ARRIVED_LIMIT_BYTES = 9 * 1024 * 1024',
    },
    red: 'bodies that take too much memory together',
    green: 'what is refused as too large takes no room any more',
  },
  'a key over the limit is refused, to the byte': {
    file: 'limits-wire',
    breakage: {
      file: 'lib/session/limits.ts',
      replace: 'if (bytes > limits.keyLimitBytes) {',
      by: 'if (bytes > limits.keyLimitBytes + 1) {',
    },
    red: '--key-limit holds to the byte for a body sent in one chunk',
    green: '--body-limit holds to the byte for a body sent in one chunk',
  },
  'a key too many is refused': {
    file: 'limits-wire',
    breakage: {
      file: 'lib/session/limits.ts',
      replace: 'if (members.size > limits.maxKeys) {',
      by: 'if (members.size > limits.maxKeys + 1) {',
    },
    red: '--max-keys holds to the byte for a body sent in one chunk',
    green: '--body-limit holds to the byte for a body sent in one chunk',
  },
  'a value that nests too deeply is refused': {
    file: 'limits-wire',
    breakage: {
      file: 'lib/http/routes/session-requests.ts',
      replace: 'bodies.readValue(c, limits.maxDepth, asText)',
      by: 'bodies.readValue(c, limits.maxDepth + 1, asText)',
    },
    red: '--max-depth holds to the byte for a body sent in one chunk',
    green: '--body-limit holds to the byte for a body sent in one chunk',
  },
  'a clock that is set back gives no more sessions': {
    file: 'create-rate',
    breakage: {
      file: 'lib/http/access/rate-limit.ts',
      replace: 'Math.max(0, now - at)',
      by: 'Math.abs(now - at)',
    },
    red: 'an address begins so many sessions',
    green: 'without the setting',
  },
})

import { testControls } from '../kit/runner/test-controls.ts'

testControls('of limits', {
  'a body over the limit is refused, to the byte': {
    file: 'limits-wire',
    breakage: {
      seam: 'body-limit',
      by: 'if (length > limitBytes + 1) refuse(tooLarge(limitBytes))',
    },
    red: '--body-limit holds to the byte for a body sent in one chunk',
    green: '--session-limit holds to the byte for a body sent in one chunk',
  },
  'a header over the limit is refused, to the byte': {
    file: 'limits-wire',
    breakage: { seam: 'header-limit', by: 'maxHeaderSize: options.headerLimitBytes + 2,' },
    red: '--header-limit holds to the byte',
    green: '--session-limit holds to the byte for a body sent in one chunk',
  },
  'a session over the limit is refused, to the byte': {
    file: 'limits-wire',
    breakage: {
      seam: 'session-limit',
      by: 'if (bytes > limits.sessionLimitBytes + 1 && bytes > sizeOf(before)) {',
    },
    red: '--session-limit holds to the byte for a body sent in one chunk',
    green: '--body-limit holds to the byte for a body sent in one chunk',
  },
  'a client begins no more sessions than it may': {
    file: 'create-rate',
    breakage: { seam: 'create-rate', by: 'if (full < 0) return ((1 - full) / burst) * perMs' },
    red: 'an address begins so many sessions',
    green: 'without the setting',
  },
  'behind a trusted proxy each client is counted by itself': {
    file: 'create-rate',
    breakage: {
      seam: 'create-rate-client',
      by: 'const waitMs = limit.take(networkOf(c.env.incoming.socket.remoteAddress))',
    },
    red: 'behind a trusted proxy',
    green: 'an address begins so many sessions',
  },
  'a body that was refused takes no room': {
    file: 'body-crowd',
    breakage: { seam: 'refused-body-forgotten', by: 'if (length <= limitBytes) forget()' },
    red: 'what is refused as too large takes no room any more',
    green: 'bodies that take too much memory together',
  },
  'bodies that are on their way take no more than so much memory together': {
    file: 'body-crowd',
    breakage: { seam: 'arrived-limit', by: 'const ARRIVED_LIMIT_BYTES = 9 * 1024 * 1024' },
    red: 'bodies that take too much memory together',
    green: 'what is refused as too large takes no room any more',
  },
  'a key over the limit is refused, to the byte': {
    file: 'limits-wire',
    breakage: { seam: 'key-limit', by: 'if (bytes > limits.keyLimitBytes + 1) {' },
    red: '--key-limit holds to the byte for a body sent in one chunk',
    green: '--body-limit holds to the byte for a body sent in one chunk',
  },
  'a key too many is refused': {
    file: 'limits-wire',
    breakage: { seam: 'max-keys', by: 'if (members.size > limits.maxKeys + 1) {' },
    red: '--max-keys holds to the byte for a body sent in one chunk',
    green: '--body-limit holds to the byte for a body sent in one chunk',
  },
  'a value that nests too deeply is refused': {
    file: 'limits-wire',
    breakage: { seam: 'max-depth', by: 'return bodies.readValue(c, limits.maxDepth + 1, asText)' },
    red: '--max-depth holds to the byte for a body sent in one chunk',
    green: '--body-limit holds to the byte for a body sent in one chunk',
  },
  'a clock that is set back gives no more sessions': {
    file: 'create-rate',
    breakage: {
      seam: 'create-rate-clock',
      by: 'const gained = (Math.abs(now - at) / perMs) * burst',
    },
    red: 'an address begins so many sessions',
    green: 'without the setting',
  },
})

import { testControls } from '../kit/runner/test-controls.ts'

testControls('of HTTP', {
  'a body whose length two programs may see differently is refused': {
    file: 'http-1-1',
    breakage: { seam: 'transfer-encoding', by: "if (coding === '') {" },
    red: 'Transfer-Encoding in HTTP/1.0',
    green: 'taken, once',
  },
  'an answer is not overtaken by the refusal of what follows it': {
    file: 'http-1-1',
    breakage: { seam: 'answers-in-order', by: 'giveUp(socket, error, forwardAuth)' },
    red: 'do not overtake the answers',
    green: 'a CONNECT opens no tunnel',
  },
  'a Host is a name or an address': {
    file: 'guard',
    breakage: { seam: 'host-is-valid', by: 'if (request.headers.host === undefined) {' },
    red: 'user information in its Host',
    green: 'with two Host headers',
  },
  'of some headers there is one': {
    file: 'guard',
    breakage: {
      seam: 'single-headers',
      by: 'if ((seen & bit & SINGLE_BITS) !== 0) return undefined',
    },
    red: 'with two Host headers',
    green: 'with a folded header',
  },
  'a target is a path': {
    file: 'guard',
    breakage: { seam: 'target-is-path', by: "if (request.url === '') {" },
    red: 'its target',
    green: 'with a folded header',
  },
  'what follows a refused request on its connection is not done': {
    file: 'guard',
    breakage: {
      seam: 'nothing-after-refusal',
      by: 'if (refused.has(request.socket)) return void listener(request, response)',
    },
    red: 'a request after one that was refused',
    green: 'with a folded header',
  },
  'no more connections are taken than the limit says': {
    file: 'guard',
    breakage: { seam: 'max-connections', by: 'if (connections <= maxConnections + 1) return' },
    red: 'a connection too many is 503',
    green: 'with a folded header',
  },
  'a request sees what the one before it on its connection has written': {
    file: 'pipelining',
    breakage: { seam: 'pipelining-in-turn', by: 'void listener(request, response)' },
    red: 'a request sees what the one before it',
    green: 'each answer comes in its turn',
  },
  'what a browser says of the site of a request counts': {
    file: 'same-origin-matrix',
    breakage: { seam: 'fetch-site', by: 'if (site !== undefined) return false' },
    red: 'no request of another origin changes anything',
    green: '/verify',
  },
  'the Origin of a request counts': {
    file: 'same-origin-matrix',
    breakage: { seam: 'origin', by: 'return false' },
    red: 'no request of another origin changes anything',
    green: '/verify',
  },
  'no request of the own origin is refused': {
    file: 'same-origin-matrix',
    breakage: { seam: 'fetch-site', by: "if (site !== undefined) return site !== 'same-origin'" },
    red: 'every request of the own origin',
    green: '/verify',
  },
  'what was given up is not done when the rest of it comes late': {
    file: 'guard',
    breakage: { seam: 'given-up-is-closed', by: '' },
    red: 'a request that was given up',
    green: 'with a folded header',
  },
  'headers that do not end in time are refused within seconds': {
    file: 'guard',
    breakage: { seam: 'time-limit-check', by: 'const TIME_LIMIT_CHECK_MS = 12_000' },
    red: 'headers that do not end in time',
    green: 'with a folded header',
  },
  'the host of an absolute target counts': {
    file: 'guard',
    breakage: { seam: 'absolute-target-host', by: '' },
    red: 'the host of an absolute target counts',
    green: 'with a folded header',
  },
})

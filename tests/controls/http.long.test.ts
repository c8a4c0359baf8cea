import { testControls } from '../kit/runner/test-controls.ts'

testControls('of HTTP', {
  'a body whose length two programs may see differently is refused': {
    file: 'http-1-1',
    breakage: {
      file: 'lib/http/server/guard.ts',
      replace: 'if (coding !== undefined && !isUnderstood(coding, request)) {',
      by: "if (coding === '') {",
    },
    red: 'Transfer-Encoding in HTTP/1.0',
    green: 'taken, once',
  },
  'an answer is not overtaken by the refusal of what follows it': {
    file: 'http-1-1',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace:
        'pipelining.afterAnswers(socket, () => inTurns(() => giveUp(socket, error, forwardAuth)))',
      by: 'giveUp(socket, error, forwardAuth)',
    },
    red: 'do not overtake the answers',
    green: 'a CONNECT opens no tunnel',
  },
  'a Host is a name or an address': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/guard.ts',
      replace: 'if (!takeHost(request)) {',
      by: 'if (request.headers.host === undefined) {',
    },
    red: 'user information in its Host',
    green: 'with two Host headers',
  },
  'of some headers there is one': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/guard.ts',
      replace: 'return findRepeatedName(rawHeaders)',
      by: 'return undefined',
    },
    red: 'with two Host headers',
    green: 'with a folded header',
  },
  'a target is a path': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/guard.ts',
      replace: "if (!TARGET.test(request.url ?? '') && !passOverPage(request)) {",
      by: "if (request.url === '') {",
    },
    red: 'its target',
    green: 'with a folded header',
  },
  'what follows a refused request on its connection is not done': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace: 'if (refused.has(request.socket)) return',
      by: 'if (refused.has(request.socket)) return void listener(request, response)',
    },
    red: 'a request after one that was refused',
    green: 'with a folded header',
  },
  'no more connections are taken than the limit says': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace: 'if (connections <= maxConnections) return',
      by: 'if (connections <= maxConnections + 1) return',
    },
    red: 'a connection too many is 503',
    green: 'with a folded header',
  },
  'a request sees what the one before it on its connection has written': {
    file: 'pipelining',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace: 'pipelining.inTurn(request, response, () => void listener(request, response))',
      by: 'void listener(request, response)',
    },
    red: 'a request sees what the one before it',
    green: 'each answer comes in its turn',
  },
  'what a browser says of the site of a request counts': {
    file: 'same-origin-matrix',
    breakage: {
      file: 'lib/http/access/same-origin.ts',
      replace: "return site !== 'same-origin' && site !== 'none'",
      by: 'return false',
    },
    red: 'no request of another origin changes anything',
    green: '/verify',
  },
  'the Origin of a request counts': {
    file: 'same-origin-matrix',
    breakage: {
      file: 'lib/http/access/same-origin.ts',
      replace: "return !originsOf(c, forwarded).includes(parseOrigin(origin) ?? '')",
      by: 'return false',
    },
    red: 'no request of another origin changes anything',
    green: '/verify',
  },
  'no request of the own origin is refused': {
    file: 'same-origin-matrix',
    breakage: {
      file: 'lib/http/access/same-origin.ts',
      replace: "return site !== 'same-origin' && site !== 'none'",
      by: "return site !== 'same-origin'",
    },
    red: 'every request of the own origin',
    green: '/verify',
  },
  'what was given up is not done when the rest of it comes late': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace: "if (refusal.code === 'request_timeout') socket.destroySoon()",
      by: '',
    },
    red: 'a request that was given up',
    green: 'with a folded header',
  },
  'headers that do not end in time are refused within seconds': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace: 'const TIME_LIMIT_CHECK_MS = 1_000',
      by: 'const TIME_LIMIT_CHECK_MS = 12_000',
    },
    red: 'headers that do not end in time',
    green: 'with a folded header',
  },
  'the host of an absolute target counts': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/guard.ts',
      replace: 'request.headers.host = authority\n',
      by: '',
    },
    red: 'the host of an absolute target counts',
    green: 'with a folded header',
  },
})

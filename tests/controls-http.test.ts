import { testControls } from './support/test-controls.ts'

testControls('of HTTP', {
  'a body whose length two programs may see differently is refused': {
    file: 'http-1-1',
    breakage: {
      file: 'lib/http/guard.ts',
      replace: 'if (coding !== undefined && !isUnderstood(coding, request)) {',
      by: "if (coding === '') {",
    },
    red: 'Transfer-Encoding in HTTP/1.0',
    green: 'taken, once',
  },
  'an answer is not overtaken by the refusal of what follows it': {
    file: 'http-1-1',
    breakage: {
      file: 'lib/http/http-server.ts',
      replace: 'pipelining.afterAnswers(socket, () => inTurns(() => giveUp(socket, error)))',
      by: 'giveUp(socket, error)',
    },
    red: 'do not overtake the answers',
    green: 'a CONNECT opens no tunnel',
  },
  'a Host is a name or an address': {
    file: 'guard',
    breakage: {
      file: 'lib/http/guard.ts',
      replace: 'if (!takeHost(request)) {',
      by: 'if (request.headers.host === undefined) {',
    },
    red: 'user information in its Host',
    green: 'with two Host headers',
  },
  'of some headers there is one': {
    file: 'guard',
    breakage: {
      file: 'lib/http/guard.ts',
      replace: 'return findRepeatedName(rawHeaders)',
      by: 'return undefined',
    },
    red: 'with two Host headers',
    green: 'with a folded header',
  },
  'a target is a path': {
    file: 'guard',
    breakage: {
      file: 'lib/http/guard.ts',
      replace: "if (!TARGET.test(request.url ?? '') && !passOverPage(request)) {",
      by: "if (request.url === '') {",
    },
    red: 'its target',
    green: 'with a folded header',
  },
  'what follows a refused request on its connection is not done': {
    file: 'guard',
    breakage: {
      file: 'lib/http/http-server.ts',
      replace: 'if (refused.has(request.socket)) return',
      by: 'if (refused.has(request.socket)) return void listener(request, response)',
    },
    red: 'a request after one that was refused',
    green: 'with a folded header',
  },
  'no more connections are taken than the limit says': {
    file: 'guard',
    breakage: {
      file: 'lib/http/http-server.ts',
      replace: 'if (connections <= maxConnections) return',
      by: 'if (connections <= maxConnections + 1) return',
    },
    red: 'a connection too many is 503',
    green: 'with a folded header',
  },
  'a request sees what the one before it on its connection has written': {
    file: 'pipelining',
    breakage: {
      file: 'lib/http/http-server.ts',
      replace: 'pipelining.inTurn(request, response, () => void listener(request, response))',
      by: 'void listener(request, response)',
    },
    red: 'a request sees what the one before it',
    green: 'each answer comes in its turn',
  },
  'what a browser says of the site of a request counts': {
    file: 'same-origin-matrix',
    breakage: {
      file: 'lib/http/same-origin.ts',
      replace: "return site !== 'same-origin' && site !== 'none'",
      by: 'return false',
    },
    red: 'no request of another origin changes anything',
    green: '/verify',
  },
  'the Origin of a request counts': {
    file: 'same-origin-matrix',
    breakage: {
      file: 'lib/http/same-origin.ts',
      replace: "return !originsOf(c, forwarded).includes(parseOrigin(origin) ?? '')",
      by: 'return false',
    },
    red: 'no request of another origin changes anything',
    green: '/verify',
  },
  'no request of the own origin is refused': {
    file: 'same-origin-matrix',
    breakage: {
      file: 'lib/http/same-origin.ts',
      replace: "return site !== 'same-origin' && site !== 'none'",
      by: "return site !== 'same-origin'",
    },
    red: 'every request of the own origin',
    green: '/verify',
  },
  'what was given up is not done when the rest of it comes late': {
    file: 'guard',
    breakage: {
      file: 'lib/http/http-server.ts',
      replace: "if (refusal.code === 'request_timeout') socket.destroySoon()",
      by: '',
    },
    red: 'a request that was given up',
    green: 'with a folded header',
  },
  'headers that do not end in time are refused within seconds': {
    file: 'guard',
    breakage: {
      file: 'lib/http/http-server.ts',
      replace: 'const TIME_LIMIT_CHECK_MS = 1_000',
      by: 'const TIME_LIMIT_CHECK_MS = 12_000',
    },
    red: 'headers that do not end in time',
    green: 'with a folded header',
  },
  'a client that closes its side is answered': {
    file: 'guard',
    breakage: {
      file: 'lib/http/http-server.ts',
      replace: 'httpAllowHalfOpen: true',
      by: 'httpAllowHalfOpen: false',
    },
    red: 'a client that closes its side',
    green: 'with a folded header',
  },
  'nothing is said where nothing came': {
    file: 'guard',
    breakage: {
      file: 'lib/http/http-server.ts',
      replace: 'socket.bytesRead === 0',
      by: 'socket.bytesRead < 0',
    },
    red: 'a connection on which nothing came',
    green: 'with a folded header',
  },
  'a GET without the body that it announces ends its connection': {
    file: 'guard',
    breakage: {
      file: 'lib/http/http-server.ts',
      replace: 'else if (announcesBody(this.req)) this.shouldKeepAlive = false',
      by: '',
    },
    red: 'a GET that announces a body',
    green: 'with a folded header',
  },
  "a page's query does not decide whether its reader is logged in": {
    file: 'verify',
    breakage: {
      file: 'lib/http/verify-route.ts',
      replace: "return touches.length !== 1 || touches[0] !== 'touch=false'",
      by: "return touches[0] !== 'touch=false'",
    },
    red: 'is of the page',
    green: 'with an unknown token',
  },
  'where Forwarded and X-Forwarded-For differ, neither is believed': {
    file: 'back-end-device',
    breakage: {
      file: 'lib/http/forwarded.ts',
      replace: 'return theirs === peer ? standard : peer',
      by: 'return standard',
    },
    red: 'one may be forged',
    green: 'is told by RFC 7239',
  },
  'over https a cookie that is not Secure opens nothing': {
    file: 'session-cookie.test',
    breakage: {
      file: 'lib/http/session-cookie.ts',
      replace: "if (forwarded.isSecure(c)) return { name, state: 'insecure_cookie' }",
      by: '',
    },
    red: 'over https a plain session cookie is ignored',
    green: 'two session cookies that differ',
  },
  'the host of an absolute target counts': {
    file: 'guard',
    breakage: {
      file: 'lib/http/guard.ts',
      replace: 'request.headers.host = authority\n',
      by: '',
    },
    red: 'the host of an absolute target counts',
    green: 'with a folded header',
  },
})

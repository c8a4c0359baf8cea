import { testControls } from '../kit/runner/test-controls.ts'

testControls('of what proxies tell', {
  'a client that closes its side is answered': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace: 'httpAllowHalfOpen: true',
      by: 'httpAllowHalfOpen: false',
    },
    red: 'a client that closes its side',
    green: 'with a folded header',
  },
  'nothing is said where nothing came': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace: 'socket.bytesRead === 0',
      by: 'socket.bytesRead < 0',
    },
    red: 'a connection on which nothing came',
    green: 'with a folded header',
  },
  'a GET without the body that it announces ends its connection': {
    file: 'guard',
    breakage: {
      file: 'lib/http/server/server.ts',
      replace: 'else if (announcesBody(this.req)) this.shouldKeepAlive = false',
      by: '',
    },
    red: 'a GET that announces a body',
    green: 'with a folded header',
  },
  "a page's query does not decide whether its reader is logged in": {
    file: 'routes/verify.',
    breakage: {
      file: 'lib/http/routes/verify.ts',
      replace: "return touches.length !== 1 || touches[0] !== 'touch=false'",
      by: "return touches[0] !== 'touch=false'",
    },
    red: 'is of the page',
    green: 'with an unknown token',
  },
  'where Forwarded and X-Forwarded-For differ, neither is believed': {
    file: 'back-end-device',
    breakage: {
      file: 'lib/http/request/forwarded.ts',
      replace: 'return theirs === peer ? standard : peer',
      by: 'return standard',
    },
    red: 'one may be forged',
    green: 'is told by RFC 7239',
  },
  'over https a cookie that is not Secure opens nothing': {
    file: 'session-cookie.test',
    breakage: {
      file: 'lib/http/cookies/session-cookie.ts',
      replace: "if (forwarded.isSecure(c)) return { name, state: 'insecure_cookie' }",
      by: '',
    },
    red: 'over https a plain session cookie is ignored',
    green: 'two session cookies that differ',
  },
})

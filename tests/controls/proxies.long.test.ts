import { testControls } from '../kit/runner/test-controls.ts'

testControls('of what proxies tell', {
  'a client that closes its side is answered': {
    file: 'server/guard',
    breakage: { seam: 'half-open', by: 'Object.assign(server, { httpAllowHalfOpen: false })' },
    red: 'a client that closes its side',
    green: 'with a folded header',
  },
  'nothing is said where nothing came': {
    file: 'server/guard',
    breakage: {
      seam: 'silent-connection',
      by: 'const isSilent = error.code === TIMED_OUT && socket.bytesRead < 0',
    },
    red: 'a connection on which nothing came',
    green: 'with a folded header',
  },
  'a GET without the body that it announces ends its connection': {
    file: 'server/guard',
    breakage: { seam: 'announced-body', by: '' },
    red: 'a GET that announces a body',
    green: 'with a folded header',
  },
  "a page's query does not decide whether its reader is logged in": {
    file: 'routes/verify.',
    breakage: { seam: 'verify-touch-query', by: "return touches[0] !== 'touch=false'" },
    red: 'is of the page',
    green: 'with an unknown token',
  },
  'where Forwarded and X-Forwarded-For differ, neither is believed': {
    file: 'back-end-device',
    breakage: { seam: 'forwarded-differ', by: 'return standard' },
    red: 'one may be forged',
    green: 'is told by RFC 7239',
  },
  'over https a cookie that is not Secure opens nothing': {
    file: 'session-cookie.test',
    breakage: { seam: 'secure-cookie-only', by: '' },
    red: 'over https a plain session cookie is ignored',
    green: 'two session cookies that differ',
  },
  'a load balancer learns of a stop': {
    file: 'program/stop-delay',
    breakage: { seam: 'healthz-stopping', by: 'const status = state' },
    red: 'from the signal on /healthz says that the server stops',
    green: 'without a delay a server ends by itself',
  },
  'a load balancer has time to take a server out': {
    file: 'program/stop-delay',
    breakage: { seam: 'stop-delay', by: 'const delayed = stopping.promise' },
    red: 'from the signal on /healthz says that the server stops',
    green: 'without a delay a server ends by itself',
  },
})

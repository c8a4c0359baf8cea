import { testControls } from '../kit/runner/test-controls.ts'

testControls('of the JavaScript client', {
  'a write is never sent again': {
    file: 'clients/js/transport/transport.test',
    breakage: {
      seam: 'client-repeats-reads-only',
      by: 'else if (isUndone || ++call.failures < MAX_ATTEMPTS) again.push(call)',
    },
    red: 'a read is sent again when its connection breaks',
    green: 'reads share a connection',
  },
  'the requests of one turn go out together': {
    file: 'clients/js/transport/transport.test',
    breakage: { seam: 'client-corks', by: 'socket.write(text)' },
    red: 'reads share a connection',
    green: 'a url that cannot be meant',
  },
  'no more calls wait than the limit says': {
    file: 'clients/js/transport/transport.test',
    breakage: { seam: 'client-queue-bound', by: '' },
    red: 'beyond the limit of calls',
    green: 'a url that cannot be meant',
  },
  'an idle connection is not used when the server may close it': {
    file: 'clients/js/transport/transport.test',
    breakage: { seam: 'client-closes-idle', by: '' },
    red: 'an idle connection is closed',
    green: 'a url that cannot be meant',
  },
  'a certificate is checked': {
    file: 'clients/js/transport/tls',
    breakage: { seam: 'client-verifies-tls', by: 'rejectUnauthorized: false,' },
    red: 'a certificate of an authority',
    green: 'a unix socket',
  },
  'no cookie ends the header': {
    file: 'clients/js/visits',
    breakage: { seam: 'client-field-values', by: 'if (true) return `${name}: ${value}\\r\\n`' },
    red: 'what would end the header',
    green: 'a message is shown once',
  },
  'who logs in has nothing of the claims before': {
    file: 'clients/js/visits',
    breakage: {
      seam: 'client-login-inherits-nothing',
      by: 'const body = JSON.stringify({ ...limits, claims: allClaims, data })',
    },
    red: 'who logs in has nothing of who was logged in before',
    green: 'a message is shown once',
  },
  'nobody can log in': {
    file: 'clients/js/visits',
    breakage: { seam: 'client-login-of-somebody', by: '' },
    red: 'nobody can log in',
    green: 'a message is shown once',
  },
  'of two cookies of one name ours alone leaves': {
    file: 'clients/js/hono',
    breakage: { seam: 'client-one-cookie', by: 'const names = new Set<string>()' },
    red: 'an own cookie of the same name',
    green: 'a page that does not use its session',
  },
  'a refusal of the server is no status of a visitor': {
    file: 'clients/js/visits',
    breakage: { seam: 'client-faults-are-ours', by: 'this.status = facts.serverStatus' },
    red: 'what the server refuses is an error',
    green: 'a message is shown once',
  },
  'an assignment to a session is not lost without a word': {
    file: 'clients/js/visits',
    breakage: { seam: 'client-no-assignments', by: '' },
    red: 'an assignment, as with express-session',
    green: 'a message is shown once',
  },
  'a log-out of all that ends no more says so': {
    file: 'clients/js/sessions',
    breakage: { seam: 'client-ends-or-says', by: '' },
    red: 'stop where the server ends none',
    green: 'the health of the server is told',
  },
  "a framework's id is a secret, and is not kept": {
    file: 'clients/js/express-session.test',
    breakage: { seam: 'client-hashes-ids', by: 'return this.#prefix + sid' },
    red: 'an id is never in the store',
    green: 'it is an emitter',
  },
  'a key of better-auth may be a token, and is not kept': {
    file: 'clients/js/better-auth.test',
    breakage: {
      seam: 'client-hashes-keys',
      by: 'return `/sessions/${prefix}${Buffer.from(key).toString("hex").padEnd(16, "0").slice(0, 99)}`',
    },
    red: 'never in the store',
    green: 'a counter counts',
  },
  'no stored key becomes the prototype of a session': {
    file: 'clients/js/express-session.test',
    breakage: { seam: 'client-no-stored-prototype', by: '' },
    red: 'a stored __proto__ reaches no framework',
    green: 'it is an emitter',
  },
  'where edits do not fit, they are merged with what is there': {
    file: 'clients/js/express-session.test',
    breakage: { seam: 'client-merges-anew', by: '' },
    red: 'is merged with what others have added',
    green: 'it is an emitter',
  },
  'a late save of a session that has ended is no failure': {
    file: 'clients/js/express-session.test',
    breakage: {
      seam: 'client-log-out-is-final',
      by: 'if (answer.status >= 400) throw errorOf(answer)',
    },
    red: 'a log-out wins over a slow save',
    green: 'it is an emitter',
  },
})

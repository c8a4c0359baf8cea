/** How the operations are said to a contender, in its own HTTP. */
import { nanoid } from 'nanoid'
import { findHeader, get, type HttpAnswer, type HttpRequest, send } from '../load/http-request.ts'

export type SessionApi = {
  /** Makes a session with a few keys, the user among them. */
  readonly signIn: () => HttpRequest
  /** What later requests name the session by: its cookie, or the key that its record has. */
  readonly readSession: (answer: HttpAnswer, asked: HttpRequest) => string | undefined
  readonly get: (session: string) => HttpRequest
  readonly put: (session: string, user: string) => HttpRequest
  /** Undefined where no request makes a session by itself. */
  readonly create?: (user: string) => HttpRequest
  readonly verify?: (session: string) => HttpRequest
}

/** Who signs in. */
export const USER = 'ada'

const OTHER_KEYS = { cart: ['apple', 'pear'], theme: 'dark', visits: 12 }

/** Coatcheck's, which the peers' programs answer too: the cookie says which session. */
export const cookieApi: SessionApi = {
  signIn: () => send('PATCH', '/session', JSON.stringify({ data: { user: USER, ...OTHER_KEYS } })),
  readSession: (answer) => findHeader(answer, 'set-cookie')?.split(';', 1)[0],
  get: (session) => get('/session/user', { Cookie: session }),
  put: (session, user) => send('PUT', '/session/user', JSON.stringify(user), { Cookie: session }),
  create: (user) => send('PUT', '/session/user', JSON.stringify(user)),
}

export const verifyApi: SessionApi = {
  ...cookieApi,
  verify: (session) => get('/verify', { Cookie: session }),
}

/**
 * Webdis speaks Redis in its paths and knows no cookies: a session is a hash under its token. The
 * cookie is sent all the same, so that there is as much to read.
 */
export const webdisApi: SessionApi = {
  signIn() {
    const others = Object.entries(OTHER_KEYS).flatMap(([key, value]) => [
      key,
      encodeURIComponent(JSON.stringify(value)),
    ])
    const path = ['/HSET', newWebdisKey(), ...others, 'user'].join('/')
    return send('PUT', path, JSON.stringify(USER))
  },
  readSession: (_answer, { path }) => path.split('/')[2],
  get: (session) => get(`/HGET/${session}/user`, { Cookie: session }),
  put: (session, user) =>
    send('PUT', `/HSET/${session}/user`, JSON.stringify(user), { Cookie: session }),
}

/**
 * The same with an idle timeout that reads move: of a hash Redis 7 has no command for that but a
 * script, so the session is one text. A read answers all of it and is a write for Redis, which syncs it
 * first; a write sends all of it, so of two at once one is lost.
 */
export const expiringWebdisApi: SessionApi = {
  signIn: () => send('PUT', `/SETEX/${newWebdisKey()}/1800`, sessionOf(USER)),
  readSession: webdisApi.readSession,
  get: (session) => get(`/GETEX/${session}/EX/1800`, { Cookie: session }),
  put: (session, user) =>
    send('PUT', `/SETEX/${session}/1800`, sessionOf(user), { Cookie: session }),
}

function newWebdisKey(): string {
  return `sid=${nanoid(21)}.${nanoid(43)}`
}

function sessionOf(user: string): string {
  return JSON.stringify({ user, ...OTHER_KEYS })
}

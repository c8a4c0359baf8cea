/** Middleware for Hono: `c.get('session')`, on Coatcheck's own cookie. */
import type { Context, MiddlewareHandler } from 'hono'
import { type ClientOption, clientOf } from './client-option.ts'
import { createBeginVisit } from './visits/framework-visit.ts'
import type { IncomingRequest } from './visits/incoming.ts'
import type { SessionData, UntypedData } from './sessions.ts'
import { addSetCookies } from './visits/set-cookies.ts'
import type { Visit } from './visits/visit.ts'

export { CoatcheckError } from './errors.ts'
export type { Visit } from './visits/visit.ts'

export type SessionOptions = ClientOption & {
  /**
   * Whether browsers speak https; unless given, what the URL of the request says. Say `true` behind a
   * proxy that speaks https for you.
   */
  readonly secure?: boolean | ((c: Context) => boolean)
  /** The browser's address, for the list of sessions; the socket's unless given. */
  readonly address?: (c: Context) => string | undefined
}

/** `new Hono<{ Variables: SessionVariables }>()` */
export type SessionVariables<Data extends SessionData = UntypedData> = {
  session: Visit<Data>
}

/** `app.use(session({ url, apiKey }))`. A page that does not use its session costs no request. */
export function session<Data extends SessionData = UntypedData>(
  options: SessionOptions,
): MiddlewareHandler<{ Variables: SessionVariables<Data> }> {
  const begin = createBeginVisit(clientOf(options))
  const { secure, address } = options
  return async function coatcheckSession(c, next) {
    const visit = begin<Data>(requestOf(c), {
      secure: typeof secure === 'function' ? secure(c) : secure,
      address: address?.(c),
    })
    c.set('session', visit)
    await next()
    // When the response is there, whatever has made it: an error's, too.
    if (visit.setCookies.length === 0) return
    const all = addSetCookies(c.res.headers.getSetCookie(), visit.setCookies)
    c.header('Set-Cookie', undefined)
    for (const header of all) c.header('Set-Cookie', header, { append: true })
  }
}

function requestOf(c: Context): IncomingRequest {
  const { headers, url } = c.req.raw
  // Of Node's server: the request before it became one of the web's.
  const env: unknown = c.env
  const incoming = typeof env === 'object' && env !== null && 'incoming' in env ? env.incoming : {}
  const socket =
    typeof incoming === 'object' && incoming !== null && 'socket' in incoming
      ? incoming.socket
      : undefined
  return { headers, url, socket }
}

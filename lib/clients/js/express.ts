/** Middleware for Express and Connect: `req.session`, on Coatcheck's own cookie. */
import { type ClientOption, clientOf } from './client-option.ts'
import { CoatcheckError } from './errors.ts'
import { createBeginVisit } from './visits/framework-visit.ts'
import type { IncomingRequest } from './visits/incoming.ts'
import type { SessionData, UntypedData } from './sessions.ts'
import { addCookiesAtHead, cookiesOf } from './visits/response-head.ts'
import { addSetCookies } from './visits/set-cookies.ts'
import type { Visit } from './visits/visit.ts'

export { CoatcheckError } from './errors.ts'
export type { Visit } from './visits/visit.ts'

export type SessionOptions = ClientOption & {
  /**
   * Whether browsers speak https; unless given, what Express says (`req.secure`, which heeds "trust
   * proxy").
   */
  readonly secure?: boolean
}

/** What the middleware adds to a request. */
export type SessionRequest<Data extends SessionData = UntypedData> = {
  session: Visit<Data>
}

/** What it needs of a response: Node's has it. */
export type HeaderResponse = {
  readonly headersSent: boolean
  getHeader(name: string): number | string | readonly string[] | undefined
  setHeader(name: string, value: readonly string[]): unknown
}

/**
 * `app.use(session({ url, apiKey }))`. A page that does not use its session costs no request. Await each call
 * before you answer: one that has to set the cookie afterwards rejects with `headers_sent`.
 */
export function session(
  options: SessionOptions,
): (request: IncomingRequest, response: HeaderResponse, next: () => void) => void {
  const begin = createBeginVisit(clientOf(options))
  const { secure } = options
  return function coatcheckSession(request, response, next) {
    let isHooked = false
    const visit = begin(request, { secure }, (headers) => {
      setCookies(response, headers)
      if (isHooked) return
      isHooked = true
      // The application may set cookies of its own after ours.
      addCookiesAtHead(response, () => visit.setCookies)
    })
    Object.assign(request, { session: visit })
    next()
  }
}

function setCookies(response: HeaderResponse, headers: readonly string[]): void {
  if (response.headersSent) {
    throw new CoatcheckError(
      'headers_sent',
      'Cannot set the cookie of the session: the response has begun; await each call of the session ' +
        'before you answer',
    )
  }
  const present = cookiesOf(response.getHeader('Set-Cookie'))
  response.setHeader('Set-Cookie', [...addSetCookies(present, headers)])
}

/**
 * `/verify`: forward auth, for a proxy that asks whether a request has a session (nginx's
 * `auth_request`).
 */
import type { ErrorFacts } from '../../base/errors.ts'
import type { JsonText } from '../../json/json.ts'
import { findSub } from '../../session/claims.ts'
import { type MaybePromise, whenThere } from '../../base/maybe-promise.ts'
import type { Session } from '../../session/session.ts'
import { plainId } from '../../session/session-id.ts'
import { isToken } from '../../session/token.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import type { Sessions } from '../../service/sessions.ts'
import type { HolderAccess } from '../access/access.ts'
import { answerJson, entityTag } from '../answer/answer.ts'
import type { AppContext } from '../app-env.ts'
import { answerProblem, HttpError, type ProblemCode, type Refusal } from '../answer/problem.ts'
import { findCookieReason, reasonOf, reasonOfHeader } from '../access/session-absence.ts'
import { agree, readBearer, readTokenHeader } from '../access/shown-token.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'
import type { ForwardAuth } from '../server/guard.ts'
import type { Handlers } from './routes.ts'
import { renderClosed, renderSession } from '../../session/session-json.ts'

export type VerifyDeps = {
  readonly sessions: Sessions
  readonly cookie: SessionCookie
  readonly holderAccess: HolderAccess
  readonly refusalFor: (error: unknown) => Refusal
  readonly metrics: Pick<Metrics, 'http'>
}

/**
 * 200 with the session, or 401 for everything else: nginx makes a 500 of any other status. Both
 * have `Session-Id` and `Session-Sub`: a proxy that copies a missing header lets the client's own
 * through.
 */
export function createVerify(deps: VerifyDeps): Handlers['verify'] {
  const { sessions, cookie, holderAccess, refusalFor, metrics } = deps
  // Holders can ask, too, unless a proxy keeps this path to itself.
  const render = holderAccess === 'none' ? renderClosed : renderSession

  function verify(c: AppContext): MaybePromise<Response> {
    return whenThere(sessions.authenticate(readToken(c, cookie)), (found) => {
      return whenThere(sessions.get(found, wantsTouch(c)), (session) =>
        answerVerified(session, render(session)),
      )
    })
  }

  function refuse(c: AppContext, error: unknown): Response {
    const { code, facts } = refusalFor(error)
    metrics.http.problem('session_required')
    // Reason and time, since the token was the right one.
    if (code === 'session_ended') return answerProblem(sessionRequired(code, facts))
    if (code !== 'session_not_found') return answerProblem(sessionRequired(code))
    return answerProblem(sessionRequired(code, { reason: findReason(c) }))
  }

  function findReason(c: AppContext): string {
    const own = asToken(readTokenHeader(c))
    const bearer = asToken(readBearer(c))
    if (own !== undefined) return reasonOfHeader(own, bearer)
    return bearer === undefined ? findCookieReason(c, cookie) : reasonOf(bearer)
  }

  return (c) => {
    try {
      const answer = verify(c)
      return answer instanceof Promise ? answer.catch((error: unknown) => refuse(c, error)) : answer
    } catch (error) {
      return refuse(c, error)
    }
  }
}

const NOT_ASCII = /[^\x00-\x7f]/

function readToken(c: AppContext, cookie: SessionCookie): string | undefined {
  const own = asToken(readTokenHeader(c))
  const bearer = asToken(readBearer(c))
  return own === undefined ? (bearer ?? cookie.read(c)) : agree(own, bearer)
}

/**
 * Both headers may be meant for the application behind the proxy: ours have the shape of a token.
 */
function asToken(text: string | undefined): string | undefined {
  return text !== undefined && isToken(text) ? text : undefined
}

/**
 * False for one `?touch=false`. The rest of the query is ignored: some proxies pass on the query of
 * the page, which must not decide whether its reader is logged in.
 */
function wantsTouch(c: AppContext): boolean {
  const target = c.env.incoming.url ?? ''
  const mark = target.indexOf('?')
  if (mark === -1) return true
  const touches = target
    .slice(mark + 1)
    .split('&')
    .filter((pair) => pair === 'touch' || pair.startsWith('touch='))
  // control: verify-touch-query
  return touches.length !== 1 || touches[0] !== 'touch=false'
}

function answerVerified(session: Session, body: JsonText): Response {
  const sub = findSub(session.claims) ?? ''
  const headers = {
    'Session-Id': plainId(session.id),
    'Session-Sub': sub,
    ETag: entityTag(session),
  }
  if (!NOT_ASCII.test(sub)) return answerJson(200, body, headers)
  // Node writes a header of latin1 text byte by byte, but only beside a body of bytes.
  const subBytes = Buffer.from(sub).toString('latin1')
  return answerJson(200, Buffer.from(`${body}\n`), { ...headers, 'Session-Sub': subBytes })
}

/** A path tells capital letters from small ones, a scheme does not. */
const VERIFY_TARGET = /^(?:[Hh][Tt]{2}[Pp][Ss]?:\/\/[^/?#]+)?\/verify(?:[/?]|$)/

/** For the server, which refuses some requests of this route before they reach the app. */
export const forwardAuth: ForwardAuth = {
  path: '/verify',
  isTarget: (target) => VERIFY_TARGET.test(target ?? ''),
  refuse: (why) => sessionRequired(why),
}

/** All that a proxy is told: that there is no session, and the code of the reason. */
function sessionRequired(why: ProblemCode, facts?: ErrorFacts): HttpError {
  return new HttpError('session_required', `Cannot let this request pass: ${why}`, facts)
}

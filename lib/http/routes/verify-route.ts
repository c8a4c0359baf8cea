/** `/verify`: answers a proxy that asks who is there, as nginx's `auth_request` does. */
import type { Handler } from 'hono'
import type { ErrorFacts } from '../../base/errors.ts'
import type { JsonText } from '../../json/json.ts'
import { findSub } from '../../session/claims.ts'
import { type MaybePromise, whenThere } from '../../base/maybe-promise.ts'
import type { Session } from '../../session/session.ts'
import { isToken } from '../../session/token.ts'
import type { Sessions } from '../../service/sessions.ts'
import { type HolderAccess, readBearer } from '../access/access.ts'
import { answerJson, entityTag } from '../answer/answer.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { answerProblem, HttpError, type ProblemCode, type Refusal } from '../answer/problem.ts'
import { findCookieReason, reasonOf } from '../access/session-absence.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'
import { renderClosed, renderSession } from '../../session/session-json.ts'

export type VerifyDeps = {
  readonly sessions: Sessions
  readonly cookie: SessionCookie
  readonly holderAccess: HolderAccess
  readonly refusalFor: (error: unknown) => Refusal
}

/**
 * 200 with the session, or 401; never another status, since nginx makes a 500 of it: what goes wrong
 * is no session. Both carry `Session-Id` and `Session-Sub`, for a proxy that copies a header which
 * is not there lets through the client's own.
 */
export function createVerifyRoute(deps: VerifyDeps): Handler<AppEnv> {
  const { sessions, cookie, holderAccess, refusalFor } = deps
  // Whoever has the cookie can ask, too, where no proxy keeps this path to itself.
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
    // Why and when, for whoever has its right token.
    if (code === 'session_ended') return answerProblem(sessionRequired(code, facts))
    if (code !== 'session_not_found') return answerProblem(sessionRequired(code))
    const bearer = findBearerToken(c)
    const reason = bearer === undefined ? findCookieReason(c, cookie) : reasonOf(bearer)
    return answerProblem(sessionRequired(code, { reason }))
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
  return findBearerToken(c) ?? cookie.read(c)
}

/** The `Authorization` may be meant for what is behind the proxy: it is ours if it has a token's shape. */
function findBearerToken(c: AppContext): string | undefined {
  const bearer = readBearer(c)
  return bearer !== undefined && isToken(bearer) ? bearer : undefined
}

/**
 * `?touch=false`, once, extends nothing. All else is passed over, for proxies that hand on the query of
 * the page: it must not decide whether its reader is logged in.
 */
function wantsTouch(c: AppContext): boolean {
  const target = c.env.incoming.url ?? ''
  const mark = target.indexOf('?')
  if (mark === -1) return true
  const touches = target
    .slice(mark + 1)
    .split('&')
    .filter((pair) => pair === 'touch' || pair.startsWith('touch='))
  return touches.length !== 1 || touches[0] !== 'touch=false'
}

function answerVerified(session: Session, body: JsonText): Response {
  const sub = findSub(session.claims) ?? ''
  const headers = { 'Session-Id': session.id, 'Session-Sub': sub, ETag: entityTag(session) }
  if (!NOT_ASCII.test(sub)) return answerJson(200, body, headers)
  // Node takes a header for one character a byte, and leaves it at that beside a body of bytes only.
  const subBytes = Buffer.from(sub).toString('latin1')
  return answerJson(200, Buffer.from(`${body}\n`), { ...headers, 'Session-Sub': subBytes })
}

/** As the route has it: unlike the scheme, a path tells capital letters from small ones. */
const VERIFY_TARGET = /^(?:[Hh][Tt]{2}[Pp][Ss]?:\/\/[^/?#]+)?\/verify(?:[/?]|$)/

/** Whether the target of a request that never gets to its route is this one. */
export function isVerify(target: string | undefined): boolean {
  return VERIFY_TARGET.test(target ?? '')
}

/** A proxy that asks is told nothing but that there is no session, and why in the words of its code. */
export function sessionRequired(why: ProblemCode, facts?: ErrorFacts): HttpError {
  return new HttpError('session_required', `Cannot let this request pass: ${why}`, facts)
}

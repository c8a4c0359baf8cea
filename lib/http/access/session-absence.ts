import { CoatcheckError } from '../../base/errors.ts'
import type { Refusal } from '../answer/problem.ts'
import { isToken, TOKEN_SHAPE } from '../../session/token.ts'
import type { AppContext } from '../app-env.ts'
import type { CookieFinding, SessionCookie } from '../cookies/session-cookie.ts'
import { agree, readBearer, readTokenHeader } from './shown-token.ts'

/** Why a request opens no session. Tells its sender nothing new. */
export type AbsenceReason =
  Exclude<CookieFinding['state'], 'token'> | 'malformed_token' | 'unknown_token'

/**
 * Of a session that was asked for by its id, for the back end that asked; other refusals as they are.
 */
export function explainEnded(refusal: Refusal): Refusal {
  const { code, facts } = refusal
  if (code !== 'session_ended') return refusal
  const words =
    facts['reason'] === 'renewed'
      ? 'Cannot use the session of this id: it was renewed and goes on under another id, which the answer to ' +
        'that has; GET /sessions?sub=USER lists it'
      : 'Cannot use the session of this id: it has ended; POST /sessions creates another one, and PUT of this ' +
        'id does once its end is forgotten (--keep-ended, or "keepEnded" of a session)'
  return new CoatcheckError(code, words, facts)
}

/**
 * The refusal with its reason, in words and as a fact. An unknown id and a wrong secret have the
 * same reason.
 */
export function explainNotFound(c: AppContext, cookie: SessionCookie): CoatcheckError {
  const reason = findReason(c, cookie)
  const words = describe(reason, cookie.explain(c).name, readTokenHeader(c) !== undefined)
  const wayOut =
    c.get('backEnd') !== undefined
      ? 'POST /sessions creates one'
      : 'PUT /session/KEY starts one and sets its cookie'
  return new CoatcheckError('session_not_found', `Cannot find a session: ${words}; ${wayOut}`, {
    reason,
  })
}

function findReason(c: AppContext, cookie: SessionCookie): AbsenceReason {
  // An API key beside the token is none.
  const bearer = c.get('backEnd') === undefined ? readBearer(c) : undefined
  const own = readTokenHeader(c)
  if (own !== undefined) return reasonOfHeader(own, bearer)
  if (bearer !== undefined) return reasonOf(bearer)
  return findCookieReason(c, cookie)
}

/** The reason, where the request has a `Session-Token`. */
export function reasonOfHeader(own: string, bearer: string | undefined): AbsenceReason {
  if (own === '') return 'no_token'
  return agree(own, bearer) === undefined ? 'two_tokens' : reasonOf(own)
}

/** The reason, where only the cookie is read. */
export function findCookieReason(c: AppContext, cookie: SessionCookie): AbsenceReason {
  const finding = cookie.explain(c)
  return finding.state === 'token' ? reasonOf(finding.token) : finding.state
}

export function reasonOf(token: string): 'malformed_token' | 'unknown_token' {
  return isToken(token) ? 'unknown_token' : 'malformed_token'
}

function describe(reason: AbsenceReason, name: string, isInHeader: boolean): string {
  switch (reason) {
    case 'no_token':
      return isInHeader
        ? 'Session-Token is empty'
        : `there is no cookie "${name}", and no token in Session-Token or Authorization`
    case 'two_tokens':
      return isInHeader
        ? 'Session-Token and Authorization have different tokens, and which is right cannot be told'
        : `the request has two cookies "${name}" with different values, and which is right cannot be told`
    case 'insecure_cookie':
      return `the cookie "${name}" came over https without being Secure, so anybody on the network may have set it`
    case 'malformed_token':
      return `the token is malformed, it must be ${TOKEN_SHAPE}`
    case 'unknown_token':
      return 'the token opens none'
  }
}

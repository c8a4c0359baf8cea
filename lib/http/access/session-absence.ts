import { CoatcheckError } from '../../base/errors.ts'
import { isToken, TOKEN_SHAPE } from '../../session/token.ts'
import { readBearer } from './access.ts'
import type { AppContext } from '../app-env.ts'
import type { CookieFinding, SessionCookie } from '../cookies/session-cookie.ts'

/** Why a request opens no session. Tells its sender nothing new. */
export type AbsenceReason =
  Exclude<CookieFinding['state'], 'token'> | 'malformed_token' | 'unknown_token'

/**
 * The refusal with its reason, in words and as a fact. An unknown id and a wrong secret have the
 * same reason.
 */
export function explainNotFound(c: AppContext, cookie: SessionCookie): CoatcheckError {
  const reason = findReason(c, cookie)
  const wayOut =
    c.get('isBackEnd') === true
      ? 'POST /sessions creates one'
      : 'PUT /session/KEY starts one and sets its cookie'
  return new CoatcheckError(
    'session_not_found',
    `Cannot find a session: ${describe(reason, cookie.explain(c).name)}; ${wayOut}`,
    { reason },
  )
}

function findReason(c: AppContext, cookie: SessionCookie): AbsenceReason {
  const bearer = readBearer(c)
  // An API key beside the cookie is no token.
  if (bearer !== undefined && c.get('isBackEnd') !== true) return reasonOf(bearer)
  return findCookieReason(c, cookie)
}

/** The reason, where only the cookie is read. */
export function findCookieReason(c: AppContext, cookie: SessionCookie): AbsenceReason {
  const finding = cookie.explain(c)
  return finding.state === 'token' ? reasonOf(finding.token) : finding.state
}

export function reasonOf(token: string): AbsenceReason {
  return isToken(token) ? 'unknown_token' : 'malformed_token'
}

function describe(reason: AbsenceReason, name: string): string {
  switch (reason) {
    case 'no_token':
      return `there is no cookie "${name}", and no token in Authorization`
    case 'two_tokens':
      return `the request has two cookies "${name}" with different values, and which is right cannot be told`
    case 'insecure_cookie':
      return `the cookie "${name}" came over https without being Secure, so anybody on the network may have set it`
    case 'malformed_token':
      return `the token is malformed, it must be ${TOKEN_SHAPE}`
    case 'unknown_token':
      return 'the token opens none'
  }
}

import type { Clock } from '../../base/clock.ts'
import type { Changed } from '../../service/sessions.ts'
import { renderForBackEnd } from '../../session/session-json.ts'
import { type AnswerHeaders, answerJson, entityTag } from '../answer/answer.ts'
import type { AppContext } from '../app-env.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'

/**
 * The session as a back end sees it; with its token and `Set-Cookie` where this change minted a
 * token.
 */
export type AnswerHandedOut = (
  c: AppContext,
  status: number,
  changed: Changed,
  headers?: AnswerHeaders,
) => Response

export function createHandedOut(deps: {
  readonly cookie: SessionCookie
  readonly clock: Clock
}): AnswerHandedOut {
  const { cookie, clock } = deps
  return function answerHandedOut(c, status, { session, token, evicted }, headers) {
    const setCookie = token === undefined ? undefined : cookie.issue(c, token, session, clock.now())
    const body = renderForBackEnd(session, { token, setCookie, evicted })
    return answerJson(status, body, { ETag: entityTag(session), ...headers })
  }
}

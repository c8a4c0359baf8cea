import type { Clock } from '../../base/clock.ts'
import type { Changed } from '../../service/sessions.ts'
import { renderFor } from '../access/app-ids.ts'
import { type AnswerHeaders, answerJson, answerMinimal, entityTag } from '../answer/answer.ts'
import type { AppContext } from '../app-env.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'
import { prefersMinimal } from '../request/prefer.ts'

/**
 * The session as a back end sees it; with its token and `Set-Cookie` where this change minted a
 * token. Without a body where the caller prefers that and nothing is in it that only this answer has.
 */
export type AnswerHandedOut = (
  c: AppContext,
  status: 200 | 201,
  changed: Changed,
  headers?: AnswerHeaders,
) => Response

export function createHandedOut(deps: {
  readonly cookie: SessionCookie
  readonly clock: Clock
}): AnswerHandedOut {
  const { cookie, clock } = deps
  return function answerHandedOut(c, status, { session, token, evicted }, headers) {
    const tagged = { ETag: entityTag(session), ...headers }
    const handsOut = token !== undefined || (evicted !== undefined && evicted.length > 0)
    // control: handed-out-in-full
    if (!handsOut && prefersMinimal(c)) return answerMinimal(status === 201 ? 201 : 204, tagged)
    const setCookie = token === undefined ? undefined : cookie.issue(c, token, session, clock.now())
    const body = renderFor(c, session, { token, setCookie, evicted })
    return answerJson(status, body, tagged)
  }
}

/**
 * `/sessions/:id`: one session, for a back end that names it by its id. A write creates none, and
 * the holder's cookie goes into the body, for the back end to pass on.
 */
import type { Changed, Sessions } from '../../service/sessions.ts'
import type { WithSession } from '../access/access.ts'
import type { Audit } from '../access/audit.ts'
import { type AnswerHeaders, answerEmpty, entityTag } from '../answer/answer.ts'
import { readPrecondition } from '../request/precondition-headers.ts'
import type { AnswerHandedOut } from './handed-out.ts'
import type { Handlers } from './routes.ts'
import { absenceOf, answerChanged, conditional, type SessionRequests } from './session-requests.ts'

export type NamedSessionDeps = {
  readonly sessions: Sessions
  readonly answerHandedOut: AnswerHandedOut
  readonly withNamedSession: WithSession
  readonly requests: SessionRequests
  readonly audit: Audit
}

/** `PUT` of a whole session may create it, and is in `sessions.ts`. */
type NamedSessionHandlers = Pick<
  Handlers,
  | 'getNamedSession'
  | 'patchNamedSession'
  | 'endNamedSession'
  | 'getNamedKey'
  | 'setNamedKey'
  | 'changeNamedKey'
  | 'popNamedKey'
  | 'renewNamedSession'
  | 'clearNamedSession'
>

export function createNamedSession(deps: NamedSessionDeps): NamedSessionHandlers {
  const { sessions, answerHandedOut, withNamedSession, requests, audit } = deps

  return {
    getNamedSession: withNamedSession(requests.get),

    patchNamedSession: withNamedSession(async (c, { found }) =>
      answerHandedOut(c, 200, await sessions.change(found, await requests.readUpdate(c))),
    ),

    endNamedSession: withNamedSession(async (c, { found }) => {
      await sessions.end(found, 'revoked', readPrecondition(c))
      if (found.state === 'live') audit.sessionsEnded(c, 1, { id: found.session.id })
      return answerEmpty()
    }),

    getNamedKey: withNamedSession(requests.createGetKey(isKeyMissing)),

    setNamedKey: withNamedSession(async (c, { found }) => {
      const key = requests.readKey(c)
      const value = await requests.readValue(c)
      const operation = conditional(c, { name: 'set', key, value })
      return answerEmpty(tagOf(await sessions.change(found, operation)))
    }),

    changeNamedKey: withNamedSession(async (c, { found }) => {
      const { operation, asText } = await requests.readKeyChange(c)
      const changed = await sessions.change(found, operation)
      return answerChanged(c, changed, asText, tagOf(changed))
    }),

    popNamedKey: withNamedSession(
      requests.createPopKey(isKeyMissing, (_, __, changed) => tagOf(changed)),
    ),

    renewNamedSession: withNamedSession(async (c, { found }) =>
      answerHandedOut(c, 200, await sessions.renew(found, readPrecondition(c))),
    ),

    clearNamedSession: withNamedSession(async (c, { found }) =>
      answerEmpty(tagOf(await sessions.change(found, conditional(c, { name: 'clear' })))),
    ),
  }
}

function tagOf({ session }: Changed): AnswerHeaders {
  return { ETag: entityTag(session) }
}

/** `?default=` stands in for a key alone: a session that is gone is told to the back end. */
function isKeyMissing(error: unknown): boolean {
  return absenceOf(error) === 'key_not_found'
}

/**
 * `/session`: the session of the request's token, for its holder; an API key beside the cookie may
 * more.
 */
import type { Clock } from '../../base/clock.ts'
import type { Changed, Sessions } from '../../service/sessions.ts'
import type { Operation } from '../../session/operations.ts'
import type { Session } from '../../session/session.ts'
import type { WithSession } from '../access/access.ts'
import { renderFor } from '../access/app-ids.ts'
import type { Audit } from '../access/audit.ts'
import { readTokenHeader } from '../access/shown-token.ts'
import {
  type AnswerHeaders,
  answerEmpty,
  answerJson,
  answerMinimal,
  entityTag,
} from '../answer/answer.ts'
import type { AppContext, SessionAccess } from '../app-env.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'
import type { DeviceReader } from '../request/device.ts'
import { readPrecondition } from '../request/precondition-headers.ts'
import { prefersMinimal } from '../request/prefer.ts'
import type { Handlers } from './routes.ts'
import { absenceOf, answerChanged, conditional, type SessionRequests } from './session-requests.ts'

export type SessionDeps = {
  readonly sessions: Sessions
  readonly cookie: SessionCookie
  readonly readDevice: DeviceReader
  /** Throws where the caller creates sessions faster than it may. */
  readonly admitCreation: (c: AppContext) => void
  readonly clock: Clock
  readonly withOwnSession: WithSession
  readonly requests: SessionRequests
  readonly audit: Audit
}

type SessionHandlers = Pick<
  Handlers,
  | 'getSession'
  | 'putSession'
  | 'patchSession'
  | 'endSession'
  | 'getKey'
  | 'setKey'
  | 'changeKey'
  | 'popKey'
  | 'renewSession'
  | 'clearSession'
>

export function createSession(deps: SessionDeps): SessionHandlers {
  const { sessions, cookie, readDevice, admitCreation, clock, withOwnSession, requests, audit } =
    deps
  const withWrite = createWithWrite(deps)

  function write(c: AppContext, { found }: SessionAccess, operation: Operation): Promise<Changed> {
    // A back end whose token is old or lost must not put its data into a new session that nobody
    // reads.
    // control: back-end-begins-nothing
    if (c.get('backEnd') !== undefined) return sessions.change(found, operation)
    return sessions.changeOrCreate(found, operation, () => {
      admitCreation(c)
      return readDevice(c)
    })
  }

  /**
   * With the cookie where the token, or the time for which a browser keeps it, has changed; who shows
   * the token in `Session-Token` gets a new one there.
   */
  function headersOf(
    c: AppContext,
    { found, token: given }: SessionAccess,
    { session, token }: Changed,
  ): AnswerHeaders {
    const headers = { ETag: entityTag(session) }
    const isKept = found.state === 'live' && isKeptAsLong(found.session, session)
    const due = token ?? (isKept ? undefined : given)
    if (due === undefined) return headers
    const isInHeader = token !== undefined && readTokenHeader(c) !== undefined
    return {
      ...headers,
      ...(isInHeader ? { 'Session-Token': token } : {}),
      ...(takesCookie(c) ? { 'Set-Cookie': cookie.issue(c, due, session, clock.now()) } : {}),
    }
  }

  return {
    getSession: withOwnSession(requests.get),

    putSession: withWrite(async (c, access) => {
      const changed = await write(c, access, await requests.readOverwrite(c))
      return answerEmpty(headersOf(c, access, changed))
    }),

    patchSession: withWrite(async (c, access) => {
      const changed = await write(c, access, await requests.readUpdate(c))
      const { session, evicted = [] } = changed
      const headers = headersOf(c, access, changed)
      if (evicted.length === 0 && prefersMinimal(c)) return answerMinimal(204, headers)
      return answerJson(200, renderFor(c, session, { evicted: changed.evicted }), headers)
    }),

    endSession: withWrite(async (c, { found }) => {
      await sessions.end(found, 'logout', readPrecondition(c))
      if (found.state === 'live') audit.sessionsEnded(c, 1, { id: found.session.id })
      return answerEmpty(takesCookie(c) ? { 'Set-Cookie': cookie.remove(c, clock.now()) } : {})
    }),

    getKey: withOwnSession(requests.createGetKey(isMissing)),

    setKey: withWrite(async (c, access) => {
      const key = requests.readKey(c)
      const value = await requests.readValue(c)
      const changed = await write(c, access, conditional(c, { name: 'set', key, value }))
      return answerEmpty(headersOf(c, access, changed))
    }),

    changeKey: withWrite(async (c, access) => {
      const { operation, asText } = await requests.readKeyChange(c)
      const changed = await write(c, access, operation)
      return answerChanged(c, changed, asText, headersOf(c, access, changed))
    }),

    popKey: withWrite(requests.createPopKey(isMissing, headersOf)),

    renewSession: withWrite(async (c, access) => {
      const changed = await sessions.renew(access.found, readPrecondition(c))
      return answerEmpty(headersOf(c, access, changed))
    }),

    clearSession: withWrite(async (c, access) => {
      const changed = await sessions.change(access.found, conditional(c, { name: 'clear' }))
      return answerEmpty(headersOf(c, access, changed))
    }),
  }
}

/**
 * Whether a cookie is for this caller: a back end passes it on, and a browser keeps it. A script that
 * shows a token in the header must not have it, or another one that it is told, put into the browser's
 * cookie, which no script can read.
 */
function takesCookie(c: AppContext): boolean {
  // control: no-planted-cookie
  return readTokenHeader(c) === undefined || c.get('backEnd') !== undefined
}

/**
 * With a domain configured, a response that sets the cookie also expires the one of another domain.
 */
function createWithWrite({ cookie, clock, withOwnSession }: SessionDeps): WithSession {
  const { removeFormer } = cookie
  if (removeFormer === undefined) return withOwnSession
  return (handle) =>
    withOwnSession(async (c, access) =>
      addFormer(await handle(c, access), removeFormer(c, clock.now())),
    )
}

function addFormer(answer: Response, former: readonly string[]): Response {
  const set = former.length === 0 ? null : answer.headers.get('Set-Cookie')
  if (set === null) return answer
  // The valid one comes last: some clients know a cookie by its name alone.
  answer.headers.delete('Set-Cookie')
  for (const one of [...former, set]) answer.headers.append('Set-Cookie', one)
  return answer
}

/** Whether a browser would be told the same time for which to keep the cookie. */
function isKeptAsLong(before: Session, after: Session): boolean {
  return (
    before.permanent === after.permanent &&
    (!after.permanent || before.lifetimeMs === after.lifetimeMs)
  )
}

const ABSENCES: ReadonlySet<string | undefined> = new Set([
  'key_not_found',
  'session_not_found',
  'session_ended',
])

function isMissing(error: unknown): boolean {
  return ABSENCES.has(absenceOf(error))
}

/** `/sessions`: all sessions together, and `PUT` of a whole one, for back ends. */
import { HttpError } from '../answer/problem.ts'
import { CoatcheckError } from '../../base/errors.ts'
import { parseJson } from '../../json/json.ts'
import type { Changed, Sessions } from '../../service/sessions.ts'
import type { SessionLimits } from '../../session/limits.ts'
import { renderForBackEnd } from '../../session/session-json.ts'
import { ID_SHAPE, isId } from '../../session/token.ts'
import { answerJson } from '../answer/answer.ts'
import { operations } from '../api.ts'
import { PAGE_SESSIONS, queryNames } from '../api-parts.ts'
import type { AppContext } from '../app-env.ts'
import { BODY, type BodyReader } from '../request/body.ts'
import type { DeviceReader } from '../request/device.ts'
import { readPrecondition } from '../request/precondition-headers.ts'
import { decodeLastSegment, type Query, readQueries } from '../request/request.ts'
import type { AnswerHandedOut } from './handed-out.ts'
import { type NewSession, parseNewSession } from './new-session-body.ts'
import type { Handlers } from './routes.ts'

export type SessionsDeps = {
  readonly sessions: Sessions
  readonly answerHandedOut: AnswerHandedOut
  readonly readDevice: DeviceReader
  readonly limits: SessionLimits
  readonly bodies: BodyReader
}

type SessionsHandlers = Pick<
  Handlers,
  'listSessions' | 'createSession' | 'endSessions' | 'putNamedSession'
>

const LIST_NAMES = queryNames(operations.listSessions)
const END_NAMES = queryNames(operations.endSessions)

export function createSessionsHandlers(deps: SessionsDeps): SessionsHandlers {
  const { sessions, answerHandedOut, readDevice, limits, bodies } = deps

  async function readNewSession(c: AppContext, empty = ''): Promise<NewSession> {
    // Two levels deeper than a value: the body's own object, and that of the data.
    const body = (await bodies.readText(c)) || empty
    return parseNewSession(parseJson(body, limits.maxDepth + 2, BODY))
  }

  function answerCreated(c: AppContext, changed: Changed): Response {
    return answerHandedOut(c, 201, changed, { Location: `/sessions/${changed.session.id}` })
  }

  return {
    async listSessions(c) {
      const query = readParameters(c, LIST_NAMES)
      const limit = readPageSize(query)
      const asked = { sub: readSub(query), after: query.get('after'), limit }
      const page = await sessions.list(asked).catch(refuseCursor)
      const items = page.sessions.map((session) => renderForBackEnd(session))
      const next = JSON.stringify(page.next ?? null)
      // Present only where there are any, so that callers notice.
      const damaged = page.damaged.length === 0 ? '' : `,"damaged":${JSON.stringify(page.damaged)}`
      return answerJson(200, `{"sessions":[${items.join(',')}],"next":${next}${damaged}}`)
    },

    async createSession(c) {
      // The body is optional here, and not with `PUT`, where an empty one would wipe a session.
      const { draft, device } = await readNewSession(c, '{}')
      return answerCreated(c, await sessions.create(draft, () => readDevice(c, device)))
    },

    async endSessions(c) {
      const query = readParameters(c, END_NAMES)
      const sub = readSub(query)
      const all = query.get('all')
      if ((sub === undefined) === (all === undefined) || (all !== undefined && all !== 'true')) {
        throw badRequest(
          'to end sessions it must have ?sub=USER, for all of a user, ' +
            "or ?all=true, for everybody's; and not both",
        )
      }
      const except = query.get('except')
      if (except !== undefined && !isId(except)) {
        throw badRequest('?except= must be the id of a session, it is empty or none')
      }
      const ended = await sessions.endMany({ sub, except })
      return answerJson(200, JSON.stringify(ended))
    },

    async putNamedSession(c) {
      const id = readChosenId(c)
      const { draft, device } = await readNewSession(c)
      const findDevice = () => readDevice(c, device)
      const changed = await sessions.put(id, draft, findDevice, readPrecondition(c))
      return changed.created ? answerCreated(c, changed) : answerHandedOut(c, 200, changed)
    },
  }
}

/**
 * All parameters; throws for an unknown one: a misspelt filter must not end more than was meant.
 */
function readParameters(c: AppContext, known: readonly string[]): Query {
  const query = readQueries(c)
  if ([...query.keys()].every((name) => known.includes(name))) return query
  throw badRequest(`it may have the parameters ${known.join(', ')}; it has another one`)
}

function readSub(query: Query): string | undefined {
  const sub = query.get('sub')
  if (sub === '') throw badRequest('?sub= must name a user, it is empty')
  return sub
}

function readPageSize(query: Query): number {
  const { fallback, least, most } = PAGE_SESSIONS
  const text = query.get('limit') ?? String(fallback)
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw badRequest(`?limit= must be an integer from ${least} to ${most}`)
}

/** Only the store can tell whether a cursor is one. */
function refuseCursor(error: unknown): never {
  if (!(error instanceof CoatcheckError && error.code === 'invalid_argument')) throw error
  throw badRequest('?after= must be the "next" of the page before')
}

function readChosenId(c: AppContext): string {
  const id = decodeLastSegment(c.req.path)
  if (isId(id)) return id
  throw new CoatcheckError('invalid_argument', `Cannot use this id: it must be ${ID_SHAPE}`)
}

function badRequest(reason: string): HttpError {
  return new HttpError('bad_request', `Cannot read the query: ${reason}`)
}

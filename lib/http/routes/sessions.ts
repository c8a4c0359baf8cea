/** `/sessions`: all sessions together, `/active`, and `PUT` of a whole one, for back ends. */
import { CoatcheckError } from '../../base/errors.ts'
import { parseJson } from '../../json/json.ts'
import type { Changed, Sessions } from '../../service/sessions.ts'
import { isApiKey } from '../../session/api-key.ts'
import type { SessionLimits } from '../../session/limits.ts'
import { isReservedName, RESERVED_SHAPE } from '../../session/reserved-id.ts'
import { APP_SHAPE, isApp } from '../../session/session-id.ts'
import { isToken } from '../../session/token.ts'
import {
  callersApp,
  callersIdShape,
  fullIdFor,
  isCallersId,
  renderFor,
  shownId,
  shownIds,
} from '../access/app-ids.ts'
import { answerJson } from '../answer/answer.ts'
import { operations } from '../api.ts'
import { ACTIVE_SECONDS, queryNames } from '../api-parts.ts'
import type { Audit } from '../access/audit.ts'
import type { AppContext } from '../app-env.ts'
import { BODY, type BodyReader } from '../request/body.ts'
import type { DeviceReader } from '../request/device.ts'
import { readPrecondition } from '../request/precondition-headers.ts'
import {
  badQuery,
  readPageSize,
  readParameters,
  readSub,
  refuseCursor,
} from '../request/parameters.ts'
import { decodeLastSegment, parseFlag, type Query } from '../request/request.ts'
import type { AnswerHandedOut } from './handed-out.ts'
import { type NewSession, parseNewSession } from './new-session-body.ts'
import type { Handlers } from './routes.ts'

export type SessionsDeps = {
  readonly sessions: Sessions
  readonly answerHandedOut: AnswerHandedOut
  readonly readDevice: DeviceReader
  readonly limits: SessionLimits
  readonly bodies: BodyReader
  readonly audit: Audit
}

type SessionsHandlers = Pick<
  Handlers,
  'listSessions' | 'createSession' | 'endSessions' | 'countActive' | 'putNamedSession'
>

const LIST_NAMES = queryNames(operations.listSessions)
const END_NAMES = queryNames(operations.endSessions)
const ACTIVE_NAMES = queryNames(operations.countActive)

export function createSessionsHandlers(deps: SessionsDeps): SessionsHandlers {
  const { sessions, answerHandedOut, readDevice, limits, bodies, audit } = deps

  async function readNewSession(c: AppContext, empty = ''): Promise<NewSession> {
    // Two levels deeper than a value: the body's own object, and that of the data.
    const body = (await bodies.readText(c)) || empty
    return parseNewSession(parseJson(body, limits.maxDepth + 2, BODY))
  }

  function answerCreated(c: AppContext, changed: Changed): Response {
    return answerHandedOut(c, 201, changed, {
      Location: `/sessions/${encodeURIComponent(shownId(c, changed.session.id))}`,
    })
  }

  /** The full id of the session that stays, which there must be: an empty variable may be any text. */
  async function findExcept(c: AppContext, query: Query): Promise<string | undefined> {
    const except = query.get('except')
    if (except === undefined) return undefined
    const id = fullIdFor(c, except)
    // control: except-somebody
    if (isCallersId(c, except) && (await sessions.find(id)).state !== 'absent') return id
    throw badQuery('?except= must be the id of a session, and there is none of this id')
  }

  return {
    async listSessions(c) {
      const query = readParameters(c, LIST_NAMES)
      const which = { app: readApp(c, query), sub: readSub(query) }
      if (wantsCount(query)) {
        return answerJson(200, JSON.stringify({ count: await sessions.count(which) }))
      }
      const asked = { ...which, after: query.get('after'), limit: readPageSize(query) }
      const page = await sessions.list(asked).catch(refuseCursor)
      const items = page.sessions.map((session) => renderFor(c, session))
      const next = JSON.stringify(page.next ?? null)
      // Present only where there are any, so that callers notice.
      const damaged =
        page.damaged.length === 0 ? '' : `,"damaged":${JSON.stringify(shownIds(c, page.damaged))}`
      return answerJson(200, `{"sessions":[${items.join(',')}],"next":${next}${damaged}}`)
    },

    async createSession(c) {
      // The body is optional here, and not with `PUT`, where an empty one would wipe a session.
      const { draft, device } = await readNewSession(c, '{}')
      return answerCreated(
        c,
        await sessions.create(callersApp(c), draft, () => readDevice(c, device)),
      )
    },

    async endSessions(c) {
      const query = readParameters(c, END_NAMES)
      const sub = readSub(query)
      const all = query.get('all')
      if ((sub === undefined) === (all === undefined) || (all !== undefined && all !== 'true')) {
        throw badQuery(
          'to end sessions it must have ?sub=USER, for all of a user, ' +
            "or ?all=true, for everybody's; and not both",
        )
      }
      const except = await findExcept(c, query)
      const app = readApp(c, query)
      const ended = await sessions.endMany({ app, sub, except })
      const which = { ...(sub === undefined ? { all: true } : { sub }), app }
      audit.sessionsEnded(c, ended.ended, { ...which, except, more: ended.more })
      return answerJson(200, JSON.stringify(ended))
    },

    async countActive(c) {
      const within = readWithin(readParameters(c, ACTIVE_NAMES))
      const query = { app: callersApp(c), withinMs: within * 1_000 }
      const { users, sessions: active, since } = await sessions.countActive(query)
      const body = { within, users, sessions: active, since: new Date(since).toISOString() }
      return answerJson(200, JSON.stringify(body))
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

/** The app whose sessions are meant: that of the caller's key, or the one that a key of all apps names. */
function readApp(c: AppContext, query: Query): string | undefined {
  const own = callersApp(c)
  const app = query.get('app')
  if (app === undefined) return own
  // control: app-of-key
  if (own !== undefined && app !== own) {
    throw badQuery('?app= must be the app of the API key, or be left out')
  }
  if (isApp(app)) return app
  throw badQuery(`?app= must be the name of an app, ${APP_SHAPE}`)
}

/** A count has no pages. */
function wantsCount(query: Query): boolean {
  if (parseFlag('count', query) !== true) return false
  if (!query.has('limit') && !query.has('after')) return true
  throw badQuery('?count=true counts all of them, without ?limit= and ?after=')
}

/** In seconds. */
function readWithin(query: Query): number {
  const { fallback, least, most } = ACTIVE_SECONDS
  const text = query.get('within') ?? String(fallback)
  const seconds = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (seconds >= least && seconds <= most && seconds % 60 === 0) return seconds
  const got = Number.isNaN(seconds) ? 'something else' : String(seconds)
  throw badQuery(
    `?within= must be seconds in whole minutes, from ${least} to ${most}, such as ` +
      `${fallback}; got ${got}`,
  )
}

function readChosenId(c: AppContext): string {
  const id = decodeLastSegment(c.req.path)
  // control: reserved-put
  if (isReservedName(id))
    throw unusableId(`it must not ${RESERVED_SHAPE}, as those of dashboards do`)
  // Stored as it is, listed and logged: an id must be no secret of ours.
  // control: secret-as-id
  if (isSecret(id)) throw unusableId('it has the form of a token or an API key; send a hash of it')
  // control: chosen-id
  if (isCallersId(c, id)) return fullIdFor(c, id)
  throw unusableId(`it must be ${callersIdShape(c)}`)
}

function isSecret(id: string): boolean {
  return isToken(id) || isApiKey(id)
}

function unusableId(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot use this id: ${reason}`)
}

/** `/sessions`: all of them together, for back ends; one of them is in `session-routes.ts`. */
import { Hono } from 'hono'
import type { Clock } from '../../base/clock.ts'
import { CoatcheckError } from '../../base/errors.ts'
import type { SessionLimits } from '../../session/limits.ts'
import { ID_SHAPE, isId } from '../../session/token.ts'
import type { Changed, Sessions } from '../../service/sessions.ts'
import { answerJson, entityTag, type Headers } from '../answer/answer.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { parseJson } from '../../json/text.ts'
import { readText } from '../request/body.ts'
import type { DeviceReader } from '../request/device.ts'
import { refuseOtherMethods } from '../answer/method-not-allowed.ts'
import { readPrecondition } from '../request/precondition-headers.ts'
import { readQueries } from '../request/query.ts'
import { decodeLastSegment } from '../request/segment.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'
import { parseNewSession, type NewSession } from './new-session-body.ts'
import { renderForBackEnd } from '../../session/session-json.ts'

export type SessionsRoutesDeps = {
  readonly sessions: Sessions
  readonly cookie: SessionCookie
  readonly readDevice: DeviceReader
  readonly clock: Clock
  readonly limits: SessionLimits
  readonly bodyLimitBytes: number
}

const DEFAULT_PAGE = 100
const LARGEST_PAGE = 1_000

export function createSessionsRoutes(deps: SessionsRoutesDeps): Hono<AppEnv> {
  const { sessions, cookie, readDevice, clock, limits, bodyLimitBytes } = deps
  const routes = new Hono<AppEnv>()

  routes.get('/', async (c) => {
    const query = readParameters(c, ['sub', 'limit', 'after'])
    const limit = readInteger('limit', query.get('limit'), 1, LARGEST_PAGE) ?? DEFAULT_PAGE
    const asked = { sub: readSub(query), after: query.get('after'), limit }
    const page = await sessions.list(asked).catch(refuseCursor)
    const items = page.sessions.map((session) => renderForBackEnd(session))
    const next = JSON.stringify(page.next ?? null)
    // Said only where there are any: a caller is to stumble over it.
    const damaged = page.damaged.length === 0 ? '' : `,"damaged":${JSON.stringify(page.damaged)}`
    return answerJson(200, `{"sessions":[${items.join(',')}],"next":${next}${damaged}}`)
  })

  routes.post('/', async (c) => {
    // All its members may be left out, and so may the body; but not where it would wipe a session.
    const { draft, device } = await readNewSession(c, '{}')
    return answerCreated(c, await sessions.create(draft, () => readDevice(c, device)))
  })

  routes.delete('/', async (c) => {
    const query = readParameters(c, ['sub', 'except', 'all'])
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
  })

  routes.put('/:id', async (c) => {
    const id = readChosenId(c)
    const { draft, device } = await readNewSession(c)
    const findDevice = () => readDevice(c, device)
    const changed = await sessions.put(id, draft, findDevice, readPrecondition(c))
    return changed.created ? answerCreated(c, changed) : answerHandedOut(c, 200, changed)
  })

  refuseOtherMethods(routes, '/', 'GET, HEAD, POST, DELETE')

  async function readNewSession(c: AppContext, empty = ''): Promise<NewSession> {
    // Two levels deeper than a value: the body's own object, and that of the data.
    const body = (await readText(c, bodyLimitBytes)) || empty
    return parseNewSession(parseJson(body, limits.maxDepth + 2, 'body'))
  }

  function answerCreated(c: AppContext, changed: Changed): Response {
    return answerHandedOut(c, 201, changed, { Location: `/sessions/${changed.session.id}` })
  }

  function answerHandedOut(
    c: AppContext,
    status: number,
    { session, token, evicted }: Changed,
    headers: Headers = {},
  ): Response {
    const setCookie = token === undefined ? undefined : cookie.issue(c, token, session, clock.now())
    const body = renderForBackEnd(session, { token, setCookie, evicted })
    return answerJson(status, body, { ETag: entityTag(session), ...headers })
  }

  return routes
}

/** All parameters; throws for one that is not known: a misspelt one must not end more than was meant. */
function readParameters(c: AppContext, known: readonly string[]): ReadonlyMap<string, string> {
  const query = readQueries(c)
  if ([...query.keys()].every((name) => known.includes(name))) return query
  throw badRequest(`it may have the parameters ${known.join(', ')}; it has another one`)
}

function readSub(query: ReadonlyMap<string, string>): string | undefined {
  const sub = query.get('sub')
  if (sub === '') throw badRequest('?sub= must name a user, it is empty')
  return sub
}

function readInteger(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw badRequest(`?${name}= must be an integer from ${least} to ${most}`)
}

/** Whether a cursor is one, the store alone can tell. */
function refuseCursor(error: unknown): never {
  if (!(error instanceof CoatcheckError && error.code === 'invalid_argument')) throw error
  throw badRequest('?after= must be the "next" of the page before')
}

function readChosenId(c: AppContext): string {
  const id = decodeLastSegment(c.req.path)
  if (isId(id)) return id
  throw new CoatcheckError('invalid_argument', `Cannot use this id: it must be ${ID_SHAPE}`)
}

function badRequest(reason: string): CoatcheckError {
  return new CoatcheckError('bad_request', `Cannot read the query: ${reason}`)
}

import { Hono } from 'hono'
import type { Clock } from '../../base/clock.ts'
import { CoatcheckError } from '../../base/errors.ts'
import { parseJsonPatch } from '../../json/json-patch.ts'
import type { Input } from '../../json/syntax.ts'
import { findMember, findOnlyMember, type JsonText, kindOf, parseJson } from '../../json/json.ts'
import { whenFailed, whenThere } from '../../base/maybe-promise.ts'
import { keyNotFound, type Operation } from '../../session/operations.ts'
import { claimsReadOnly } from '../../session/session-patch.ts'
import { checkKey, type SessionLimits } from '../../session/limits.ts'
import type { Session } from '../../session/session.ts'
import type { Changed, Sessions } from '../../service/sessions.ts'
import {
  answerEmpty,
  answerJson,
  answerUnchanged,
  answerValue,
  entityTag,
  type Headers,
} from '../answer/answer.ts'
import type { WithSession } from '../access/access.ts'
import type { AppContext, AppEnv, SessionAccess } from '../app-env.ts'
import { contentTypeOf, JSON_PATCH, readJson, readValue } from '../request/body.ts'
import { methodRefusal, refuseOtherMethods } from '../answer/method-not-allowed.ts'
import { isUnchanged, readPrecondition } from '../request/precondition-headers.ts'
import { parseFlag, readQueries } from '../request/query.ts'
import { decodeLastSegment } from '../request/segment.ts'
import { parseKeyPatch, parseSessionPatch, requireData } from './session-body.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'
import type { DeviceReader } from '../request/device.ts'
import { type HandedOut, renderForBackEnd, renderSession } from '../../session/session-json.ts'
import { parseForm, wantsText } from '../request/wants-text.ts'

export type SessionRoutesDeps = {
  readonly sessions: Sessions
  readonly cookie: SessionCookie
  readonly readDevice: DeviceReader
  /** Throws where the caller begins sessions faster than it may. */
  readonly admitCreation: (c: AppContext) => void
  readonly clock: Clock
  readonly limits: SessionLimits
  readonly bodyLimitBytes: number
  /** Which session is meant, and who asks. */
  readonly withSession: WithSession
  /**
   * Whether a back end named the session by its id. Then a write creates none, and what the holder's
   * cookie is to be goes into the body, for the back end to pass on.
   */
  readonly isNamed: boolean
}

const DEFAULT: Input = {
  name: '?default',
  example: '?default=%22ada%22',
  depthWay: { setting: 'maxDepth' },
}

const ABSENCES: ReadonlySet<string> = new Set(['session_not_found', 'session_ended'])

/** Of a key, and of a session as a whole. */
const KEY_METHODS = 'GET, HEAD, PUT, PATCH, DELETE'

/**
 * One session and its keys. Which session, and what the caller may do to it, `withSession` finds
 * out: so the same tree serves `/session` and, for a back end, `/sessions/:id`.
 */
export function createSessionRoutes(deps: SessionRoutesDeps): Hono<AppEnv> {
  const { sessions, cookie, readDevice, admitCreation, clock, limits, bodyLimitBytes, isNamed } =
    deps
  const { withSession } = deps
  const { removeFormer } = cookie
  const withWrite: WithSession =
    isNamed || removeFormer === undefined
      ? withSession
      : (handle) =>
          withSession(async (c, access) =>
            addFormer(await handle(c, access), removeFormer(c, clock.now())),
          )
  const routes = new Hono<AppEnv>()

  routes.get(
    '/',
    withSession((c, { found }) => {
      const query = readQueries(c)
      // A session as text is its JSON, as of any value but a string; `Accept` asks for no such thing.
      const asText = parseForm(query) === 'text'
      const render = c.get('isBackEnd') ? renderForBackEnd : renderSession
      return whenThere(sessions.get(found, parseFlag('touch', query) ?? true), (session) => {
        const tag = entityTag(session, asText)
        if (isUnchanged(c, tag)) return answerUnchanged(tag)
        return answerValue(render(session), asText, { ETag: tag })
      })
    }),
  )

  // Of a session that is named the whole is put, its claims too: that is in `sessions-routes.ts`.
  if (!isNamed) {
    routes.put(
      '/',
      withWrite(async (c, access) => {
        const asText = parseForm(readQueries(c)) === 'text'
        const data = requireData(await readValue(c, bodyLimitBytes, limits.maxDepth + 1, asText))
        const changed = await write(c, access, conditional(c, { name: 'overwrite', data }))
        return answerEmpty(changedHeaders(c, access, changed))
      }),
    )
  }

  routes.patch(
    '/',
    withWrite(async (c, access) => {
      const operation = await readSessionPatch(c)
      return answerSession(c, access, await write(c, access, operation))
    }),
  )

  routes.delete(
    '/',
    withWrite(async (c, { found }) => {
      await sessions.end(found, isNamed ? 'revoked' : 'logout', readPrecondition(c))
      return answerEmpty(isNamed ? {} : { 'Set-Cookie': cookie.remove(c, clock.now()) })
    }),
  )

  routes.get(
    '/:key',
    withSession((c, { found }) => {
      const key = readKey(c)
      const query = readQueries(c)
      const fallback = readDefault(query)
      const touch = parseFlag('touch', query) ?? true
      const asText = wantsText(c, query)
      const answer = (session: Session) => {
        const value = findOnlyMember(session.data, key) ?? fallback
        if (value === undefined) throw keyNotFound(key)
        const tag = entityTag(session, asText)
        if (isUnchanged(c, tag)) return answerUnchanged(tag)
        return answerValue(value, asText, { ETag: tag })
      }
      if (fallback === undefined) return whenThere(sessions.get(found, touch), answer)
      return whenFailed(
        () => whenThere(sessions.get(found, touch), answer),
        (error) => {
          if (!isMissing(error, isNamed)) throw error
          return answerValue(fallback, asText)
        },
      )
    }),
  )

  routes.put(
    '/:key',
    withWrite(async (c, access) => {
      const key = readKey(c)
      const asText = parseForm(readQueries(c)) === 'text'
      const value = await readValue(c, bodyLimitBytes, limits.maxDepth, asText)
      const changed = await write(c, access, conditional(c, { name: 'set', key, value }))
      return answerEmpty(changedHeaders(c, access, changed))
    }),
  )

  routes.patch(
    '/:key',
    withWrite(async (c, access) => {
      const key = readKey(c)
      const asText = wantsText(c, readQueries(c))
      const body = await readJson(c, bodyLimitBytes, limits.maxDepth + 1)
      const changed = await write(c, access, conditional(c, parseKeyPatch(key, body)))
      return answerValue(changed.value ?? 'null', asText, changedHeaders(c, access, changed))
    }),
  )

  routes.delete(
    '/:key',
    withWrite(async (c, access) => {
      const { found } = access
      const key = readKey(c)
      const query = readQueries(c)
      const fallback = readDefault(query)
      const asText = wantsText(c, query)
      const operation = conditional(c, { name: 'pop', key })
      try {
        const changed = await sessions.change(found, operation)
        const headers = changedHeaders(c, access, changed)
        return answerValue(changed.value ?? 'null', asText, headers)
      } catch (error) {
        if (fallback === undefined || !isMissing(error, isNamed)) throw error
        if (found.state !== 'live') return answerValue(fallback, asText)
        // Nothing was written, but somebody was here, as with a read.
        await sessions.get(found, true)
        return answerValue(fallback, asText, { ETag: entityTag(found.session) })
      }
    }),
  )

  routes.post(
    '/:key',
    withWrite(async (c, access) => {
      const changed = await act(c, access, readKey(c))
      return isNamed && changed.token !== undefined
        ? answerSession(c, access, changed)
        : answerEmpty(changedHeaders(c, access, changed))
    }),
  )

  refuseOtherMethods(routes, '/', KEY_METHODS)
  refuseOtherMethods(routes, '/:key', `${KEY_METHODS}, POST`, (c) => {
    const isAction = ['renew', 'clear'].includes(readKey(c))
    return isAction ? `${KEY_METHODS}, POST` : KEY_METHODS
  })

  function write(c: AppContext, { found }: SessionAccess, operation: Operation): Promise<Changed> {
    // A back end whose token is old or lost would else put its data where nobody looks for them.
    if (c.get('isBackEnd') === true) return sessions.change(found, operation)
    return sessions.changeOrCreate(found, operation, () => {
      admitCreation(c)
      return readDevice(c)
    })
  }

  function answerSession(c: AppContext, access: SessionAccess, changed: Changed): Response {
    const { session } = changed
    const body = c.get('isBackEnd')
      ? renderForBackEnd(session, handedOut(c, changed))
      : renderSession(session)
    return answerJson(200, body, changedHeaders(c, access, changed))
  }

  function handedOut(c: AppContext, { session, token, evicted }: Changed): HandedOut {
    if (!isNamed || token === undefined) return { evicted }
    return { token, setCookie: cookie.issue(c, token, session, clock.now()), evicted }
  }

  /**
   * What `POST` makes of a key's place: `renew` and `clear` are keys like any other for the other
   * methods. No route of their own, for the fast one of Hono's routers takes none beside `/:key`.
   */
  async function act(c: AppContext, { found }: SessionAccess, action: string): Promise<Changed> {
    switch (action) {
      case 'renew':
        return await sessions.renew(found, readPrecondition(c))
      case 'clear':
        return await sessions.change(found, conditional(c, { name: 'clear' }))
      default:
        throw methodRefusal(c, KEY_METHODS)
    }
  }

  async function readSessionPatch(c: AppContext): Promise<Operation> {
    const isBackEnd = c.get('isBackEnd') === true
    // Two levels deeper than a value: the body's own object, and that of the data.
    const body = await readJson(c, bodyLimitBytes, limits.maxDepth + 2)
    if (contentTypeOf(c) === JSON_PATCH) {
      const steps = parseJsonPatch(body)
      return conditional(c, { name: 'patch', steps, mayWriteClaims: isBackEnd })
    }
    // First of all: to say what is wrong with them would invite another try.
    if (!isBackEnd && hasMember(body, 'claims')) throw claimsReadOnly()
    const update = parseSessionPatch(body, isBackEnd)
    return conditional(c, { name: 'update', ...update })
  }

  function readKey(c: AppContext): string {
    const key = decodeLastSegment(c.req.path)
    checkKey(key, limits)
    return key
  }

  function readDefault(query: ReadonlyMap<string, string>): string | undefined {
    const text = query.get('default')
    return text === undefined ? undefined : parseJson(text, limits.maxDepth, DEFAULT)
  }

  /** The cookie goes out when the token or the time that a browser keeps it has changed. */
  function changedHeaders(
    c: AppContext,
    { found, token: given }: SessionAccess,
    { session, token }: Changed,
  ): Headers {
    const headers = { ETag: entityTag(session) }
    if (isNamed) return headers
    const kept = found.state === 'live' && keepsCookie(found.session, session)
    const due = token ?? (kept ? undefined : given)
    if (due === undefined) return headers
    return { ...headers, 'Set-Cookie': cookie.issue(c, due, session, clock.now()) }
  }

  return routes
}

/** Beside the session cookie that an answer sets, what it was under other settings goes. */
function addFormer(answer: Response, former: readonly string[]): Response {
  const set = former.length === 0 ? null : answer.headers.get('Set-Cookie')
  if (set === null) return answer
  // The one that counts comes last: some clients know a cookie by its name alone.
  answer.headers.delete('Set-Cookie')
  for (const one of [...former, set]) answer.headers.append('Set-Cookie', one)
  return answer
}

/** Whether a browser would be told the same time to keep the cookie for. */
function keepsCookie(before: Session, after: Session): boolean {
  return (
    before.permanent === after.permanent &&
    (!after.permanent || before.lifetimeMs === after.lifetimeMs)
  )
}

function conditional(c: AppContext, operation: Operation): Operation {
  const when = readPrecondition(c)
  return when === undefined ? operation : { ...operation, when }
}

/**
 * What a default stands in for; a back end that names a session by its id is told that it is gone. Of
 * a session that was renewed the value may be there, under the new token.
 */
function isMissing(error: unknown, isNamed: boolean): boolean {
  if (!(error instanceof CoatcheckError) || error.facts['reason'] === 'renewed') return false
  const { code } = error
  return code === 'key_not_found' || (!isNamed && ABSENCES.has(code))
}

function hasMember(body: JsonText, name: string): boolean {
  return kindOf(body) === 'object' && findMember(body, name) !== undefined
}

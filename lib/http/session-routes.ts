import { Hono } from 'hono'
import type { Clock } from '../clock.ts'
import { CoatcheckError } from '../errors.ts'
import { parseJsonPatch } from '../json/json-patch.ts'
import { findMember, type JsonText, kindOf, parseJson } from '../json/text.ts'
import { claimsReadOnly, keyNotFound, type Operation } from '../session/operations.ts'
import { checkKey, type SessionRules } from '../session/rules.ts'
import type { Changed, Sessions } from '../sessions.ts'
import { answerEmpty, answerJson, answerValue, entityTag, type Headers } from './answer.ts'
import type { AppContext, AppEnv } from './app-env.ts'
import { contentTypeOf, readJson, readValue } from './body.ts'
import { methodNotAllowed, methodRefusal } from './method-not-allowed.ts'
import { readPrecondition } from './precondition-headers.ts'
import { readFlag, readQuery } from './query.ts'
import { decodeSegment } from './segment.ts'
import { parseKeyPatch, parseSessionPatch } from './session-body.ts'
import type { SessionCookie } from './session-cookie.ts'
import type { DeviceReader } from './device.ts'
import { type HandedOut, renderForBackEnd, renderSession } from '../session/session-json.ts'
import { wantsText } from './wants-text.ts'

export type SessionRoutesDeps = {
  readonly sessions: Sessions
  readonly cookie: SessionCookie
  readonly readDevice: DeviceReader
  readonly clock: Clock
  readonly rules: SessionRules
  readonly bodyLimitBytes: number
  /**
   * Whether a back end named the session by its id. Then a write creates none, and what the holder's
   * cookie is to be goes into the body, for the back end to pass on.
   */
  readonly isNamed: boolean
}

const ABSENCES: ReadonlySet<string> = new Set(['session_not_found', 'session_ended'])

const KEY_METHODS = 'GET, HEAD, PUT, PATCH, DELETE'

/**
 * One session and its keys. Which session, and what the caller may do to it, stands in
 * `c.get('access')`: so the same tree serves `/session` and, for a back end, `/sessions/:id`.
 */
export function createSessionRoutes(deps: SessionRoutesDeps): Hono<AppEnv> {
  const { sessions, cookie, readDevice, clock, rules, bodyLimitBytes, isNamed } = deps
  const routes = new Hono<AppEnv>()

  routes.get('/', (c) => {
    const session = sessions.get(c.get('access').found, readFlag(c, 'touch') ?? true)
    const render = c.get('isBackEnd') ? renderForBackEnd : renderSession
    return answerJson(200, render(session), { ETag: entityTag(session) })
  })

  routes.patch('/', async (c) => {
    return answerSession(c, await write(c, await readSessionPatch(c)))
  })

  routes.delete('/', async (c) => {
    const reason = isNamed ? 'revoked' : 'logout'
    await sessions.end(c.get('access').found, reason, readPrecondition(c))
    return answerEmpty(isNamed ? {} : { 'Set-Cookie': cookie.remove(c, clock.now()) })
  })

  routes.get('/:key', (c) => {
    const key = readKey(c)
    const fallback = readDefault(c)
    const touch = readFlag(c, 'touch') ?? true
    const { found } = c.get('access')
    if (fallback !== undefined && found.state !== 'live' && !isNamed) {
      return answerValue(fallback, wantsText(c))
    }
    const session = sessions.get(found, touch)
    const value = findMember(session.data, key) ?? fallback
    if (value === undefined) throw keyNotFound(key)
    return answerValue(value, wantsText(c), { ETag: entityTag(session) })
  })

  routes.put('/:key', async (c) => {
    const key = readKey(c)
    const value = await readValue(c, bodyLimitBytes, rules.maxDepth)
    const changed = await write(c, conditional(c, { name: 'set', key, value }))
    return answerEmpty(changedHeaders(c, changed))
  })

  routes.patch('/:key', async (c) => {
    const key = readKey(c)
    const body = await readJson(c, bodyLimitBytes, rules.maxDepth + 1)
    const changed = await write(c, conditional(c, parseKeyPatch(key, body)))
    return answerValue(changed.value ?? 'null', wantsText(c), changedHeaders(c, changed))
  })

  routes.delete('/:key', async (c) => {
    const key = readKey(c)
    const fallback = readDefault(c)
    const operation = conditional(c, { name: 'pop', key })
    try {
      const changed = await sessions.change(c.get('access').found, operation)
      return answerValue(changed.value ?? 'null', wantsText(c), changedHeaders(c, changed))
    } catch (error) {
      if (fallback === undefined || !isMissing(error, isNamed)) throw error
      const { found } = c.get('access')
      const headers = found.state === 'live' ? { ETag: entityTag(found.session) } : {}
      return answerValue(fallback, wantsText(c), headers)
    }
  })

  routes.post('/:key', async (c) => {
    const changed = await act(c, readKey(c))
    return isNamed && changed.token !== undefined
      ? answerSession(c, changed)
      : answerEmpty(changedHeaders(c, changed))
  })

  routes.all(
    '/',
    methodNotAllowed(isNamed ? 'GET, HEAD, PUT, PATCH, DELETE' : 'GET, HEAD, PATCH, DELETE'),
  )
  routes.all('/:key', (c) => {
    const isAction = ['renew', 'clear'].includes(readKey(c))
    throw methodRefusal(c, isAction ? `${KEY_METHODS}, POST` : KEY_METHODS)
  })

  async function write(c: AppContext, operation: Operation): Promise<Changed> {
    const { found } = c.get('access')
    if (isNamed) return await sessions.change(found, operation)
    return await sessions.changeOrCreate(found, operation, () => readDevice(c))
  }

  function answerSession(c: AppContext, changed: Changed): Response {
    const { session } = changed
    const body = c.get('isBackEnd')
      ? renderForBackEnd(session, handedOut(c, changed))
      : renderSession(session)
    return answerJson(200, body, changedHeaders(c, changed))
  }

  function handedOut(c: AppContext, { session, token, evicted }: Changed): HandedOut {
    if (!isNamed || token === undefined) return { evicted }
    return { token, setCookie: cookie.issue(c, token, session, clock.now()), evicted }
  }

  /**
   * What `POST` makes of a key's place: `renew` and `clear` are keys like any other for the other
   * methods. No route of their own, for the fast one of Hono's routers takes none beside `/:key`.
   */
  async function act(c: AppContext, action: string): Promise<Changed> {
    const { found } = c.get('access')
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
    const mayWriteClaims = c.get('isBackEnd') === true
    // Two levels deeper than a value: the body's own object, and that of the data.
    const body = await readJson(c, bodyLimitBytes, rules.maxDepth + 2)
    if (contentTypeOf(c) === 'application/json-patch+json') {
      return conditional(c, { name: 'patch', steps: parseJsonPatch(body), mayWriteClaims })
    }
    // First of all: to say what is wrong with them would invite another try.
    if (!mayWriteClaims && hasMember(body, 'claims')) throw claimsReadOnly()
    const update = parseSessionPatch(body)
    return conditional(c, { name: 'update', ...update })
  }

  /** Not `c.req.param`, which keeps a malformed escape as it is. */
  function readKey(c: AppContext): string {
    const key = decodeSegment(c.req.path.slice(c.req.path.lastIndexOf('/') + 1))
    checkKey(key, rules)
    return key
  }

  function readDefault(c: AppContext): string | undefined {
    const text = readQuery(c, 'default')
    return text === undefined ? undefined : parseJson(text, rules.maxDepth, '?default')
  }

  /** The cookie goes out when the token or the time that a browser keeps it has changed. */
  function changedHeaders(c: AppContext, { session, token }: Changed): Headers {
    const headers = { ETag: entityTag(session) }
    if (isNamed) return headers
    const { found, token: given } = c.get('access')
    const kept = found.state === 'live' && found.session.permanent === session.permanent
    const due = token ?? (kept ? undefined : given)
    if (due === undefined) return headers
    return { ...headers, 'Set-Cookie': cookie.issue(c, due, session, clock.now()) }
  }

  return routes
}

function conditional(c: AppContext, operation: Operation): Operation {
  const when = readPrecondition(c)
  return when === undefined ? operation : { ...operation, when }
}

/** What a default stands in for; a back end that names a session by its id is told that it is gone. */
function isMissing(error: unknown, isNamed: boolean): boolean {
  if (!(error instanceof CoatcheckError)) return false
  const { code } = error
  return code === 'key_not_found' || (!isNamed && ABSENCES.has(code))
}

function hasMember(body: JsonText, name: string): boolean {
  return kindOf(body) === 'object' && findMember(body, name) !== undefined
}

/** Authentication: who sends a request, and which session it is about. */
import type { Handler, MiddlewareHandler } from 'hono'
import { isApiKey } from '../../session/api-key.ts'
import type { ApiKeys } from '../../service/api-keys.ts'
import type { Clock } from '../../base/clock.ts'
import { CoatcheckError } from '../../base/errors.ts'
import { HttpError } from '../answer/problem.ts'
import type { Log } from '../../base/log.ts'
import { type MaybePromise, whenThere } from '../../base/maybe-promise.ts'
import { isToken } from '../../session/token.ts'
import type { Sessions } from '../../service/sessions.ts'
import { networkOf } from '../request/address.ts'
import type { AppContext, AppEnv, SessionAccess } from '../app-env.ts'
import type { Forwarded } from '../request/forwarded.ts'
import { decodeSegment, readHeader } from '../request/request.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'
import { createRateLimit } from './rate-limit.ts'
import { refuseCrossOrigin } from './same-origin.ts'

/** The rights of a token's holder without a back end's API key. */
export type HolderAccess = 'read-write' | 'read' | 'none'

export type AccessDeps = {
  readonly sessions: Sessions
  readonly apiKeys: ApiKeys
  readonly cookie: SessionCookie
  readonly forwarded: Forwarded
  readonly holderAccess: HolderAccess
  readonly clock: Clock
  readonly log: Log
}

/** A route's handler, given the session that the request is about. */
export type SessionHandler = (c: AppContext, access: SessionAccess) => MaybePromise<Response>

/** Finds the session, then calls the handler. */
export type WithSession = (handle: SessionHandler) => Handler<AppEnv>

export type Access = {
  /**
   * For `/session`: the session that the token opens; with an API key beside the cookie, for a back
   * end.
   */
  readonly withOwnSession: WithSession
  /** For `/sessions` and all below: back ends only. */
  readonly requireBackEnd: MiddlewareHandler<AppEnv>
  /** For `/sessions/:id` and all below: the session of that id. */
  readonly withNamedSession: WithSession
}

/** Wrong API keys of one address: beyond these they are refused as too many. */
const FAILURES = { burst: 10, perMs: 10_000 } as const

export function createAccess(deps: AccessDeps): Access {
  const { sessions, apiKeys, cookie, forwarded, holderAccess, clock, log } = deps
  const failures = createRateLimit({ clock, ...FAILURES })

  /**
   * Throws for a key that is not in force. A right key passes however many wrong ones came before.
   */
  async function admitBackEnd(c: AppContext, key: string | undefined): Promise<void> {
    if (key !== undefined && isApiKey(key) && (await apiKeys.accepts(key))) {
      c.set('isBackEnd', true)
      return
    }
    if (key === undefined) throw apiKeyRequired('there is none')
    const client = networkOf(forwarded.addressOf(c))
    // control: log-without-key
    log.warn('api_key_refused', { client })
    // control: error-without-key
    if (failures.take(client) === 0) throw apiKeyRequired('the one given is not in force')
    throw new HttpError(
      'too_many_failures',
      'Cannot take another wrong API key now: too many came from this address; wait 10 s, or correct the key',
    )
  }

  function authenticate(c: AppContext, token: string | undefined, handle: SessionHandler) {
    return whenThere(sessions.authenticate(token), (found) => handle(c, { token, found }))
  }

  return {
    // Not a middleware of Hono's, which would add a handful of promises to every read.
    withOwnSession: (handle) => (c) => {
      refuseCrossOrigin(c, forwarded)
      const bearer = readBearer(c)
      if (bearer?.startsWith('ck_') && !isToken(bearer)) {
        return admitBackEnd(c, bearer).then(() => authenticate(c, cookie.read(c), handle))
      }
      checkHolderAccess(c, holderAccess)
      return authenticate(c, bearer ?? cookie.read(c), handle)
    },

    async requireBackEnd(c, next) {
      await admitBackEnd(c, readBearer(c))
      return next()
    },

    withNamedSession: (handle) => (c) => {
      const id = decodeSegment(c.req.path.split('/', 3)[2] ?? '')
      return whenThere(sessions.find(id), (found) => {
        if (found.state === 'absent') throw unknownId()
        return handle(c, { token: undefined, found })
      })
    },
  }
}

// control: bearer-only
const BEARER = /^Bearer[ \t]+(.*)$/i

/** RFC 6750 section 2.1. Another scheme is left to a proxy in front. */
export function readBearer(c: AppContext): string | undefined {
  const header = readHeader(c, 'authorization')
  return header === undefined ? undefined : BEARER.exec(header)?.[1]
}

/** A holder who may read may log out, too. */
function checkHolderAccess(c: AppContext, access: HolderAccess): void {
  if (access === 'read-write') return
  const { method, path } = c.req
  const reads = method === 'GET' || method === 'HEAD'
  const logsOut = method === 'DELETE' && path === '/session'
  if (access === 'read' && (reads || logsOut)) return
  throw new HttpError(
    'holder_access_denied',
    access === 'read'
      ? 'Cannot write with the cookie alone: sessions here are written by back ends, with an API key ' +
          '(--holder-access)'
      : 'Cannot use the session with the cookie alone: that is for back ends, with an API key ' +
          '(--holder-access)',
  )
}

function unknownId(): CoatcheckError {
  return new CoatcheckError(
    'session_not_found',
    'Cannot find a session of this id; POST /sessions creates one, PUT one of an id of yours',
  )
}

function apiKeyRequired(given: string): HttpError {
  return new HttpError(
    'api_key_required',
    `Cannot answer without an API key: ${given}; send Authorization: Bearer ck_…, the key that was ` +
      'written beside the data file at the first start',
  )
}

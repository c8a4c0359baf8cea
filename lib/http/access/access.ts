/** Who asks, and for which session: the one place in front of the session routes that finds out. */
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
import { networkOf } from '../request/client-network.ts'
import type { AppContext, AppEnv, SessionAccess } from '../app-env.ts'
import { createFailureLimit } from './failure-limit.ts'
import type { Forwarded } from '../request/forwarded.ts'
import { readHeader } from '../request/request-header.ts'
import { refuseCrossOrigin } from './same-origin.ts'
import { decodeSegment } from '../request/segment.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'

/** What the holder of a token may do by itself, without a back end's API key. */
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

/** A route's handler, once it is known which session is meant. */
export type SessionHandler = (c: AppContext, access: SessionAccess) => MaybePromise<Response>

/** What stands in front of such a handler. */
export type WithSession = (handle: SessionHandler) => Handler<AppEnv>

export type Access = {
  /** For `/session`: the session that the token opens. An API key beside the cookie says who asks. */
  readonly withOwnSession: WithSession
  /** For `/sessions` and all below: nobody but a back end. */
  readonly requireBackEnd: MiddlewareHandler<AppEnv>
  /** For `/sessions/:id` and all below: the session of that id. */
  readonly withNamedSession: WithSession
}

export function createAccess(deps: AccessDeps): Access {
  const { sessions, apiKeys, cookie, forwarded, holderAccess, clock, log } = deps
  const failures = createFailureLimit(clock)

  /** Throws for a key that is not in force. A right key is let in however many wrong ones came. */
  async function admitBackEnd(c: AppContext, key: string | undefined): Promise<void> {
    if (key !== undefined && isApiKey(key) && (await apiKeys.accepts(key))) {
      c.set('isBackEnd', true)
      return
    }
    if (key === undefined) throw apiKeyRequired('there is none')
    const client = networkOf(forwarded.addressOf(c))
    log.warn('api key refused', { client })
    const areTooMany = failures.add(client)
    if (!areTooMany) throw apiKeyRequired('the one given is not in force')
    throw new HttpError(
      'too_many_failures',
      'Cannot take another wrong API key now: too many came from this address; wait, or mend the key',
    )
  }

  function authenticate(c: AppContext, token: string | undefined, handle: SessionHandler) {
    return whenThere(sessions.authenticate(token), (found) => handle(c, { token, found }))
  }

  return {
    // No middleware of Hono's, which would cost every read a handful of promises.
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

const BEARER = /^Bearer[ \t]+(.*)$/i

/** RFC 6750 section 2.1. Another scheme is the business of a proxy in front, and left to it. */
export function readBearer(c: AppContext): string | undefined {
  const header = readHeader(c, 'authorization')
  return header === undefined ? undefined : BEARER.exec(header)?.[1]
}

/** To log out is never refused to a holder who may at least read. */
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

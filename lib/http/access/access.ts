/** Authentication: who sends a request, and which session it is about. */
import type { Handler, MiddlewareHandler } from 'hono'
import { CoatcheckError } from '../../base/errors.ts'
import { type MaybePromise, whenThere } from '../../base/maybe-promise.ts'
import type { Sessions } from '../../service/sessions.ts'
import type { KeyScope } from '../../session/api-key.ts'
import { isToken } from '../../session/token.ts'
import { HttpError } from '../answer/problem.ts'
import type { AppContext, AppEnv, SessionAccess } from '../app-env.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'
import type { Forwarded } from '../request/forwarded.ts'
import { decodeSegment } from '../request/request.ts'
import { fullIdFor, withinApp } from './app-ids.ts'
import type { KeyCheck } from './key-check.ts'
import { isSafe, refuseCrossOrigin } from './same-origin.ts'
import { agree, readBearer, readTokenHeader } from './shown-token.ts'

/** The rights of a token's holder without a back end's API key. */
export type HolderAccess = 'read-write' | 'read' | 'none'

export type AccessDeps = {
  readonly sessions: Sessions
  readonly keyCheck: Pick<KeyCheck, 'admit'>
  readonly cookie: SessionCookie
  readonly forwarded: Forwarded
  readonly holderAccess: HolderAccess
}

/** A route's handler, given the session that the request is about. */
export type SessionHandler = (c: AppContext, access: SessionAccess) => MaybePromise<Response>

/** Finds the session, then calls the handler. */
export type WithSession = (handle: SessionHandler) => Handler<AppEnv>

export type Access = {
  /**
   * For `/session`: the session that the token opens; with an API key beside the token, for a back
   * end, if it is one of its app.
   */
  readonly withOwnSession: WithSession
  /**
   * For `/sessions` and all below: back ends only, whose key has this scope; undefined for the scope that
   * the method needs.
   */
  readonly requireBackEnd: (scope: KeyScope | undefined) => MiddlewareHandler<AppEnv>
  /** For `/sessions/:id` and all below: the session that the back end calls so. */
  readonly withNamedSession: WithSession
}

export function createAccess(deps: AccessDeps): Access {
  const { sessions, keyCheck, cookie, forwarded, holderAccess } = deps

  async function admitBackEnd(
    c: AppContext,
    key: string | undefined,
    scope: KeyScope,
  ): Promise<void> {
    c.set('backEnd', await keyCheck.admit(c, key, scope))
  }

  function authenticate(c: AppContext, token: string | undefined, handle: SessionHandler) {
    return whenThere(sessions.authenticate(token), (found) => handle(c, { token, found }))
  }

  return {
    // Not a middleware of Hono's, which would add a handful of promises to every read.
    withOwnSession: (handle) => (c) => {
      refuseCrossOrigin(c, forwarded)
      const bearer = readBearer(c)
      const own = readTokenHeader(c)
      if (bearer?.startsWith('ck_') && !isToken(bearer)) {
        return admitBackEnd(c, bearer, scopeFor(c)).then(() => {
          // Only now: of a back end more is believed, how the browser came among it.
          const token = own === undefined ? cookie.read(c) : agree(own, undefined)
          return authenticate(c, token, (_, { found }) =>
            handle(c, { token, found: withinApp(c, found) }),
          )
        })
      }
      checkHolderAccess(c, holderAccess)
      const token = own === undefined ? (bearer ?? cookie.read(c)) : agree(own, bearer)
      return authenticate(c, token, handle)
    },

    requireBackEnd: (scope) =>
      async function requireBackEnd(c, next) {
        await admitBackEnd(c, readBearer(c), scope ?? scopeFor(c))
        return next()
      },

    withNamedSession: (handle) => (c) => {
      const id = fullIdFor(c, decodeSegment(c.req.path.split('/', 3)[2] ?? ''))
      return whenThere(sessions.find(id), (found) => {
        if (found.state === 'absent') throw unknownId()
        return handle(c, { token: undefined, found })
      })
    },
  }
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

/** The scope that a request needs where its operation names none. */
function scopeFor(c: AppContext): KeyScope {
  return isSafe(c) ? 'read' : 'all'
}

function unknownId(): CoatcheckError {
  return new CoatcheckError(
    'session_not_found',
    'Cannot find a session of this id; POST /sessions creates one, PUT one of an id of yours',
  )
}

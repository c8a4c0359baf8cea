/** Sessions by their ids. */
import { type Ask, isGone, MINIMAL, must, parseBody, parseRead } from './ask.ts'
import { CoatcheckError, invalidArgument } from './errors.ts'
import { fieldLine, idSegment, queryValue, requireSub, requireText } from './request-text.ts'

/** The data of a session: what JSON can hold. */
export type SessionData = object

/** The data of who has not said what is in them. */
export type UntypedData = Record<string, unknown>

export type Claims = { readonly sub?: string; readonly [claim: string]: unknown }

/** Times as `2026-11-23T09:00:00.000Z`. */
export type Session<Data extends SessionData = UntypedData> = {
  readonly id: string
  readonly data: Data
  readonly claims: Claims
  readonly permanent: boolean
  readonly createdAt: string
  readonly lastSeenAt: string
  readonly expiresAt: string
  readonly lifetimeEndsAt: string
  readonly device?: Device
  /** Seconds for which its end is remembered; absent where the server's setting says it. */
  readonly keepEnded?: number
}

export type Device = { readonly address?: string; readonly userAgent?: string }

/** A session that has a new token. */
export type CreatedSession<Data extends SessionData = UntypedData> = Session<Data> & {
  /** For a cookie of your own; `setCookie` has it, too. */
  readonly token: string
  /** The value of a `Set-Cookie` header for the browser. */
  readonly setCookie: string
  /** The ids of the sessions that ended to make room. */
  readonly evicted: readonly string[]
}

/** Times in seconds. */
export type TimeLimits = {
  readonly idleTimeout?: number
  /** `null`: as long as it is used. */
  readonly lifetime?: number | null
  /** The lifetime counts from this write, and not from the creation of the session. */
  readonly lifetimeFrom?: 'now'
}

export type NewSession<Data extends SessionData = UntypedData> = TimeLimits & {
  readonly data?: Data
  readonly claims?: Claims
  readonly permanent?: boolean
  readonly device?: Device
  readonly keepEnded?: KeepEnded
}

/** Seconds for which the end is remembered; 0: the id may be used again at once; `null`: as the server's setting says. */
export type KeepEnded = number | null

/**
 * `data` and `claims` are merge patches (RFC 7396): `null` removes. `set`, `remove`, `increment`, `extend`
 * and `in`, in place of `data`, change it by its keys.
 */
export type SessionPatch<Data extends SessionData = UntypedData> = TimeLimits & {
  readonly data?: object
  readonly set?: Partial<Data>
  readonly remove?: readonly (keyof Data & string)[]
  readonly increment?: Readonly<Record<string, number>>
  readonly extend?: Readonly<Record<string, readonly unknown[]>>
  readonly in?: Readonly<Record<string, object>>
  readonly claims?: object
  /** In place of `claims`: who logs in, with all claims. Limits that are not given are the server's. */
  readonly login?: Claims & { readonly sub: string }
  readonly permanent?: boolean
  readonly keepEnded?: KeepEnded
}

export type Selection = {
  /** The user whose sessions are meant. */
  readonly sub?: string | undefined
  /** For a key of all apps: the app whose sessions are meant. */
  readonly app?: string | undefined
}

export type Sessions<Data extends SessionData = UntypedData> = {
  create(session?: NewSession<Data>): Promise<CreatedSession<Data>>
  /** Undefined for one that has ended or never was. `touch: false`: it is no activity. */
  get(id: string, options?: { readonly touch?: boolean }): Promise<Session<Data> | undefined>
  /**
   * Replaces a whole session, or creates it under an id of yours: 1 to 128 characters. Rejects with
   * `session_ended` where one of that id has ended, and with `precondition_failed` where
   * `onlyNew` is true and there is one, or `onlyExisting` and there is none.
   */
  put(
    id: string,
    session: NewSession<Data>,
    options?: { readonly onlyNew?: boolean; readonly onlyExisting?: boolean },
  ): Promise<Session<Data>>
  /** Rejects with `session_not_found` or `session_ended` where there is none. */
  patch(id: string, patch: SessionPatch<Data>): Promise<Session<Data>>
  /** False where there was none. */
  end(id: string): Promise<boolean>
  /** All live sessions, or those of a user, the oldest first; asks for one page after the other. */
  list(options?: Selection & { readonly pageSize?: number }): AsyncIterable<Session<Data>>
  count(options?: Selection): Promise<number>
  /**
   * Ends all sessions of a user but `except`, or with `all` everybody's; resolves with how many. Rejects with
   * `ends_incomplete` where the server ends no more though some are left.
   */
  endAll(
    which: Selection & { readonly all?: true; readonly except?: string | undefined },
  ): Promise<number>
}

export function createSessions<Data extends SessionData>(ask: Ask): Sessions<Data> {
  function pathOf(id: string): string {
    return `/sessions/${idSegment(id)}`
  }

  return {
    async create(session = {}) {
      checkClaims(session.claims)
      return parseBody(must(await ask('write', 'POST', '/sessions', '', JSON.stringify(session))))
    },

    async get(id, { touch = true } = {}) {
      const path = touch ? pathOf(id) : `${pathOf(id)}?touch=false`
      const answer = await ask('read', 'GET', path, '')
      return isGone(answer) ? undefined : parseRead(must(answer))
    },

    async put(id, session, { onlyNew = false, onlyExisting = false } = {}) {
      checkClaims(session.claims)
      if (onlyNew && onlyExisting) {
        throw invalidArgument('Cannot put a session: onlyNew and onlyExisting exclude each other')
      }
      const fields = onlyNew ? 'If-None-Match: *\r\n' : onlyExisting ? 'If-Match: *\r\n' : ''
      return parseBody(must(await ask('write', 'PUT', pathOf(id), fields, JSON.stringify(session))))
    },

    async patch(id, patch) {
      const { claims, login } = patch
      // A merge patch: null removes.
      if (!isObject(claims) || !('sub' in claims) || claims.sub !== null) checkClaims(claims)
      if (login !== undefined) requireSub(isObject(login) ? login.sub : undefined, 'log in')
      return parseBody(must(await ask('write', 'PATCH', pathOf(id), '', JSON.stringify(patch))))
    },

    async end(id) {
      const answer = await ask('write', 'DELETE', pathOf(id), MINIMAL)
      if (isGone(answer)) return false
      must(answer)
      return true
    },

    async *list({ pageSize = 100, ...which } = {}) {
      if (!Number.isInteger(pageSize)) {
        throw invalidArgument('Cannot list sessions: pageSize must be a whole number')
      }
      const fixed = `/sessions?limit=${pageSize}${queryOf(which)}`
      let after = ''
      for (;;) {
        const answer = must(await ask('slow read', 'GET', fixed + after, ''))
        const page = parseRead<{ sessions: Session<Data>[]; next: string | null }>(answer)
        yield* page.sessions
        if (page.next === null) return
        after = `&after=${queryValue(page.next)}`
      }
    },

    async count(which = {}) {
      const path = `/sessions?count=true${queryOf(which)}`
      return parseRead<{ count: number }>(must(await ask('slow read', 'GET', path, ''))).count
    },

    async endAll({ sub, app, all, except }) {
      // A user who is not known must not mean everybody.
      if ((sub === undefined) === (all !== true)) {
        throw invalidArgument('Cannot end sessions: name a user by sub, or everybody by all: true')
      }
      if (except !== undefined) requireText(except, 'end sessions', 'except')
      const everybody = all === true ? '&all=true' : ''
      const but = except === undefined ? '' : `&except=${queryValue(except)}`
      const path = `/sessions?${`${everybody}${queryOf({ sub, app })}${but}`.slice(1)}`
      let ended = 0
      for (;;) {
        const answer = must(await ask('slow write', 'DELETE', path, ''))
        const step = parseBody<{ ended: number; more: boolean }>(answer)
        ended += step.ended
        if (!step.more) return ended
        // Storage that runs full may end none for a long time; whoever calls is to know that some are left.
        // control: client-ends-or-says
        if (step.ended === 0) throw endsIncomplete(ended)
      }
    },
  }
}

function queryOf({ sub, app }: Selection): string {
  if (sub !== undefined) requireSub(sub, 'select sessions')
  if (app !== undefined) requireText(app, 'select sessions', 'app')
  const ofSub = sub === undefined ? '' : `&sub=${queryValue(sub)}`
  return app === undefined ? ofSub : `${ofSub}&app=${queryValue(app)}`
}

/** A `sub` that is there is that of somebody: `undefined` would be dropped, and the session nobody's. */
function checkClaims(claims: unknown): void {
  if (claims === undefined) return
  if (!isObject(claims)) throw invalidArgument('Cannot use claims: they must be an object')
  if ('sub' in claims) requireSub(claims.sub, 'use claims')
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function endsIncomplete(ended: number): CoatcheckError {
  return new CoatcheckError(
    'ends_incomplete',
    `Cannot end all sessions: ${ended} have ended, and the server ends no more of those that are left; ` +
      'look at its health, and call again',
  )
}

/** Writes only if the session has this version still. */
export function ifVersion(etag: string): string {
  return fieldLine('If-Match', etag)
}

/**
 * A `Store` for express-session, and by the same class for `@fastify/session` and NestJS. It sends what a
 * request has changed and nothing else, so that requests at the same time do not undo each other.
 */
import { EventEmitter } from 'node:events'
import { type ClientOption, clientOf } from './client-option.ts'
import { forFramework, invalidArgument } from './errors.ts'
import { areEqual, type JsonObject } from './stores/difference.ts'
import {
  assignable,
  type CookieData,
  cookieOf,
  dataOf,
  type FrameworkSession,
  maxAgeOf,
  restore,
} from './stores/framework-session.ts'
import { sha256 } from './stores/sha256.ts'
import { createStoredSessions, type Limits, type StoredSessions } from './stores/stored-sessions.ts'

export type StoreOptions = ClientOption & {
  /** What the ids of these sessions begin with; `express-` unless given. */
  readonly prefix?: string
  /**
   * Seconds without a request, and altogether, after which a session ends whose cookie has no `maxAge`;
   * the server's settings unless given. With a `maxAge` a session lasts as long as it is used.
   */
  readonly idleTimeout?: number
  readonly lifetime?: number
}

type Done<Value = void> = (error?: unknown, value?: Value) => void

/** A session as its request read it, by which what has changed is known; as text until that is asked. */
type Base = {
  /** To another store the session is new. */
  readonly store: CoatcheckStore
  readonly sid: string
  readonly id: string
  readonly read: string | JsonObject
  readonly etag: string | undefined
}

/** On the `cookie` of what `get` returns: both frameworks carry it to the session that they save. */
const BASE = Symbol('coatcheck')

const PREFIX = /^[\w-]{1,64}$/
/** Seconds: the longest idle timeout that the server takes. */
const LONGEST_IDLE_TIMEOUT = 3_650 * 86_400

export class CoatcheckStore extends EventEmitter {
  readonly #sessions: StoredSessions
  readonly #prefix: string
  readonly #ownLimits: Limits
  readonly #close: () => void
  /** By the session that a request has. */
  readonly #bases = new WeakMap<object, Base>()
  #classes: Classes | undefined

  constructor(options: StoreOptions) {
    super()
    const client = clientOf(options)
    const { prefix = 'express-', idleTimeout, lifetime } = options
    if (!PREFIX.test(prefix)) {
      throw invalidArgument('Cannot use the prefix: it must be 1 to 64 of A-Za-z0-9_-')
    }
    this.#sessions = createStoredSessions(client)
    this.#prefix = prefix
    this.#ownLimits = {
      ...(idleTimeout === undefined ? {} : { idleTimeout }),
      ...(lifetime === undefined ? {} : { lifetime }),
    }
    this.#close = 'client' in options ? () => {} : () => client.close()
  }

  /** The session of this id, or null. It counts as activity: no `touch` need follow. */
  get<Session = object>(sid: string, done: Done<Session | null>): void {
    settle(this.#get(sid) as Promise<Session | null>, done)
  }

  /** Saves what has changed since `get`, or all of a new session. One that has ended stays so. */
  set(sid: string, session: object, done?: Done): void {
    settle(this.#set(sid, session), done)
  }

  /** Saves the cookie's attributes, if they have changed: `get` has counted as activity already. */
  touch(sid: string, session: object, done?: Done): void {
    settle(this.#touch(sid, session), done)
  }

  /** Ends the session for good. */
  destroy(sid: string, done?: Done): void {
    settle(this.#sessions.end(this.#idOf(sid)), done)
  }

  /** All sessions of this store; the ids by which requests know them are not kept. */
  all<Session = object>(done: Done<Session[]>): void {
    settle(this.#all() as Promise<Session[]>, done)
  }

  length(done: Done<number>): void {
    settle(
      this.#ids().then((ids) => ids.length),
      done,
    )
  }

  /** Ends all sessions of this store. */
  clear(done?: Done): void {
    settle(this.#clear(), done)
  }

  /** Closes the connections, unless the client was handed in. */
  close(): void {
    this.#close()
  }

  // What express-session expects of its base class, which is not imported: with @fastify/session it is
  // not there.

  regenerate(request: object, done: Done): void {
    const asked = request as ExpressRequest
    this.destroy(asked.sessionID, (error) => {
      this.#generate(asked)
      done(error)
    })
  }

  load<Session = object>(sid: string, done: (error?: unknown, session?: Session) => void): void {
    this.get(sid, (error, session) => {
      if (error !== undefined && error !== null) return done(error)
      if (session === null || session === undefined) return done()
      done(null, this.createSession({ sessionID: sid, sessionStore: this }, session))
    })
  }

  createSession<Session>(request: object, session: object): Session {
    const asked = request as ExpressRequest
    const data = session as FrameworkSession
    if (cookieOf(session as JsonObject) === undefined) {
      throw invalidArgument(
        'Cannot read property "cookie" of the session: express-session has not written it',
      )
    }
    const base = baseOf(data.cookie)
    const { Session, cookiePrototype } = (this.#classes ??= this.#learnClasses(asked))
    data.cookie = createCookie(cookiePrototype, data.cookie)
    const created = new Session(asked, data)
    if (base !== undefined) this.#bases.set(created, base)
    asked.session = created
    return created as Session
  }

  async #get(sid: string): Promise<FrameworkSession | null> {
    const id = this.#idOf(sid)
    const found = await this.#sessions.find(id)
    if (found === undefined) return null
    const session = restore(assignable(found.data), found.expiresAt)
    if (session === null || typeof session.cookie !== 'object' || session.cookie === null) {
      return session
    }
    const base: Base = { store: this, sid, id, read: found.text, etag: found.etag }
    const carrier: { [BASE]?: Base } = session.cookie
    carrier[BASE] = base
    return session
  }

  async #set(sid: string, session: object): Promise<void> {
    const base = this.#baseFor(sid, session)
    const id = base?.id ?? this.#idOf(sid)
    const maxAgeMs = maxAgeOf((session as FrameworkSession).cookie)
    // An application ends a session so, too.
    if (maxAgeMs !== undefined && maxAgeMs <= 0) return this.#sessions.end(id)
    const after = dataOf(session)
    const limits = this.#limitsFor(maxAgeMs)
    if (base === undefined) {
      await this.#sessions.put(id, after, limits)
    } else {
      const before = readOf(base)
      const isKept = this.#limitsFor(maxAgeOf(cookieOf(before))).idleTimeout === limits.idleTimeout
      const { etag } = base
      await this.#sessions.save(id, { data: before, etag }, after, isKept ? undefined : limits)
    }
    // A second save of the same request goes on from here.
    this.#bases.set(session, { store: this, sid, id, read: after, etag: undefined })
  }

  async #touch(sid: string, session: object): Promise<void> {
    const base = this.#baseFor(sid, session) ?? (await this.#findBase(sid))
    if (base === undefined) return
    const { id } = base
    const before = readOf(base)
    const { cookie } = dataOf({ cookie: (session as FrameworkSession).cookie })
    if (cookie === undefined || areEqual(cookie, before['cookie'] ?? null)) return
    // Only the cookie: what else has changed was not to be saved.
    const after = { ...before, cookie }
    const limits = this.#limitsFor(maxAgeOf(cookie as object))
    await this.#sessions.save(id, { data: before, etag: base.etag }, after, limits)
    this.#bases.set(session, { store: this, sid, id, read: after, etag: undefined })
  }

  /** Of a session that the caller has not from `get`. */
  async #findBase(sid: string): Promise<Base | undefined> {
    const id = this.#idOf(sid)
    const found = await this.#sessions.find(id)
    return found && { store: this, sid, id, read: found.data, etag: found.etag }
  }

  async #all(): Promise<FrameworkSession[]> {
    const sessions: FrameworkSession[] = []
    for await (const { data, expiresAt } of this.#sessions.list(this.#prefix)) {
      const session = restore(assignable(data), expiresAt)
      if (session !== null) sessions.push(session)
    }
    return sessions
  }

  async #ids(): Promise<string[]> {
    const ids: string[] = []
    for await (const { id } of this.#sessions.list(this.#prefix)) ids.push(id)
    return ids
  }

  async #clear(): Promise<void> {
    for (const id of await this.#ids()) await this.#sessions.end(id)
  }

  /**
   * The id in Coatcheck. What express-session calls an id is a secret, which opens the session together
   * with the signing key: it is never kept, and cannot be had back from this.
   */
  #idOf(sid: string): string {
    if (typeof sid !== 'string' || sid === '') {
      throw invalidArgument('Cannot use the id of a session: it must be a string that is not empty')
    }
    // control: client-hashes-ids
    return this.#prefix + sha256(sid)
  }

  #baseFor(sid: string, session: object): Base | undefined {
    const base = this.#bases.get(session) ?? findCarried(session as FrameworkSession)
    return base?.store === this && base.sid === sid ? base : undefined
  }

  #limitsFor(maxAgeMs: number | undefined): Limits {
    if (maxAgeMs === undefined) return this.#ownLimits
    const seconds = Math.max(1, Math.ceil(maxAgeMs / 1_000))
    // As long as it is used.
    return { idleTimeout: Math.min(seconds, LONGEST_IDLE_TIMEOUT), lifetime: null }
  }

  #generate(request: ExpressRequest): void {
    const { generate } = this as { generate?: (request: ExpressRequest) => void }
    if (generate === undefined) {
      throw invalidArgument(
        'Cannot begin a session: the store was not handed to express-session yet',
      )
    }
    generate.call(this, request)
  }

  /** express-session's own classes, from a session that it makes. */
  #learnClasses(request: ExpressRequest): Classes {
    const { sessionID, session } = request
    this.#generate(request)
    const made = request.session as FrameworkSession
    request.sessionID = sessionID
    request.session = session
    return {
      Session: made.constructor as Classes['Session'],
      cookiePrototype: Object.getPrototypeOf(made.cookie) as object,
    }
  }
}

type ExpressRequest = { sessionID: string; session: unknown }

type Classes = {
  readonly Session: new (request: object, data: object) => object
  /** Its constructor cannot be had from it. */
  readonly cookiePrototype: object
}

/** As express-session's own constructor makes it of attributes that were saved. */
function createCookie(prototype: object, saved: CookieData): object {
  const cookie = Object.create(prototype) as Record<string, unknown>
  cookie['path'] = '/'
  cookie['httpOnly'] = true
  cookie['expires'] = null
  for (const [name, value] of Object.entries(saved)) {
    // What is computed cannot be assigned, and a prototype must not be.
    if (name !== 'data' && name !== '__proto__') cookie[name] = value
  }
  const { expires, originalMaxAge } = saved
  if (typeof expires === 'string') cookie['expires'] = new Date(expires)
  // What `expires` is set to changes it.
  cookie['originalMaxAge'] = originalMaxAge
  return cookie
}

/** The data of a base, from its text if need be. */
function readOf({ read }: Base): JsonObject {
  if (typeof read !== 'string') return read
  return assignable((JSON.parse(read) as { readonly data: JsonObject }).data)
}

function baseOf(value: unknown): Base | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as { readonly [BASE]?: Base })[BASE]
}

/** On the cookie as `get` returned it, or where @fastify/session has spread its attributes. */
function findCarried(session: FrameworkSession): Base | undefined {
  const own = baseOf(session.cookie)
  if (own !== undefined) return own
  for (const symbol of Object.getOwnPropertySymbols(session)) {
    const base = baseOf((session as unknown as Record<symbol, unknown>)[symbol])
    if (base !== undefined) return base
  }
  return undefined
}

function settle<Value>(
  work: Promise<Value>,
  done: ((error?: unknown, value?: NoInfer<Value>) => void) | undefined,
): void {
  // Not within the promise: what the caller throws is no failure of ours.
  work.then(
    (value) => queueMicrotask(() => done?.(null, value)),
    (error: unknown) => queueMicrotask(() => done?.(forFramework(error))),
  )
}

/** The session of the visitor who sent one request: `client.visit(request)`. */
import { invalidArgument } from '../errors.ts'
import { type Ask, parseBody } from '../ask.ts'
import type {
  Claims,
  Session,
  SessionData,
  Sessions,
  TimeLimits,
  UntypedData,
} from '../sessions.ts'
import { VisitorSession } from './visitor-session.ts'
import type { IncomingRequest, VisitOptions } from './incoming.ts'
import { keySegment } from '../request-text.ts'

export type Login<Data extends SessionData = UntypedData> = TimeLimits & {
  /** Beside `sub`. */
  readonly claims?: Claims
  /** "Stay logged in": the longer limits, and a cookie that outlives the browser. */
  readonly permanent?: boolean
  /** Merged into the data that the visitor has already. */
  readonly data?: Partial<Data>
}

/**
 * A value, or what stands in for a missing key. Where nothing is known of the value, it is taken to be of the kind
 * of the fallback.
 */
export type OrFallback<Value, Default> = unknown extends Value
  ? KindOf<Default>
  : [Default] extends [Exclude<Value, undefined>]
    ? Exclude<Value, undefined>
    : Exclude<Value, undefined> | Default

/** Of `[]` a list of whatever, and of `null` anything. */
type KindOf<Default> = [Default] extends [null | undefined]
  ? unknown
  : Default extends readonly never[]
    ? unknown[]
    : Default

/** Category and text, as in Flask. */
export type Flash = readonly [category: string, message: string]

/**
 * Each method is one atomic step on the server. A read never begins a session, and the first write does. Once
 * the session has ended under this request's hands, by a log-out elsewhere say, writes do nothing and
 * resolve with undefined: a log-out is final. All reject with a `CoatcheckError` where the server
 * refuses or cannot be reached.
 *
 * Reads see the session as this request read it first, and its own writes.
 */
export type Visit<Data extends SessionData = UntypedData> = {
  /** The fallback stands in for a key that is not there; a stored `null` is a value. So it does with `pop`. */
  get<Key extends keyof Data & string>(key: Key): Promise<Data[Key] | undefined>
  get<Key extends keyof Data & string, Default>(
    key: Key,
    fallback: Default,
  ): Promise<OrFallback<Data[Key], Default>>
  /** All data; empty where there is no session. */
  all(): Promise<Partial<Data>>
  /** With its id, claims and times; undefined where there is none. */
  session(): Promise<Session<Data> | undefined>
  /** `claims.sub`: who is logged in. */
  user(): Promise<string | undefined>
  /** Reads anew what others may have written since. */
  reload(): Promise<void>

  set<Key extends keyof Data & string>(key: Key, value: Data[Key]): Promise<void>
  /** Several keys in one step. */
  update(values: Partial<Data>): Promise<void>
  /** Removes a key and resolves with its value; only one of several requests gets it. */
  pop<Key extends keyof Data & string>(key: Key): Promise<Data[Key] | undefined>
  pop<Key extends keyof Data & string, Default>(
    key: Key,
    fallback: Default,
  ): Promise<OrFallback<Data[Key], Default>>
  /** Resolves with the new number; a missing key begins at 0. */
  increment<Key extends keyof Data & string>(key: Key, by?: number): Promise<number | undefined>
  /** Resolves with the new list; a missing key begins as an empty one. */
  append<Key extends keyof Data & string>(
    key: Key,
    item: NonNullable<Data[Key]> extends readonly (infer Item)[] ? Item : unknown,
  ): Promise<Data[Key] | undefined>
  /** Merges into an object (RFC 7396) and resolves with it; a missing key begins as an empty one. */
  merge<Key extends keyof Data & string>(key: Key, patch: object): Promise<Data[Key] | undefined>
  /** Removes all data; the session stays. */
  clear(): Promise<void>

  /** Keeps a message for the next page. */
  flash(message: string, category?: string): Promise<void>
  /** The messages, which are removed: each is shown once. */
  flashes(): Promise<readonly Flash[]>

  /** Says who the visitor is. The session gets a new id and cookie, and its data stay. */
  login(sub: string, login?: Login<Data>): Promise<void>
  /** Ends the session for good and removes its cookie. */
  logout(): Promise<void>
  /** Ends all sessions of this user, this one included; resolves with how many. */
  logoutEverywhere(): Promise<number>

  /** The `Set-Cookie` headers that the response must have, each once; the adapters see to it. */
  readonly setCookies: readonly string[]
}

export type VisitDeps = {
  readonly ask: Ask
  readonly sessions: Pick<Sessions<never>, 'endAll'>
}

/** `onSetCookies` is told all of them whenever there are new ones. */
export function createVisit<Data extends SessionData>(
  deps: VisitDeps,
  request: IncomingRequest,
  options?: VisitOptions,
  onSetCookies?: (headers: readonly string[]) => void,
): Visit<Data> {
  const own = new VisitorSession(deps.ask, request, options, onSetCookies)
  return new RequestVisit(own, deps) as unknown as Visit<Data>
}

/** Without the types of the data, which are the caller's. */
class RequestVisit {
  readonly #own: VisitorSession
  readonly #deps: VisitDeps

  constructor(own: VisitorSession, deps: VisitDeps) {
    this.#own = own
    this.#deps = deps
  }

  get(key: string, fallback?: unknown): Promise<unknown> {
    return this.#own.load().then((session) => {
      const value = valueOf(session, key)
      return value === undefined ? fallback : value
    })
  }

  all(): Promise<object> {
    return this.#own.load().then((session) => session?.data ?? {})
  }

  session() {
    return this.#own.load()
  }

  user(): Promise<string | undefined> {
    return this.#own.load().then((session) => session?.claims.sub)
  }

  async reload(): Promise<void> {
    this.#own.forget()
    await this.#own.load()
  }

  async set(key: string, value: unknown): Promise<void> {
    const path = `/session/${keySegment(key)}`
    const body = renderValue(`set ${JSON.stringify(key)}`, value, '; pop(key) removes a key')
    const first = () => ({ [key]: value })
    const wrote = await this.#own.write({ method: 'PUT', path, body, first })
    if (wrote !== undefined) this.#own.note(key, value)
  }

  async update(values: object): Promise<void> {
    requireObject('update the session', values)
    const body = JSON.stringify({ set: values })
    const first = () => values
    const wrote = await this.#own.write({ method: 'PATCH', path: '/session', body, first })
    if (wrote === undefined) return
    for (const [key, value] of Object.entries(values)) {
      // What JSON leaves out is left as it is.
      if (value !== undefined) this.#own.note(key, value)
    }
  }

  async pop(key: string, fallback?: unknown): Promise<unknown> {
    const wrote = await this.#own.write({ method: 'DELETE', path: `/session/${keySegment(key)}` })
    this.#own.note(key, undefined)
    if (wrote === undefined || wrote.isCreated) return fallback
    return wrote.answer.status === 404 ? fallback : parseBody(wrote.answer)
  }

  async increment(key: string, by = 1): Promise<unknown> {
    if (!Number.isFinite(by)) {
      throw invalidArgument(
        `Cannot increment ${JSON.stringify(key)}: expected a number, got ${describe(by)}`,
      )
    }
    return this.#change(key, { increment: by }, by)
  }

  async append(key: string, item: unknown): Promise<unknown> {
    renderValue(`append to ${JSON.stringify(key)}`, item, '')
    return this.#change(key, { append: item }, [item])
  }

  async merge(key: string, patch: object): Promise<unknown> {
    requireObject(`merge into ${JSON.stringify(key)}`, patch)
    return this.#change(key, { merge: patch }, withoutNulls(patch))
  }

  async clear(): Promise<void> {
    await this.#own.write({ method: 'POST', path: '/session/clear' })
    this.#own.noteCleared()
  }

  async flash(message: string, category = 'info'): Promise<void> {
    await this.append(FLASHES, [category, message])
  }

  async flashes(): Promise<unknown> {
    // Most pages have none, and are spared a request.
    if ((await this.get(FLASHES)) === undefined) return []
    return this.pop(FLASHES, [])
  }

  login(sub: string, login: Login<never> = {}): Promise<void> {
    return this.#own.login(sub, login)
  }

  async logout(): Promise<void> {
    await this.#own.logout()
  }

  async logoutEverywhere(): Promise<number> {
    const sub = await this.user()
    const ended = (await this.#own.logout()) ? 1 : 0
    return sub === undefined ? ended : ended + (await this.#deps.sessions.endAll({ sub }))
  }

  get setCookies(): readonly string[] {
    return this.#own.setCookies
  }

  async #change(key: string, change: object, begun: unknown): Promise<unknown> {
    const body = JSON.stringify(change)
    const path = `/session/${keySegment(key)}`
    const first = () => ({ [key]: begun })
    const wrote = await this.#own.write({ method: 'PATCH', path, body, first })
    if (wrote === undefined) return undefined
    const value = wrote.isCreated ? begun : parseBody(wrote.answer)
    this.#own.note(key, value)
    return value
  }
}

/** The value as JSON; what JSON would leave out is refused, for it would be lost without a word. */
function renderValue(action: string, value: unknown, wayOut: string): string {
  const body: string | undefined = JSON.stringify(value)
  if (body !== undefined) return body
  throw invalidArgument(
    `Cannot ${action}: expected what JSON can hold, got ${describe(value)}${wayOut}`,
  )
}

function requireObject(action: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
  throw invalidArgument(`Cannot ${action}: expected an object, got ${describe(value)}`)
}

/** Its kind; the value may be a secret. */
function describe(value: unknown): string {
  if (value === null || Number.isNaN(value)) return String(value)
  if (value === Infinity || value === -Infinity) return 'an endless number'
  return Array.isArray(value) ? 'a list' : typeof value
}

/** `session.user = 'ada'`, as with express-session, would be lost without a word: it throws. */
function refuseAssignments(prototype: object): void {
  const refuse = (key: string | symbol): never => {
    const name = typeof key === 'string' ? `'${key}'` : 'KEY'
    throw invalidArgument(
      `Cannot assign to ${name} of the session: it has no properties; ` +
        `await session.set(${name}, value) keeps a value, and session.get(${name}) reads it`,
    )
  }
  // Else an assignment would hide a method behind the value.
  for (const [name, { value, get }] of Object.entries(
    Object.getOwnPropertyDescriptors(prototype),
  )) {
    if (name === 'constructor') continue
    Object.defineProperty(prototype, name, {
      get: get ?? (() => value),
      set() {
        refuse(name)
      },
    })
  }
  // Asked for names that are none of the methods only: a visit itself is no proxy, which would cost each call.
  const others = new Proxy({}, { set: (_, key) => refuse(key) })
  Object.setPrototypeOf(prototype, others)
}

// control: client-no-assignments
refuseAssignments(RequestVisit.prototype)

function valueOf(session: Session<never> | undefined, key: string): unknown {
  const data: object = session?.data ?? {}
  return Object.hasOwn(data, key) ? (data as Record<string, unknown>)[key] : undefined
}

/** Where Flask keeps its own. */
const FLASHES = '_flashes'

/** What a merge patch makes of an empty object. */
function withoutNulls(patch: object): object {
  const entries = Object.entries(patch).filter(([, value]) => value !== null)
  return Object.fromEntries(
    entries.map(([key, value]) => [
      key,
      typeof value === 'object' && !Array.isArray(value) ? withoutNulls(value) : value,
    ]),
  )
}

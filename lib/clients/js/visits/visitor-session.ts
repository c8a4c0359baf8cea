/** What is known of the visitor's session while a request is served, and the writes to it. */
import { type Ask, isGone, MINIMAL, type Method, parseBody, parseRead } from '../ask.ts'
import { errorOf } from '../errors.ts'
import {
  deviceOf,
  type Incoming,
  type IncomingRequest,
  readIncoming,
  type VisitOptions,
} from './incoming.ts'
import { fieldLine, requireSub } from '../request-text.ts'
import type { Claims, CreatedSession, NewSession, Session } from '../sessions.ts'
import { mergeSetCookies, pairOf } from './set-cookies.ts'
import type { Answer } from '../transport/response-parser.ts'

/** One change of the session. */
export type Write = {
  readonly method: Method
  readonly path: string
  readonly body?: string
  /** The data of a new session, where there is none; absent for what begins none. */
  readonly first?: () => object
}

/** `isCreated`: a new session has begun with it. */
export type Written =
  { readonly isCreated: true } | { readonly isCreated: false; readonly answer: Answer }

type Login = Omit<NewSession<never>, 'data'> & { readonly data?: object }

/**
 * `unknown`: there are cookies, and nobody has asked. `none`: there is no session, a write begins one.
 * `ended`: it has ended, or goes on under another cookie, while this request was served: a late write
 * must not begin another one.
 */
type Standing = 'unknown' | 'live' | 'none' | 'ended'

/** One for each request. A class: a handful of closures for each request would cost more than the rest. */
export class VisitorSession {
  readonly #ask: Ask
  readonly #incoming: Incoming
  readonly #onSetCookies: ((headers: readonly string[]) => void) | undefined
  readonly #scheme: string
  /** The lines of the header that say whose session. */
  #fields: string
  #standing: Standing
  #setCookies: readonly string[] = NONE
  #loading: Promise<Session<never> | undefined> | undefined
  #loaded: Session<never> | undefined
  /** What was read of a session before another log-in renewed it: that of this request takes it along, too. */
  #kept: object | undefined
  /** While a session is begun; the next write waits, and then finds it. */
  #beginning: Promise<void> | undefined
  /** Counts writes: a read that began before one may not show it. */
  #writes = 0

  constructor(
    ask: Ask,
    request: IncomingRequest,
    options: VisitOptions | undefined,
    onSetCookies: ((headers: readonly string[]) => void) | undefined,
  ) {
    this.#ask = ask
    this.#incoming = readIncoming(request, options)
    this.#onSetCookies = onSetCookies
    this.#scheme = this.#incoming.isSecure ? 'X-Forwarded-Proto: https\r\n' : ''
    const { cookie } = this.#incoming
    this.#standing = cookie === undefined ? 'none' : 'unknown'
    this.#fields = cookie === undefined ? this.#scheme : this.#fieldsOf(cookie)
  }

  get setCookies(): readonly string[] {
    return this.#setCookies
  }

  /** The session as it was read first; undefined where there is none. */
  load(): Promise<Session<never> | undefined> {
    return (this.#loading ??= this.#read())
  }

  /** The next `load` asks the server. */
  forget(): void {
    this.#loading = undefined
    this.#loaded = undefined
  }

  /** Takes note that all values were removed. */
  noteCleared(): void {
    this.forget()
    // A log-in of this request is to bring back nothing.
    if (this.#kept !== undefined) this.#kept = {}
  }

  /** Takes note of a value that was written; undefined: it was removed. */
  note(key: string, value: unknown): void {
    const data = this.#loaded?.data ?? this.#kept
    if (data === undefined) return
    if (value === undefined) delete (data as Record<string, unknown>)[key]
    // Not an assignment, for which "__proto__" is no key.
    else Object.defineProperty(data, key, { value, ...ORDINARY })
  }

  /** Undefined where nothing was written, since the session has ended or there is none. */
  write(step: Write): Promise<Written | undefined> {
    if (this.#beginning !== undefined || this.#standing === 'none' || this.#standing === 'ended') {
      return this.#writeFirst(step)
    }
    const sent = this.#fields
    return this.#send(step).then((answer) => {
      this.#writes++
      if (answer.status < 400 || isMissingKey(answer)) {
        this.#takeCookies(answer.setCookies)
        this.#standing = 'live'
        return { isCreated: false, answer }
      }
      if (!this.#isAbsent(answer, sent)) throw errorOf(answer)
      return this.write(step)
    })
  }

  async login(sub: string, login: Login): Promise<void> {
    // control: client-login-of-somebody
    requireSub(sub, 'log in')
    const { claims, data, ...limits } = login
    const allClaims: Claims = { ...claims, sub }
    if (this.#beginning !== undefined) await this.#beginning.catch(() => {})
    if (this.#standing === 'unknown' || this.#standing === 'live') {
      // control: client-login-inherits-nothing
      const body = JSON.stringify({ ...limits, login: allClaims, data })
      const sent = this.#fields
      const answer = await this.#send({ method: 'PATCH', path: '/session', body })
      this.#writes++
      if (!this.#isAbsent(answer, sent)) {
        if (answer.status >= 400) throw errorOf(answer)
        this.#standing = 'live'
        this.forget()
        return
      }
    }
    // Also where the session has ended: who logs in gets one.
    await this.#beginOnce({ ...limits, claims: allClaims, data: { ...this.#kept, ...data } })
  }

  /** Whether there was a session. */
  async logout(): Promise<boolean> {
    if (this.#beginning !== undefined) await this.#beginning.catch(() => {})
    if (this.#standing === 'none') return false
    const answer = await this.#ask('write', 'DELETE', '/session', this.#fields)
    this.#writes++
    this.#takeCookies(answer.setCookies)
    if (answer.status >= 400 && !isGone(answer)) throw errorOf(answer)
    this.#fields = this.#scheme
    this.#standing = 'none'
    this.#kept = undefined
    this.forget()
    return !isGone(answer)
  }

  #read(): Promise<Session<never> | undefined> {
    if (this.#standing === 'none' || this.#standing === 'ended') return Promise.resolve(undefined)
    const sent = this.#fields
    const before = this.#writes
    return this.#ask('read', 'GET', '/session', sent).then(
      (answer) => this.#takeRead(answer, sent, before),
      (error: unknown) => {
        this.#loading = undefined
        throw error
      },
    )
  }

  #takeRead(answer: Answer, sent: string, before: number) {
    // Asked before a write of this request, or about the session that it had before.
    if (sent !== this.#fields || before !== this.#writes) return this.#read()
    this.#takeCookies(answer.setCookies)
    if (answer.status === 200) {
      this.#standing = 'live'
      this.#loaded = parseRead<Session<never>>(answer)
      return this.#loaded
    }
    if (isGone(answer)) {
      this.#takeAbsence(answer)
      return undefined
    }
    this.#loading = undefined
    throw errorOf(answer)
  }

  /** Where there is no session, or one is being begun. */
  async #writeFirst(step: Write): Promise<Written | undefined> {
    if (this.#beginning !== undefined) {
      await this.#beginning.catch(() => {})
      return this.write(step)
    }
    if (this.#standing === 'ended' || step.first === undefined) return undefined
    await this.#beginOnce({ data: step.first() })
    return { isCreated: true }
  }

  #send({ method, path, body }: Write): Promise<Answer> {
    const isWhole = method === 'PATCH' && path === '/session'
    const fields = isWhole ? this.#fields + MINIMAL : this.#fields
    return this.#ask('write', method, path, fields, body)
  }

  /** Whether the response says that there is no session; takes note of that, and of its cookies. */
  #isAbsent(answer: Answer, sent: string): boolean {
    if (!isGone(answer)) {
      this.#takeCookies(answer.setCookies)
      return false
    }
    // Else another write of this request has begun a session, or logged in: this one is about it.
    if (sent === this.#fields) {
      this.#takeCookies(answer.setCookies)
      this.#takeAbsence(answer)
    }
    return true
  }

  /** There is no session under the cookie that was sent. */
  #takeAbsence(answer: Answer): void {
    const isRenewed = answer.status === 410 && errorOf(answer).reason === 'renewed'
    if (isRenewed) this.#kept ??= this.#loaded?.data
    this.#standing = this.#standing === 'live' || isRenewed ? 'ended' : 'none'
    this.forget()
  }

  async #beginOnce(session: object): Promise<void> {
    this.#beginning = this.#begin(session)
    try {
      await this.#beginning
    } finally {
      this.#beginning = undefined
    }
  }

  async #begin(session: object): Promise<void> {
    const body = JSON.stringify({ ...session, device: deviceOf(this.#incoming) })
    const answer = await this.#ask('write', 'POST', '/sessions', this.#scheme, body)
    if (answer.status >= 400) throw errorOf(answer)
    const { token: _, setCookie, evicted: __, ...begun } = parseBody<CreatedSession<never>>(answer)
    this.#takeCookies([setCookie])
    this.#standing = 'live'
    this.#loaded = begun
    this.#loading = Promise.resolve(begun)
  }

  #takeCookies(headers: readonly string[]): void {
    if (headers.length === 0) return
    this.#setCookies = mergeSetCookies(this.#setCookies, headers)
    const pair = pairOf(headers)
    // From here on this request speaks for the session that the browser will have.
    if (pair !== undefined) this.#fields = this.#fieldsOf(pair)
    this.#onSetCookies?.(this.#setCookies)
  }

  #fieldsOf(cookie: string): string {
    return fieldLine('Cookie', cookie) + this.#scheme
  }
}

const NONE: readonly string[] = []
const ORDINARY = { configurable: true, enumerable: true, writable: true }

/** A 404 that speaks of a key, not of the session. */
function isMissingKey(answer: Answer): boolean {
  return answer.status === 404 && errorOf(answer).code === 'key_not_found'
}

import { Readable } from 'node:stream'
import { createApp } from '../../../lib/http/http.ts'
import { createApiKeys } from '../../../lib/service/api-keys.ts'
import type { HolderAccess } from '../../../lib/http/access/access.ts'
import { createForwarded } from '../../../lib/http/request/forwarded.ts'
import { createSessionCookie, type SameSite } from '../../../lib/http/cookies/session-cookie.ts'
import { createLog } from '../../../lib/base/log.ts'
import { createSessions } from '../../../lib/service/sessions.ts'
import type { SessionLimits } from '../../../lib/session/limits.ts'
import { LIMITS } from '../store/limits.ts'
import { openMemoryStore } from '../store/memory-store.ts'
import { checkSetCookie } from '../texts/strict-cookie.ts'

export type ServerOptions = Partial<SessionLimits> & {
  readonly idleTimeoutMs?: number
  readonly lifetimeMs?: number
  readonly keepEndedMs?: number
  readonly bodyLimitBytes?: number
  readonly trustedProxies?: readonly string[]
  readonly cookieName?: string
  readonly cookieDomain?: string
  readonly cookieSameSite?: SameSite
  readonly holderAccess?: HolderAccess
  readonly deviceInfo?: 'on' | 'off'
  readonly createRate?: number
}

export type Ask = {
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly cookie?: string
  readonly headers?: Record<string, string>
  /** An API key, for `Authorization`. */
  readonly key?: string
  /** The address of the peer, as a socket would tell it. */
  readonly peer?: string
  readonly origin?: string
}

/** `request('PUT /session/user', { body: '"ada"' })` */
export type Request = (line: string, ask?: Ask) => Promise<Response>

/** The key that every server of the tests takes. */
export const API_KEY = 'ck_the-key-of-all-the-tests'

/** The whole app over a fresh database in memory and a clock that stands still. */
export function openServer(options: ServerOptions = {}) {
  const { idleTimeoutMs, lifetimeMs, keepEndedMs, bodyLimitBytes = 1_048_576, ...others } = options
  const limits: SessionLimits = {
    ...LIMITS,
    ...others,
    ordinary: {
      idleTimeoutMs: idleTimeoutMs ?? LIMITS.ordinary.idleTimeoutMs,
      lifetimeMs: lifetimeMs ?? LIMITS.ordinary.lifetimeMs,
    },
  }
  const { store, clock, database } = openMemoryStore({
    limits,
    ...(keepEndedMs === undefined ? {} : { keepEndedMs }),
  })
  const logged: string[] = []
  const log = createLog({ clock, write: (line) => logged.push(line) })
  const sessions = createSessions({ store, clock, limits })
  const forwarded = createForwarded(options.trustedProxies ?? [])
  const cookie = createSessionCookie({
    name: options.cookieName ?? 'sid',
    domain: options.cookieDomain,
    sameSite: options.cookieSameSite ?? 'Lax',
    forwarded,
    log,
  })
  const apiKeys = createApiKeys(store.keys, [API_KEY])
  const { holderAccess = 'read-write', deviceInfo = 'on' } = options
  const parts = { sessions, store, apiKeys, cookie, forwarded, holderAccess, deviceInfo }
  const { createRate } = options
  const app = createApp({ ...parts, clock, log, limits, bodyLimitBytes, createRate })

  async function request(line: string, ask: Ask = {}): Promise<Response> {
    const [method = '', path = ''] = line.split(' ')
    const url = `${ask.origin ?? 'http://localhost'}${path}`
    const headers = new Headers(ask.headers)
    if (ask.cookie !== undefined) headers.set('cookie', ask.cookie)
    if (ask.key !== undefined) headers.set('authorization', `Bearer ${ask.key}`)
    const incoming = Object.assign(
      Readable.from(ask.body === undefined ? [] : [Buffer.from(ask.body)]),
      {
        url: path,
        headers: Object.fromEntries(headers),
        socket: {
          remoteAddress: ask.peer ?? '192.0.2.1',
          encrypted: url.startsWith('https:'),
        },
      },
    )
    const response = await app.request(url, { method, headers }, { incoming })
    for (const cookie of response.headers.getSetCookie()) checkSetCookie(cookie)
    return await withoutLineFeed(response)
  }

  return { app, request, clock, store, sessions, database, logged }
}

/** JSON ends in one line feed, which is none of the value's: a test looks at what is before it. */
async function withoutLineFeed(response: Response): Promise<Response> {
  const isJson = /^application\/(problem\+)?json$/.test(response.headers.get('content-type') ?? '')
  if (!isJson || response.body === null) return response
  const bytes = Buffer.from(await response.arrayBuffer())
  if (bytes.at(-1) !== 10)
    throw new Error(`An answer must end in a line feed, got ${String(bytes)}`)
  const { status, headers } = response
  return new Response(bytes.subarray(0, -1), { status, headers })
}

/** `name=value` of the session cookie that an answer sets; empty where it sets none. */
export function cookieOf(response: Response): string {
  return response.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
}

/** The cookie of a new session that holds the values given. */
export async function signIn(request: Request, data: object): Promise<string> {
  const response = await request('PATCH /session', { body: JSON.stringify({ data }) })
  return cookieOf(response)
}

/** A session as an answer shows it. */
export type SessionBody = {
  readonly id: string
  readonly data: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly permanent: boolean
  readonly createdAt: string
  readonly lastSeenAt: string
  readonly expiresAt: string
  readonly lifetimeEndsAt: string
}

export async function sessionOf(response: Response): Promise<SessionBody> {
  const session: SessionBody = JSON.parse(await response.text())
  return session
}

/** A refusal's body, RFC 9457; `reason` and `endedAt` where a session has ended. */
export type ProblemBody = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly reason?: string
  readonly endedAt?: string
}

export async function problemOf(response: Response): Promise<ProblemBody> {
  const problem: ProblemBody = JSON.parse(await response.text())
  return problem
}

/** The status and the stable code of a refusal: `404 key_not_found`. */
export async function refusalOf(response: Response): Promise<string> {
  return `${response.status} ${await codeOf(response)}`
}

/** The stable code of a problem, or a word that is none. */
export async function codeOf(response: Response): Promise<string> {
  const problem: unknown = await response.json()
  const found = problem !== null && typeof problem === 'object' && 'code' in problem
  return found ? String(problem.code) : 'no problem'
}

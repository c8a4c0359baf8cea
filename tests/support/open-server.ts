import { createApp } from '../../lib/http/app.ts'
import { createSessionCookie } from '../../lib/http/session-cookie.ts'
import { createLog } from '../../lib/log.ts'
import { createSessions } from '../../lib/sessions.ts'
import type { SessionRules } from '../../lib/session/rules.ts'
import { openMemoryStore, RULES } from './memory-store.ts'

export type ServerOptions = Partial<SessionRules> & {
  readonly idleTimeoutMs?: number
  readonly lifetimeMs?: number
  readonly keepEndedMs?: number
  readonly bodyLimitBytes?: number
  readonly trustedProxies?: readonly string[]
  readonly cookieName?: string
}

export type Ask = {
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly cookie?: string
  readonly headers?: Record<string, string>
  /** The address of the peer, as a socket would tell it. */
  readonly peer?: string
  readonly origin?: string
}

/** `request('PUT /session/user', { body: '"ada"' })` */
export type Request = (line: string, ask?: Ask) => Promise<Response>

/** The whole app over a fresh database in memory and a clock that stands still. */
export function openServer(options: ServerOptions = {}) {
  const { idleTimeoutMs, lifetimeMs, keepEndedMs, bodyLimitBytes = 1_048_576, ...others } = options
  const rules: SessionRules = {
    ...RULES,
    ...others,
    ordinary: {
      idleTimeoutMs: idleTimeoutMs ?? RULES.ordinary.idleTimeoutMs,
      lifetimeMs: lifetimeMs ?? RULES.ordinary.lifetimeMs,
    },
  }
  const { store, clock, database } = openMemoryStore({
    rules,
    ...(keepEndedMs === undefined ? {} : { keepEndedMs }),
  })
  const logged: string[] = []
  const log = createLog({ clock, write: (line) => logged.push(line) })
  const sessions = createSessions({ store, clock, rules })
  const cookie = createSessionCookie({
    name: options.cookieName ?? 'sid',
    trustedProxies: options.trustedProxies ?? [],
  })
  const app = createApp({ sessions, cookie, clock, log, rules, bodyLimitBytes })

  async function request(line: string, ask: Ask = {}): Promise<Response> {
    const [method = '', path = ''] = line.split(' ')
    const url = `${ask.origin ?? 'http://localhost'}${path}`
    const headers = new Headers(ask.headers)
    if (ask.cookie !== undefined) headers.set('cookie', ask.cookie)
    const incoming = { url: path, socket: { remoteAddress: ask.peer ?? '192.0.2.1' } }
    return await app.request(url, { method, headers, body: ask.body ?? null }, { incoming })
  }

  return { request, clock, store, sessions, database, logged }
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

/** The stable code of a problem, or a word that is none. */
export async function codeOf(response: Response): Promise<string> {
  const problem: unknown = await response.json()
  const found = problem !== null && typeof problem === 'object' && 'code' in problem
  return found ? String(problem.code) : 'no problem'
}

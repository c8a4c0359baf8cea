import { Readable } from 'node:stream'
import { type DashboardAssets, readAssets } from '../../../lib/dashboard/assets.ts'
import { createDashboard } from '../../../lib/dashboard/dashboard.ts'
import { createPages } from '../../../lib/docs/docs.ts'
import { createAudit } from '../../../lib/http/access/audit.ts'
import { createKeyCheck } from '../../../lib/http/access/key-check.ts'
import { createApp } from '../../../lib/http/http.ts'
import { createApiKeys } from '../../../lib/service/api-keys.ts'
import type { HolderAccess } from '../../../lib/http/access/access.ts'
import { createServerCounts } from '../../../lib/http/server/metric-routes.ts'
import { createMetrics } from '../../../lib/metrics/metrics.ts'
import { type Points, startPoints } from '../../../lib/metrics/points.ts'
import { createSweepCounts } from '../../../lib/metrics/sweep-counts.ts'
import { createEventStreams } from '../../../lib/http/events/event-streams.ts'
import { createForwarded } from '../../../lib/http/request/forwarded.ts'
import { createSessionCookie, type SameSite } from '../../../lib/http/cookies/session-cookie.ts'
import { createLog } from '../../../lib/base/log.ts'
import { createDashboards } from '../../../lib/service/dashboards.ts'
import { createKeyChanges } from '../../../lib/service/key-changes.ts'
import { createKeyUses } from '../../../lib/service/key-uses.ts'
import type { SettingsInForce } from '../../../lib/settings/settings.ts'
import { createSessions } from '../../../lib/service/sessions.ts'
import { createSweeper } from '../../../lib/service/sweeper.ts'
import { createTestTime } from '../../../lib/service/test-time.ts'
import type { SessionLimits } from '../../../lib/session/limits.ts'
import { createTour } from '../../../lib/tour/tour.ts'
import { isRecording, recordAnswer } from '../answers/recorder.ts'
import { DAY, LIMITS } from '../store/limits.ts'
import { type MemoryStoreOptions, openMemoryStore } from '../store/memory-store.ts'
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
  readonly isBesideAdmin?: boolean
  /** What the dashboard shows of the settings. */
  readonly inForce?: SettingsInForce
  /** Whether its charts have points. */
  readonly hasPoints?: boolean
  readonly feed?: Pick<MemoryStoreOptions, 'keepEventsMs' | 'maxEvents'>
  readonly maxEventStreams?: number
  /** As with `--test-clock`: requests may move the server's clock, too. */
  readonly hasTestClock?: boolean
  readonly hasTour?: boolean
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

const IDLE = { read: () => ({ cpuSeconds: 0, memoryBytes: 0, lagSeconds: 0, upSeconds: 60 }) }

const DATA = { kind: 'file', name: '/data/sessions.db' } as const

const NO_POINTS: Points = { all: () => [], watch: () => () => {}, stop() {} }

/** Nothing in them changes. */
const pagesWith = createPages({ hasTour: true })
const pagesWithout = createPages({ hasTour: false })
/** Read for those alone who look at a page: to take types out of scripts takes its time. */
const assets: DashboardAssets = {
  get style() {
    return readOnce().style
  },
  get script() {
    return readOnce().script
  },
  find: (path) => readOnce().find(path),
}
let read: DashboardAssets | undefined
const readOnce = () => (read ??= readAssets())

/** What the tour's texts say. */
const TOUR_LIMITS = {
  ...{ idleTimeoutMs: 1_800_000, lifetimeMs: 43_200_000 },
  ...{ permanentIdleTimeoutMs: 2_678_400_000, permanentLifetimeMs: 2_678_400_000 },
}

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
    ...options.feed,
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
  const streams = createEventStreams({
    feed: store.feed,
    clock,
    maxEventStreams: options.maxEventStreams ?? 1_000,
  })
  const counts = createServerCounts()
  const metrics = createMetrics({
    streams,
    ...{ http: counts, store, sweeps: createSweepCounts(60_000) },
    ...{ process: { families: () => [] }, versions: { version: '0' } },
  })
  const sweeper = createSweeper({ store, clock, log, intervalMs: 60_000 })
  // A point a second, and some tests go on for days.
  const points =
    options.hasPoints === true
      ? startPoints({ http: counts, store, process: IDLE, clock })
      : NO_POINTS
  const keyUses = createKeyUses({ keys: store.keys, clock })
  const apiKeys = createApiKeys(store.keys, [API_KEY], keyUses)
  const audit = createAudit({ log, forwarded })
  const keyCheck = createKeyCheck({ apiKeys, clock, audit })
  const dashboard = createDashboard({
    assets,
    dashboards: createDashboards({ store, apiKeys, clock }),
    ...{ sessions, store, keyCheck, keyUses, sweeper, points, counts, process: IDLE },
    keyChanges: createKeyChanges({ keys: store.keys, clock }),
    ...{ forwarded, clock, log, version: '0.0.0', data: DATA },
    inForce: options.inForce ?? { texts: {}, from: {}, given: [] },
    keepEndedMs: keepEndedMs ?? DAY,
  })
  const { holderAccess = 'read-write', deviceInfo = 'on' } = options
  const parts = {
    sessions,
    store,
    streams,
    apiKeys,
    keyCheck,
    audit,
    dashboard,
    cookie,
    forwarded,
    holderAccess,
    deviceInfo,
  }
  const { createRate, isBesideAdmin = false, hasTestClock = false, hasTour = false } = options
  // As with a real one, no timer runs because the clock is moved.
  const moved = { now: clock.now, advance: (ms: number) => clock.set(clock.now() + ms) }
  const testTime = hasTestClock ? createTestTime({ clock: moved, sweeper, log }) : undefined
  const pages = hasTour ? pagesWith : pagesWithout
  const trees = hasTour ? [createTour({ cookie, clock, limits: TOUR_LIMITS })] : []
  const shared = {
    metrics,
    clock,
    log,
    limits,
    bodyLimitBytes,
    createRate,
    pages,
    trees,
    isBesideAdmin,
  }
  const app = createApp({ ...parts, ...shared, testTime })

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
    await record(method, path, response)
    return await withoutLineFeed(response)
  }

  return {
    app,
    metrics,
    pages,
    dashboard,
    keyUses,
    sweeper,
    request,
    clock,
    store,
    streams,
    sessions,
    database,
    log,
    logged,
  }
}

async function record(method: string, target: string, response: Response): Promise<void> {
  if (!isRecording()) return
  const headers = Object.fromEntries(response.headers)
  // A stream has no end.
  const isStream = headers['content-type'] === 'text/event-stream'
  const body = method === 'HEAD' || isStream ? '' : await response.clone().text()
  recordAnswer({ method, target, status: response.status, headers, body })
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
  readonly scope?: string
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

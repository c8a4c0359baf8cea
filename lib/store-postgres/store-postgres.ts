/**
 * The store on PostgreSQL, shared by as many Coatchecks as there are. Nothing is kept in memory but activity
 * that is on its way, and for a moment the rows that were found, for writes to begin with: each read is the
 * database's, and each write is committed before it is acknowledged.
 */
import type { Clock } from '../base/clock.ts'
import { createRecentActivity, requireCounted } from '../session/recent-activity.ts'
import { ACTIVE_METRIC_MS } from '../store/store-counts.ts'
import type { SessionLimits } from '../session/limits.ts'
import { expiresAt, type Found } from '../session/session.ts'
import type { Changed, Inserted, Store } from '../store/store.ts'
import type { DatabaseAddress } from '../base/database-address.ts'
import { type Connection, createConnection } from './connection/connection.ts'
import { openFailure, readFailure, unreachable } from './connection/failures.ts'
import { createFollowing } from './connection/following.ts'
import { isExposed, type Password, readRootCertificate } from './connection/primary.ts'
import { checkDatabase } from './checks.ts'
import { createCounts } from './counts.ts'
import { createDatabaseClock, type DatabaseClock } from './database-clock.ts'
import { createFeed } from './feed/feed.ts'
import { createHistory } from './feed/history.ts'
import { createFeedPages } from './feed/pages.ts'
import { beginFeed, createPlacing } from './feed/places.ts'
import { createHealth } from './health.ts'
import { createBrowse } from './reads/browse.ts'
import { createHeartbeat } from './reads/heartbeat.ts'
import { createLists } from './reads/lists.ts'
import { createLookups } from './reads/lookups.ts'
import { createReads } from './reads/reads.ts'
import { createSessionCount } from './reads/session-count.ts'
import { createKeyTable } from './tables/api-keys.ts'
import { createKnownRows } from './tables/known-rows.ts'
import { see } from './tables/rows.ts'
import { migrate } from './tables/schema.ts'
import { type Outcome, type Outcomes, runGuarded } from './writes/guarded.ts'
import { runLocked } from './writes/locked.ts'
import { createManySessions } from './writes/many-sessions.ts'
import { seal } from './writes/seal.ts'
import type { Write } from './writes/stage.ts'
import { createTouches } from './writes/touches.ts'
import { createWriteQueue } from './writes/write-queue.ts'

export type PostgresStoreOptions = {
  readonly address: DatabaseAddress
  /** Undefined where the database asks for none. */
  readonly password?: Password
  readonly limits: SessionLimits
  /** The time for which a tombstone is kept. */
  readonly keepEndedMs: number
  /** The time for which an event is kept. */
  readonly keepEventsMs: number
  /**
   * The most events that are kept; with 0 none are written from now on, by no server on this database, and
   * there is no feed until one starts that keeps some. All servers should be given the same.
   */
  readonly maxEvents: number
  readonly maxPendingWrites: number
  readonly maxWriteWaitMs: number
  /** `relaxed`: a database may be used that acknowledges what a crash loses. */
  readonly durability: 'full' | 'relaxed'
  /** Told at the start, and when it changes, which promises are weaker as the database is set up. */
  readonly onWeaknesses?: (weaknesses: readonly string[]) => void
  /** For what happens at intervals; the time itself is the database's where it is asked for below. */
  readonly clock: Clock
  /** An answer that takes longer is overdue. */
  readonly answerTimeoutMs?: number
  /** No reads from a server that has committed nothing of ours for so long. */
  readonly staleLimitMs?: number
  readonly elapsedMs?: () => number
}

const READERS = 2
const CONNECT_TIMEOUT_MS = 2_000
const ANSWER_TIMEOUT_MS = 5_000
const STALE_LIMIT_MS = 3_000
const CLOCK_INTERVAL_MS = 5_000
const CHECK_INTERVAL_MS = 60_000
const RECOUNT_INTERVAL_MS = 300_000
/** Activity is written before the answer where a session has no longer to live than this. */
const EDGE_MS = 5_000
/** A row that is due is sealed and read again; it can be made anew in between. */
const MOST_LOOKS = 5

/**
 * The order of locks rests on nested loops: a statement over many sessions visits them as its arrays have
 * them. What is asked is short, and looks long where a plan does not know how few rows are wanted: to
 * compile it takes a hundred times longer. And whoever stands still in the middle of a transaction loses its
 * locks, whether the server waits for the next statement then or for its answer to be taken.
 */
const SETUP = [
  ['enable_hashjoin', 'off'],
  ['enable_mergejoin', 'off'],
  ['enable_seqscan', 'off'],
  ['plan_cache_mode', 'force_generic_plan'],
  ['jit', 'off'],
  ['idle_in_transaction_session_timeout', '3s'],
  ['tcp_user_timeout', '5s'],
] as const

/** Opens the database and makes its tables where there are none. Rejects with what is wrong. */
export async function openPostgresStore(
  options: PostgresStoreOptions,
): Promise<{ readonly store: Store; readonly clock: DatabaseClock }> {
  const { address, clock, limits, keepEndedMs } = options
  const { elapsedMs = () => performance.now(), staleLimitMs: limitMs = STALE_LIMIT_MS } = options
  const certificate = readRootCertificate(address)
  const connectionOptions = {
    ...address,
    password: options.password,
    certificate,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    answerTimeoutMs: options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
    setup: SETUP,
  }
  const create = (role: string, whenOverdue: 'keep' | 'renew', onConnected = () => {}) =>
    createConnection({
      ...connectionOptions,
      applicationName: `coatcheck ${role}`,
      whenOverdue,
      onConnected,
    })
  const known = createKnownRows()
  // A server that crashes and comes back may have lost what was found there, if it is set up so.
  // control: known-of-one-connection
  const writer = create('writer', 'keep', known.clear)
  /** For what must not wait behind writes: activity, sealing, the sweep, heartbeats. */
  const beside = create('beside', 'keep', () => void heartbeat.beat())
  const readers = Array.from({ length: READERS }, () => create('reader', 'renew'))
  const connections = [writer, beside, ...readers]
  const heartbeat = createHeartbeat(beside, { limitMs, elapsedMs, now: clock.now })
  try {
    for (const connection of connections) await connection.open()
  } catch (error) {
    await closeAll(connections)
    throw unreachable(error)
  }
  try {
    await migrate(writer)
    await beginFeed(writer, { keepsEvents: options.maxEvents > 0 })
  } catch (error) {
    await closeAll(connections)
    throw openFailure(error)
  }

  const databaseClock = createDatabaseClock(clock, beside, elapsedMs)
  const counts = createCounts()
  const touches = createTouches(beside, counts.touched)
  const reads = createReads(readers, heartbeat)
  const lookups = createLookups(reads, readers, known)
  const lists = createLists(reads, touches.seenAt)
  const pages = createFeedPages(reads)
  const place = createPlacing(beside)
  const retention = { keepMs: options.keepEventsMs, maxEvents: options.maxEvents }
  const feed = createFeed({ pages, place, connection: beside, retention })
  const { onTold } = feed
  const many = createManySessions(beside, keepEndedMs, counts, onTold)
  const following = createFollowing(connectionOptions, connections, beside)
  const rules = { limits, keepEndedMs, onTold }
  const activity = createRecentActivity(clock.now())
  /** Sessions that were found within the last second, with what their activity needs. */
  const lately = new Map<string, { readonly claims: string; readonly isAtEdge: boolean }>()

  async function run(writes: readonly Write[]): Promise<Outcomes> {
    const startedAt = performance.now()
    // A pooler may lead each statement to another server.
    const outcomes = await runGuarded(writer, writes, rules, address.prepare ? known : undefined)
    const left = writes.filter((write) => !outcomes.has(write))
    if (left.length > 0) {
      // Where a user's sessions are counted, the activity of the others counts, too.
      if (limits.maxSessionsPerSub !== undefined) await touches.flush().catch(() => {})
      for (const [write, outcome] of await runLocked(writer, left, rules))
        outcomes.set(write, outcome)
    }
    counts.committed((performance.now() - startedAt) / 1_000)
    for (const [write, outcome] of outcomes) {
      counts.outcome(write, outcome)
      noteActivity(write, outcome)
    }
    feed.wake()
    return outcomes
  }

  function noteActivity(write: Write, outcome: Outcome): void {
    if ('error' in outcome) return
    const { answer } = outcome
    if ('inserted' in answer) {
      if (!answer.inserted || write.kind !== 'insert') return
      activity.note(write.session, write.session.createdAt, write.session.createdAt)
    } else if (answer.state === 'live' && write.kind === 'change') {
      activity.note(answer.session, answer.session.lastSeenAt, write.now)
    }
  }

  const queue = createWriteQueue({
    run,
    isOverdue: writer.isOverdue,
    maxPending: options.maxPendingWrites,
    maxWaitMs: options.maxWriteWaitMs,
    elapsedMs,
    onBatch: counts.batch,
  })

  /** Resolves once all writes and activity so far are with the database. */
  async function settled(): Promise<void> {
    await queue.alone(async () => {})
    await touches.flush()
  }

  async function find(id: string, now: number): Promise<Found> {
    counts.looked()
    for (let looks = 1; ; looks++) {
      const row = await lookups.find(id)
      const seen = see(row, now, touches.seenAt(id), keepEndedMs)
      if (seen.state !== 'due') {
        if (seen.state === 'live' && row !== undefined) {
          const isAtEdge = expiresAt(row.session) - now < EDGE_MS
          lately.set(id, { claims: row.session.claims, isAtEdge })
        }
        return seen
      }
      // What came in time may be on its way, here or elsewhere: after this it comes too late.
      await settled()
      try {
        await seal(beside, id, now, onTold)
        feed.wake()
      } catch (error) {
        if (looks === MOST_LOOKS) throw readFailure(error)
      }
    }
  }

  const { now } = clock
  const sessionCount = createSessionCount({ lists, reads, now, elapsedMs, set: counts.setSessions })

  /** `isStart`: later nothing is refused any more, as that would end a service that works, but all is told. */
  async function check({ isStart }: { readonly isStart: boolean }): Promise<void> {
    const { weaknesses } = await checkDatabase(beside, {
      isRelaxed: options.durability === 'relaxed' || !isStart,
      isExposed: isExposed(address),
      offsetMs: databaseClock.offsetMs,
    })
    if (weaknesses.join() !== found.join()) options.onWeaknesses?.(weaknesses)
    found = weaknesses
  }

  let found: readonly string[] = []

  const stops = [
    clock.every(1_000, () => {
      void heartbeat.beat()
      void touches.flush()
      // What it has not seen is seen a second later.
      void feed.look().catch(() => {})
      lately.clear()
      known.age()
      void following.look()
    }),
    clock.every(CLOCK_INTERVAL_MS, () => void databaseClock.measure().catch(() => {})),
    clock.every(CHECK_INTERVAL_MS, () => void check({ isStart: false }).catch(() => {})),
    clock.every(RECOUNT_INTERVAL_MS, () => void sessionCount.again().catch(() => {})),
  ]

  try {
    await databaseClock.measure()
    await check({ isStart: true })
    await heartbeat.beat()
    await sessionCount.begin()
    await feed.look()
  } catch (error) {
    for (const stop of stops) stop()
    await closeAll(connections)
    throw openFailure(error)
  }

  const store: Store = {
    find,
    list: lists.list,
    async count(which, now) {
      // The database must know of all activity so far, or it takes a live session for expired.
      await touches.flush()
      return (await lists.count(which, now)).live
    },
    async insert(session) {
      const seenAt = touches.seenAt(session.id)
      if (seenAt > 0) await touches.flush()
      return (await queue.ask({ kind: 'insert', session, seenAt })) as Inserted
    },
    async change(id, now, operation) {
      const write = { kind: 'change', id, now, seenAt: touches.seenAt(id), operation } as const
      return (await queue.ask(write)) as Changed
    },
    async end(id, now, reason, when) {
      const write = { kind: 'end', id, now, seenAt: touches.seenAt(id), reason, when } as const
      return (await queue.ask(write)) as Found
    },
    endMany: (which, now, reason, limit) =>
      queue.alone(async () => {
        await touches.flush()
        return await many.endMany(which, now, reason, limit).finally(feed.wake)
      }),
    touch(id, now) {
      touches.add(id, now)
      const found = lately.get(id)
      activity.note({ id, claims: found?.claims }, now, now)
      // control: edge-activity-first
      return found?.isAtEdge === true ? touches.flush() : undefined
    },
    active: async ({ app, withinMs }, now) => requireCounted(activity.count(app, withinMs, now)),
    browse: {
      ...createBrowse({ reads, touches, keepEndedMs }),
      events: createHistory(pages, place),
    },
    keys: createKeyTable(reads, beside),
    feed: feed.store,
    async sweep(now) {
      await settled()
      const swept = await many.sweep(now)
      await feed.sweep(now)
      return swept
    },
    health: createHealth({
      writer,
      beside,
      heartbeat,
      limitMs,
      clock: databaseClock,
      weaknesses: () => found,
    }),
    counts: () => ({
      ...counts.read(),
      active: requireCounted(activity.count(undefined, ACTIVE_METRIC_MS, clock.now())),
      events: feed.counts(),
      queue: { length: queue.length(), limit: options.maxPendingWrites },
      work: {},
      figures: {
        connections: connections.filter((connection) => connection.isUp()).length,
        heartbeatAgeSeconds: heartbeat.ageSeconds(),
        clockOffsetMs: databaseClock.offsetMs(),
      },
    }),
    async close() {
      for (const stop of stops) stop()
      await settled().catch(() => {})
      await closeAll(connections)
    },
  }
  return { store, clock: databaseClock }
}

async function closeAll(connections: readonly Connection[]): Promise<void> {
  await Promise.all(connections.map((connection) => connection.close()))
}

/** The store on SQLite, as the main thread sees it: it reads here, and hands writes to the writer. */
import { availableParallelism } from 'node:os'
import type Database from 'better-sqlite3'
import type { Clock } from '../base/clock.ts'
import { CoatcheckError } from '../base/errors.ts'
import type { SessionLimits } from '../session/limits.ts'
import { mayWriteClaims } from '../session/operations.ts'
import { ACTIVE_METRIC_MS } from '../store/store-counts.ts'
import type { EndedCount, Store } from '../store/store.ts'
import { makeCountsMemory, readCounts } from './counts.ts'
import { createBrowse } from './browse-lookups.ts'
import { createHotUpdates } from './acknowledged.ts'
import { createActivityNotes } from './activity.ts'
import { discardAddon } from './database/addon.ts'
import {
  createFile,
  type Durability,
  openReaderDatabase,
  prepareDatabase,
} from './database/database.ts'
import { lockDatabase, type Unlock } from './database/lock.ts'
import { startNameWatch } from './database/name-watch.ts'
import { createReadGuard } from './database/sqlite-errors.ts'
import { asStorageError, guarded } from './database/storage-error.ts'
import { createLookups } from './lookups.ts'
import { createFeed } from './feed.ts'
import { createHotSessions } from './memory.ts'
import { createReader, type Reader } from './reader.ts'
import { createTouches } from './touches.ts'
import { createTurns } from './turns.ts'
import type { WalDamage } from './wal/wal-damage.ts'
import { MINTED, type RequestKind, type WriteAnswer, type WriteRequest } from './writer/protocol.ts'
import { releaseReserve } from './writer/space-reserve.ts'
import { costOf } from './writer/write-cost.ts'
import { createWriteQueue, type WriteQueueOptions } from './writer/write-queue.ts'
import { startWriterThread, type WriterPort } from './writer/writer-port.ts'

export type SqliteStoreOptions = {
  readonly path: string
  readonly durability: Durability
  readonly limits: SessionLimits
  /** The time for which a tombstone is kept. */
  readonly keepEndedMs: number
  /** The time for which an event is kept. */
  readonly keepEventsMs: number
  /** The most events that are kept; with 0 none are written, and there is no feed. */
  readonly maxEvents: number
  /** The largest WAL, while another program's read keeps it from being reset. */
  readonly walLimitBytes: number
  /** The most writes that may wait for the writer; more are refused with `overloaded`. */
  readonly maxPendingWrites: number
  /** The longest wait of a write until it begins; then it is refused with `overloaded`. */
  readonly maxWriteWaitMs: number
  readonly clock: Clock
  /** Told once when writing has failed for good; reads go on. */
  readonly onFailure: (cause: Error) => void
  /** Told when the open file has got more names (hard links), and how many it has. */
  readonly onNewNames?: (count: number) => void
  /** Told when commands have ended sessions in the file, and in how many steps. */
  readonly onOutsideChanges?: (steps: number) => void
  /** Told at the start when `relaxed` drops the end of a damaged WAL. */
  readonly onWalDamage?: (damage: WalDamage) => void
}

/** A crash can make sessions look idle for this much longer than they were. */
const TOUCH_INTERVAL_MS = 1_000

/** Once the file's name leads elsewhere, what is acknowledged for this long may be lost. */
const LOOK_INTERVAL_MS = 1_000

/** The size, in characters, of a session that is not hot: the session limit of most servers. */
const UNKNOWN_SIZE = 64 * 1024

/**
 * Opens the file, or creates it, and starts its writer. Throws a `StorageError`, and leaves the file
 * as it was, where another server has it open or this Coatcheck cannot use it.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, durability, limits, keepEndedMs, walLimitBytes } = options
  const retention = { keepMs: options.keepEventsMs, maxEvents: options.maxEvents }
  createFile(path)
  let unlock: Unlock | undefined
  let database: Database.Database | undefined
  try {
    const letGo = (unlock = lockDatabase(path))
    guarded(path, () => releaseReserve(path))
    prepareDatabase(path, { ...options, keepsEvents: options.maxEvents > 0 })
    database = openReaderDatabase(path)
    const reader = createReader(database, keepEndedMs)
    const counts = makeCountsMemory()
    const thread = { path, durability, limits, keepEndedMs, retention, walLimitBytes, counts }
    const writer = await startWriterThread(thread, options.onFailure)
    const patient = availableParallelism() === 1
    const store = createStore(reader, writer, { ...options, patient, counts })
    const names = startNameWatch(writer.files, writer.abandon, (count) => {
      options.onNewNames?.(count)
    })
    // The thread has loaded all that it needs: with no descriptor left it could not, and would end the server.
    await names.look()
    const stopLooking = options.clock.every(LOOK_INTERVAL_MS, () => void names.look())
    return {
      ...store,
      async close() {
        stopLooking()
        // A stop is clean only if nothing was lost since the last look.
        await names.close()
        await writer.check()
        // The writer closes last: the last connection to close empties and removes the WAL.
        // control: writer-closes-last
        await store.close(() => database?.close())
        letGo()
      },
    }
  } catch (error) {
    database?.close()
    unlock?.(true)
    discardAddon()
    throw asStorageError(path, error)
  }
}

type StoreParts = Pick<
  SqliteStoreOptions,
  'clock' | 'maxPendingWrites' | 'maxWriteWaitMs' | 'onOutsideChanges'
> &
  Pick<WriteQueueOptions, 'patient'> & {
    readonly counts?: SharedArrayBuffer
    readonly walLimitBytes?: number
  }

/** The store over a reader and a way to a writer. */
export function createStore(reader: Reader, writer: WriterPort, parts: StoreParts) {
  const elapsedMs = () => performance.now()
  const activity = createActivityNotes(parts.clock)
  const touches = createTouches(writer, activity.touched)
  const { seenAt } = touches
  const guard = createReadGuard()
  const hot = createHotSessions()
  const updateHot = createHotUpdates(hot, touch, () => wake())
  const queue = createWriteQueue({
    writer,
    maxPending: parts.maxPendingWrites,
    maxWaitMs: parts.maxWriteWaitMs,
    costOf: (request) => costOf(request, sizeOf),
    keepsPlace: concernsOthers,
    elapsedMs,
    patient: parts.patient,
    onAnswer(request, answer) {
      updateHot(request, answer)
      activity.written(request, answer)
    },
  })
  const countsMemory = parts.counts ?? makeCountsMemory()
  let told = 0
  const takeTurn = createTurns()
  const { find, list, count, lookups } = createLookups({
    reader,
    guard,
    hot,
    queue,
    touches,
    elapsedMs,
    takeTurn,
  })
  const { wake, kept, ...feed } = createFeed({
    reader: reader.events,
    guard,
    queue,
    noteOutsideChanges,
    takeTurn,
  })

  const stopTicking = parts.clock.every(TOUCH_INTERVAL_MS, () => {
    queue.refuseLate()
    void touches.trickle()
    noteOutsideChanges()
    // For the events that no answer here tells of: those of commands, and of a long sweep.
    wake()
    writer.tick(guard.takeDoubt())
  })

  function touch(id: string, now: number): void {
    touches.add(id, now, hot.touch(id, now))
  }

  /** Whoever writes to a session has just looked it up, so it is nearly always hot. */
  function sizeOf(id: string): number {
    const known = hot.get(id)
    return known === undefined ? UNKNOWN_SIZE : known.data.length + known.claims.length
  }

  function ask<Kind extends RequestKind>(request: WriteRequest<Kind>): Promise<WriteAnswer<Kind>>
  function ask(request: WriteRequest): Promise<WriteAnswer> {
    // The writer must know of all activity so far, or it takes a live session for expired.
    if (concernsOthers(request)) touches.flush()
    return queue.ask(request)
  }

  /**
   * After a command has ended sessions in the file, every read goes to the file first, and writes that
   * are acknowledged from before only replace what was read since.
   */
  function noteOutsideChanges(): void {
    try {
      const { made, seen } = reader.outsideChanges()
      if (made <= seen) return
      hot.clear()
      const steps = made - Math.max(seen, told)
      told = made
      // The note that they were seen may take longer than until the next look.
      if (steps > 0) parts.onOutsideChanges?.(steps)
      void writer.write([{ kind: 'see_outside', made }]).catch(() => {})
    } catch {
      // The next request that needs the file reports it.
      guard.doubt()
    }
  }

  return {
    find,
    list,
    count,
    async insert(session) {
      // An id with a secret was minted, and nobody else has it. To look it up in the maps of touches, V8
      // would have to hash it, at about the cost of all else here; so that waits until it is in use.
      if (session.secretHash !== null) {
        const inserted = await ask<'insert'>({ kind: 'insert', session, seenAt: MINTED })
        if (inserted.inserted) return inserted
      }
      return await ask<'insert'>({ kind: 'insert', session, seenAt: seenAt(session.id) })
    },
    change: (id, now, operation) =>
      ask<'change'>({ kind: 'change', id, now, seenAt: seenAt(id), operation }),
    end: (id, now, reason, when) =>
      ask<'end'>({ kind: 'end', id, now, seenAt: seenAt(id), reason, when }),
    async endMany(which, now, reason, limit) {
      // Only then it ends the sessions, too, that an expensive write still keeps alive.
      if (queue.mayOvertake()) await queue.allAnswered()
      return await endInSlices(limit, (left) =>
        ask<'end_many'>({ kind: 'end_many', ...which, now, reason, limit: left }),
      )
    },
    feed,
    touch,
    active: activity.active,
    browse: createBrowse({
      browser: reader.browser,
      history: reader.history,
      guard,
      queue,
      touches,
      elapsedMs,
    }),
    keys: {
      list: async () => guard.read(() => reader.listApiKeys()),
      add: (key) => ask<'add_api_key'>({ kind: 'add_api_key', key }),
      revoke: (name, revokedAt) =>
        ask<'revoke_api_key'>({ kind: 'revoke_api_key', name, revokedAt }),
      noteUses: (uses) => ask<'note_key_uses'>({ kind: 'note_key_uses', uses }),
    },
    async sweep(now) {
      // Earlier writes and touches come first, in pieces: others wait as well.
      if (!queue.isEmpty()) await queue.allAnswered()
      await touches.trickle()
      touches.flush()
      const swept = await writer.sweep(now)
      // Ended for good: a clock that is set back must not revive them.
      // control: swept-not-hot
      hot.removeExpired(now)
      wake()
      return swept
    },
    health() {
      const health = writer.health()
      if (health.writes !== 'all' || !queue.isLate()) return health
      return { ...health, state: 'degraded', reasons: ['writes_late', ...health.reasons] }
    },
    counts() {
      const { databaseBytes, freeBytes, checkpoints, events, ...counts } = readCounts(countsMemory)
      const { walBytes = 0 } = writer.health().figures
      const { walLimitBytes = 0 } = parts
      return {
        ...counts,
        events: { written: events, ...kept() },
        // Takes a millisecond where many are active, and not every reader wants it.
        get active() {
          return activity.activeNow(ACTIVE_METRIC_MS)
        },
        lookups: { ...lookups },
        queue: { length: queue.length(), limit: parts.maxPendingWrites },
        work: { checkpointSeconds: checkpoints },
        figures: {
          ...{ walBytes, walLimitBytes, databaseBytes, databaseFreeBytes: freeBytes },
          hotSessions: hot.count(),
        },
      }
    },
    async close(beforeWriter: () => void = () => {}) {
      stopTicking()
      queue.flush()
      touches.flush()
      beforeWriter()
      await writer.close()
    },
  } satisfies Store & { close(beforeWriter?: () => void): Promise<void> }
}

/** Whether a write may concern more sessions than the one that it names. */
function concernsOthers(request: WriteRequest): boolean {
  switch (request.kind) {
    case 'insert':
      return request.session.claims !== '{}'
    case 'change':
      return mayWriteClaims(request.operation)
    default:
      return request.kind === 'end_many'
  }
}

/** Each slice is durable by itself: once one has ended sessions, a refusal of the next is told by `more`. */
async function endInSlices(
  limit: number,
  endSlice: (left: number) => Promise<WriteAnswer<'end_many'>>,
): Promise<EndedCount> {
  let ended = 0
  let more = true
  while (more && ended < limit) {
    try {
      const slice = await endSlice(limit - ended)
      ended += slice.ids.length
      more = slice.more
    } catch (error) {
      if (ended === 0 || !(error instanceof CoatcheckError)) throw error
      break
    }
  }
  return { ended, more }
}

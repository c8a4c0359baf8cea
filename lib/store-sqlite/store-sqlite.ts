/** The store on SQLite, as the main thread sees it: reads here, hands what changes to the writer. */
import { availableParallelism } from 'node:os'
import Database from 'better-sqlite3'
import type { Clock } from '../base/clock.ts'
import { CoatcheckError } from '../base/errors.ts'
import type { SessionLimits } from '../session/limits.ts'
import { mayWriteClaims } from '../session/operations.ts'
import { type Found, isLive } from '../session/session.ts'
import {
  createFile,
  type Durability,
  openReaderDatabase,
  prepareDatabase,
} from './database/database.ts'
import { createHotSessions } from './hot-sessions.ts'
import { discardAddon } from './database/addon.ts'
import { lockDatabase, type Unlock } from './database/lock.ts'
import type { LogDamage } from './wal/wal-damage.ts'
import { startNameWatch } from './database/name-watch.ts'
import { createReader, type Reader } from './reader.ts'
import { releaseReserve } from './writer/space-reserve.ts'
import { asStorageError, guarded } from './database/storage-error.ts'
import { damagedFile, isDamage } from './database/sqlite-errors.ts'
import type { Changed, Inserted, Store } from '../store/store.ts'
import { costOf } from './writer/write-cost.ts'
import { createTouches } from './touches.ts'
import { createWriteQueue, type WriteQueueOptions } from './writer/write-queue.ts'
import type { EndedMany, WriteAnswer, WriteRequest } from './writer/write-request.ts'
import { startWriterThread, type WriterPort } from './writer/writer-port.ts'

export type SqliteStoreOptions = {
  readonly path: string
  readonly durability: Durability
  readonly limits: SessionLimits
  /** How long a tombstone is kept. */
  readonly keepEndedMs: number
  /** How long the log may get while a program that reads keeps it from being begun anew. */
  readonly logLimitBytes: number
  /** How many writes may wait for the writer before more are refused with `overloaded`. */
  readonly maxPendingWrites: number
  /** How long a write may wait until it begins before it is refused with `overloaded`. */
  readonly maxWriteWaitMs: number
  readonly clock: Clock
  /** Told once when writing has failed for good; reads go on. */
  readonly onFailure: (cause: Error) => void
  /** Told when the file that is open has come to have so many names (hard links). */
  readonly onNewNames?: (count: number) => void
  /** Told at the start, where `relaxed` lets a log be taken that has a hole. */
  readonly onLogDamage?: (damage: LogDamage) => void
}

/** A crash can make sessions look idle for this much longer than they were. */
const TOUCH_INTERVAL_MS = 1_000

/** What is acknowledged for so long after a file has gone may be lost. */
const LOOK_INTERVAL_MS = 1_000

/** Activity of a session that another may replace only where its lifetime is over and forgotten. */
const NEVER_IDLE = Infinity

/** In characters; the limit of most servers. */
const UNKNOWN_SIZE = 64 * 1024

/** Of each of two generations; a character takes one or two bytes. */
const HOT_LIMIT_CHARACTERS = 16 * 1024 * 1024

/**
 * Opens the file, or creates it, and starts its writer. Throws a `StorageError`, and leaves the file
 * as it was, where another server has it open or it is none that this Coatcheck can use.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, durability, limits, keepEndedMs, logLimitBytes } = options
  createFile(path)
  let unlock: Unlock | undefined
  let database: Database.Database | undefined
  try {
    const letGo = (unlock = lockDatabase(path))
    guarded(path, () => releaseReserve(path))
    prepareDatabase(path, options)
    database = openReaderDatabase(path)
    const reader = createReader(database, keepEndedMs)
    const thread = { path, durability, limits, keepEndedMs, logLimitBytes }
    const writer = await startWriterThread(thread, options.onFailure)
    const patient = availableParallelism() === 1
    const store = createStore(reader, writer, { ...options, patient })
    const names = startNameWatch(writer.files, writer.abandon, (count) => {
      options.onNewNames?.(count)
    })
    const stopLooking = options.clock.every(LOOK_INTERVAL_MS, () => void names.look())
    return {
      ...store,
      async close() {
        stopLooking()
        // What has been lost since the last look is no clean stop.
        await names.close()
        await writer.check()
        // The writer goes last, since the last to leave empties the log and removes it.
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

/** Whether a write is about more sessions than the one that it names. */
function looksAtOthers(request: WriteRequest): boolean {
  switch (request.kind) {
    case 'insert':
      return request.session.claims !== '{}'
    case 'change':
      return mayWriteClaims(request.operation)
    default:
      return request.kind === 'end_many'
  }
}

type StoreParts = Pick<SqliteStoreOptions, 'clock' | 'maxPendingWrites' | 'maxWriteWaitMs'> &
  Pick<WriteQueueOptions, 'patient'>

/** The store over a reader and a way to a writer. */
export function createStore(reader: Reader, writer: WriterPort, parts: StoreParts) {
  const touches = createTouches(writer)
  const { seenAt } = touches
  /** A read of the file has failed since the last tick. */
  let isDoubtful = false
  const hot = createHotSessions(HOT_LIMIT_CHARACTERS)
  const queue = createWriteQueue({
    writer,
    maxPending: parts.maxPendingWrites,
    maxWaitMs: parts.maxWriteWaitMs,
    costOf: (request) => costOf(request, sizeOf),
    keepsPlace: looksAtOthers,
    elapsedMs: () => performance.now(),
    patient: parts.patient,
    onAnswer: keepHot,
  })

  const stopTicking = parts.clock.every(TOUCH_INTERVAL_MS, () => {
    queue.refuseLate()
    void touches.trickle()
    noteOutsideChanges()
    writer.tick(isDoubtful)
    isDoubtful = false
  })

  function reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error
      isDoubtful = true
      if (isDamage(error)) throw damagedFile(error)
      throw new CoatcheckError('storage_failed', `Cannot read the data file: ${error.code}`)
    }
  }

  /** Whoever writes to a session has looked it up a moment ago: it is hot, or hardly ever not. */
  function sizeOf(id: string): number {
    const known = hot.get(id)
    return known === undefined ? UNKNOWN_SIZE : known.data.length + known.claims.length
  }

  /** The writer answers each kind of request with the type that the store's contract names. */
  function ask<Answer>(request: WriteRequest): Promise<Answer> {
    // Told of all activity so far, the writer takes no session for dead that is not.
    if (looksAtOthers(request)) touches.flush()
    return queue.ask(request) as Promise<Answer>
  }

  /** What is acknowledged is shown from then on. */
  function keepHot(request: WriteRequest, answer: WriteAnswer): void {
    switch (request.kind) {
      case 'insert': {
        // A minted id that was in no use cannot be hot.
        if (request.seenAt !== NEVER_IDLE) hot.remove(request.session.id)
        return hot.remove(...(answer as Inserted).evicted)
      }
      case 'change': {
        const changed = answer as Changed
        if (changed.state !== 'live') return hot.remove(request.id)
        hot.remove(...(changed.evicted ?? []))
        if (changed.session.id !== request.id) return hot.remove(request.id)
        return hot.update(request.id, changed.session)
      }
      case 'end':
        return hot.remove(request.id)
      case 'end_many':
        return hot.remove(...(answer as EndedMany).ids)
    }
  }

  /**
   * A command has ended sessions in the file. From here on every read goes to the file first, which
   * shows that; and what the writer still acknowledges from before only replaces what was read since.
   */
  function noteOutsideChanges(): void {
    try {
      const { made, seen } = reader.outsideChanges()
      if (made <= seen) return
      hot.clear()
      void writer.write([{ kind: 'see_outside', made }]).catch(() => {})
    } catch {
      // The next request that needs the file says so.
      isDoubtful = true
    }
  }

  function findAsAnswered(id: string, now: number): Found {
    const known = hot.get(id)
    if (known !== undefined && isLive(known, now)) return { state: 'live', session: known }
    const found = reading(() => reader.find(id, now, seenAt(id)))
    if (found.state === 'live') hot.add(found.session)
    return found
  }

  /** Whether it is time alone that a session died of, and a write may have given it more. */
  function hasRunOut(id: string, found: Found): boolean {
    // Its end may be forgotten at once (`keepEndedMs`); who writes to a session has made it hot.
    if (found.state !== 'ended') return hot.get(id) !== undefined
    const { reason } = found.tombstone
    return reason === 'idle_timeout' || reason === 'lifetime'
  }

  return {
    find(id, now) {
      const found = findAsAnswered(id, now)
      if (found.state === 'live' || queue.isEmpty() || !hasRunOut(id, found)) return found
      // A write that came in time may be on its way, and keep it alive or give it a longer lifetime:
      // who is told that a session has ended must not find it live after that.
      return queue.allAnswered().then(() => findAsAnswered(id, now))
    },
    async list(query, now) {
      const page = reading(() => reader.list(query, now, seenAt))
      // What the page shows may be newer than the sessions kept hot, until the writer's answer is
      // here: a session that is missing from the page must not be found after it.
      await queue.sentAnswered()
      return page
    },
    async insert(session) {
      // With a secret, an id has been minted: nobody else's. To ask the maps of touches for it would cost
      // as much as all else here, since V8 has to hash it: that waits until it turns out to be in use.
      if (session.secretHash !== null) {
        const inserted = await ask<Inserted>({ kind: 'insert', session, seenAt: NEVER_IDLE })
        if (inserted.inserted) return inserted
      }
      return await ask<Inserted>({ kind: 'insert', session, seenAt: seenAt(session.id) })
    },
    change: (id, now, operation) =>
      ask<Changed>({ kind: 'change', id, now, seenAt: seenAt(id), operation }),
    end: (id, now, reason, when) =>
      ask<Found>({ kind: 'end', id, now, seenAt: seenAt(id), reason, when }),
    async endMany(which, now, reason, limit) {
      // A session that a dear write has kept alive in time is one of those.
      if (queue.mayOvertake()) await queue.allAnswered()
      let ended = 0
      let more = true
      while (more && ended < limit) {
        const request = { kind: 'end_many', ...which, now, reason, limit: limit - ended } as const
        try {
          const slice = await ask<EndedMany>(request)
          ended += slice.ids.length
          more = slice.more
        } catch (error) {
          // Each slice is durable by itself: what has ended is told, and the next call says the rest.
          if (ended === 0 || !(error instanceof CoatcheckError)) throw error
          break
        }
      }
      return { ended, more }
    },
    touch(id, now) {
      touches.add(id, now, hot.touch(id, now))
    },
    keys: {
      list: async () => reading(() => reader.listApiKeys()),
      add: (key) => ask<boolean>({ kind: 'add_api_key', key }),
      revoke: (name, revokedAt) => ask<boolean>({ kind: 'revoke_api_key', name, revokedAt }),
    },
    async sweep(now) {
      // What came before it is done before it, but not all at once: others wait, too.
      if (!queue.isEmpty()) await queue.allAnswered()
      await touches.trickle()
      touches.flush()
      const swept = await writer.sweep(now)
      // Ended for good: a clock that is set back must not bring them to life again.
      hot.removeExpired(now)
      return swept
    },
    health() {
      const health = writer.health()
      if (health.writes !== 'all' || !queue.isLate()) return health
      return { ...health, state: 'degraded', reasons: ['writes_late', ...health.reasons] }
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

/** The thread around the writer: takes what has arrived, commits it as one, answers all of it. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { dropPermissions } from '../../base/permissions.ts'
import type { SessionLimits } from '../../session/limits.ts'
import { createWriteCounts } from '../counts.ts'
import { placeAddon } from '../database/addon.ts'
import { type Durability, openWriterDatabase } from '../database/database.ts'
import { watchOpenFiles } from '../database/open-files.ts'
import { createSessionCount } from './session-count.ts'
import { createSlices, never, PIECE } from './slices.ts'
import { openSpaceReserve } from './space-reserve.ts'
import { createSparingWriter } from './sparing-writer.ts'
import type { Strayed } from '../database/name-watch-thread.ts'
import type { FeedRetention } from '../../store/feed-store.ts'
import type { Swept } from '../../store/store.ts'
import { manageWal } from '../wal/wal.ts'
import {
  type FromWriter,
  kindOf,
  packOutcome,
  type RequestKind,
  type ToWriter,
  unpackRequest,
  type WriteOutcome,
  type WriteRequest,
} from './protocol.ts'
import { createWriter, refusalOf } from './writer.ts'

export type WriterOptions = {
  readonly path: string
  readonly durability: Durability
  readonly limits: SessionLimits
  readonly keepEndedMs: number
  /** Of the events that are kept. */
  readonly retention: FeedRetention
  readonly walLimitBytes: number
  /** Where to count. */
  readonly counts: SharedArrayBuffer
}

/** The longest wait for a slice of the first write after a quiet time. */
const SLICE_MS = 30

const NOTHING_SWEPT: Swept = { ended: 0, removed: 0, damaged: 0 }

const port = requirePort()
const options: WriterOptions = workerData
placeAddon(options.path, { keep: true })
const database = openWriterDatabase(options.path, options.durability, options.walLimitBytes)
const counts = createWriteCounts(options.counts)
const plainWriter = createWriter(
  database,
  options.limits,
  options.keepEndedMs,
  counts,
  options.retention,
)
const sessionCount = createSessionCount(database, counts)
const reserve = openSpaceReserve(options.path)
// On a full disk, a checkpoint of the WAL must fit into the reserve.
const wal = manageWal(database, reserve.bytes / 2, counts.checkpointed)
const writer = createSparingWriter(plainWriter, {
  reserve,
  wal,
  freeBytes: () => pragma('freelist_count') * pragma('page_size'),
  walLimitBytes: options.walLimitBytes,
})
writer.check()
const files = watchOpenFiles(options.path)
/** The moments of the sweeps under way and waiting, and what the first has done so far. */
const sweeps: number[] = []
let swept: Swept = NOTHING_SWEPT
/** Whether something could not be read since the last tick. */
let isDoubtful = false

/** Taken from the port, and still to be done. */
const arrived: ToWriter[] = []
const slices = createSlices({ isAwaited, targetMs: SLICE_MS })

// An error here, such as an unknown outcome, ends the thread, and with it the server.
port.on('message', (message: ToWriter) => {
  arrived.push(message)
  obeyAll()
})
measureFile()
// A thread starts with the permissions of its process, and drops its own.
dropPermissions()
post({ kind: 'ready', files: files.named })

function pragma(name: string): number {
  return Number(database.pragma(name, { simple: true }))
}

function measureFile(): void {
  const pageBytes = pragma('page_size')
  counts.set('databaseBytes', pragma('page_count') * pageBytes)
  counts.set('freeBytes', pragma('freelist_count') * pageBytes)
}

/** Does all that has arrived, writes as one batch; then what has arrived during a slice of these. */
function obeyAll(): void {
  do {
    const requests: WriteRequest[] = []
    for (let message = next(); message !== undefined; message = next()) {
      if (message.kind === 'write') {
        for (const request of message.requests) requests.push(unpackRequest(request))
      } else {
        // Writes that were sent before a sweep or a close come before it.
        write(requests.splice(0))
        obey(message)
      }
    }
    write(requests)
  } while (arrived.length > 0)
}

function next(): ToWriter | undefined {
  return arrived.shift() ?? receiveMessageOnPort(port)?.message
}

/**
 * Whether something has arrived that must not wait for a slice. Activity can wait, and so can the end
 * of many sessions, which is done in slices itself.
 */
function isAwaited(): boolean {
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
    arrived.push(next.message)
  }
  return arrived.some((message) => {
    if (message.kind !== 'write') return message.kind === 'close'
    return message.requests.some((request) => !canWait(kindOf(request)))
  })
}

function canWait(kind: RequestKind): boolean {
  return kind === 'end_many' || isActivity(kind)
}

function isActivity(kind: RequestKind): boolean {
  return kind === 'touch' || kind === 'see_outside'
}

function write(requests: readonly WriteRequest[]): void {
  if (requests.length === 0) return
  const hasOthers = !requests.every(({ kind }) => canWait(kind))
  if (!hasOthers && !requests.every(({ kind }) => isActivity(kind))) {
    slices.run((goesOn) => commit(requests, goesOn))
  } else {
    if (hasOthers) slices.noteOthers()
    commit(requests, never)
  }
}

function commit(requests: readonly WriteRequest[], goesOn: () => boolean): void {
  const outcomes = writer.run(requests, goesOn)
  counts.batch(requests.length)
  post({ kind: 'written', outcomes: outcomes.map(packOutcome) })
  if (outcomes.some(isDamaged)) isDoubtful = true
  wal.trim()
}

function obey(message: Exclude<ToWriter, { kind: 'write' }>): void {
  switch (message.kind) {
    case 'sweep':
      if (sweeps.push(message.now) === 1) setImmediate(sweepOn)
      return
    case 'tick':
      files.check()
      if (isDoubtful || message.isDoubtful) tryDisk()
      if (options.durability === 'relaxed') wal.checkpoint('passive')
      measureFile()
      sessionCount.keep()
      post({ kind: 'health', health: writer.check() })
      return
    case 'check':
      files.check()
      post({ kind: 'checked' })
      return
    case 'strayed':
      return stray(message.strayed)
    case 'close':
      reserve.close()
      wal.checkpoint('truncate')
      database.close()
      post({ kind: 'closed' })
      port.close()
  }
}

/** Throws if the disk is gone; a damaged page alone is only refused. */
function tryDisk(): void {
  isDoubtful = false
  // Changes nothing, but is synced to disk.
  writer.run([{ kind: 'see_outside', made: 0 }])
}

function isDamaged(outcome: WriteOutcome): boolean {
  return !outcome.ok && outcome.refusal.code === 'storage_damaged'
}

/** A WAL without a name is lost when this thread ends, so it is checkpointed first. */
function stray({ reason, isWalOnly }: Strayed): never {
  files.check()
  if (!isWalOnly || wal.checkpoint('restart', true)) throw new Error(reason)
  throw new Error(
    `${reason}, and not all of it could be moved into the file: another program reads, or the disk ` +
      'is full; what was written last is lost',
  )
}

/** One slice, then whatever writes have come in between, then the next. */
function sweepOn(): void {
  const now = sweeps[0]
  if (now === undefined || !database.open) return
  const slice = sweepSlice(now)
  if (!slice.more) sweeps.shift()
  // No event announces what the slice has taken from the port.
  if (arrived.length > 0) obeyAll()
  if (sweeps.length > 0) setImmediate(sweepOn)
}

function sweepSlice(now: number): { more: boolean } {
  try {
    const slice = slices.run((goesOn) => {
      const done = writer.sweepSlice(now, PIECE, goesOn)
      wal.trim()
      return done
    })
    swept = {
      ended: swept.ended + slice.ended,
      removed: swept.removed + slice.removed,
      damaged: swept.damaged + slice.damaged,
    }
    if (slice.more) return slice
    post({ kind: 'swept', swept })
  } catch (error) {
    isDoubtful = true
    post({ kind: 'not_swept', refusal: refusalOf(error) })
  }
  swept = NOTHING_SWEPT
  return { more: false }
}

function post(message: FromWriter): void {
  port.postMessage(message)
}

function requirePort(): NonNullable<typeof parentPort> {
  if (parentPort === null) throw new Error('Cannot run the writer: it must be started as a thread')
  return parentPort
}

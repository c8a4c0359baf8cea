/** The operator's contract on a data file, beside a server or without one. */
import { setTimeout as sleep } from 'node:timers/promises'
import type Database from 'better-sqlite3'
import { CoatcheckError } from '../../base/errors.ts'
import type { SessionLimits } from '../../session/limits.ts'
import type { Found, Session, Tombstone } from '../../session/session.ts'
import type { OperatorReader, OperatorStore, OperatorStores } from '../../store/operator-store.ts'
import type { Inserted } from '../../store/store.ts'
import { openMemoryDatabase } from '../database/database.ts'
import { isServed } from '../database/lock.ts'
import { refuseMountedFiles } from '../database/mounts.ts'
import { refuseOtherNames } from '../database/other-names.ts'
import { asStorageError, guarded } from '../database/storage-error.ts'
import { createReader, type Reader } from '../reader.ts'
import { createApiKeyTable } from '../tables/api-key-table.ts'
import { createTombstoneTable } from '../tables/tombstone-table.ts'
import { refuseWalWithoutFile } from '../wal/strange-wal.ts'
import { manageWal } from '../wal/wal.ts'
import { createSlices, type GoesOn } from '../writer/slices.ts'
import type { EndedMany, WriteAnswer, WriteRequest } from '../writer/protocol.ts'
import { createWriter } from '../writer/writer.ts'
import { createMissingFile, isFileToCome, openForCommand } from './command-database.ts'
import { createEnds } from './ends.ts'
import { createInsertSlices } from './insert-slices.ts'
import { openForReading } from './reading-database.ts'

/** So long a write of a running server waits for a slice, should it be the first for a while. */
const SLICE_MS = 20
/** A server that waits for its turn looks for it every few milliseconds. */
const TURN_MS = 5

/**
 * A server writes down activity once a second, later where the file is busy; until then it may show
 * a session as live that has expired in the file.
 */
const GRACE_MS = 10_000

/** They take a millisecond or two. */
const BURIED_AT_ONCE = 200

const POLL_MS = 50
/** Ten seconds; the server looks once a second. */
const MOST_POLLS = 200

/** Operators see each tombstone that is still there. */
const KEEP_ENDED_MS = Infinity

const NO_LIMITS: SessionLimits = {
  ordinary: { idleTimeoutMs: 0, lifetimeMs: 0 },
  permanent: { idleTimeoutMs: 0, lifetimeMs: 0 },
  sessionLimitBytes: Infinity,
  keyLimitBytes: Infinity,
  maxKeys: Infinity,
  maxDepth: Infinity,
  maxSessionsPerSub: undefined,
  onSessionLimit: 'evict',
}

/** Beside what ends sessions, in the same step: a running server must forget what it has in memory. */
const NOTE_FOR_SERVER: WriteRequest = { kind: 'change_outside' }

/** `data` names a file; each opener throws a `StorageError`. */
export const sqliteOperatorStores: OperatorStores = {
  openReader,

  async openReaderOrEmpty(path) {
    if (!isFileToCome(path)) return await openReader(path)
    guarded(path, () => {
      refuseMountedFiles(path)
      refuseOtherNames(path)
      refuseWalWithoutFile(path)
    })
    const database = openMemoryDatabase()
    return createOperatorReader(path, database, () => database.close())
  },

  openStore,

  async openOrCreateStore(path) {
    createMissingFile(path)
    return await openStore(path)
  },
}

async function openReader(path: string): Promise<OperatorReader> {
  const { database, close } = openForReading(path)
  return createOperatorReader(path, database, close)
}

async function openStore(path: string): Promise<OperatorStore> {
  const database = openForCommand(path)
  try {
    return guarded(path, () => createOperatorStore(path, database))
  } catch (error) {
    database.close()
    throw error
  }
}

function createOperatorReader(
  path: string,
  database: Database.Database,
  close: () => void,
): OperatorReader {
  const reader = guarded(path, () => createReader(database, KEEP_ENDED_MS))
  const readEnds = guarded(path, () => createEnds(database))
  return {
    find: (id, now) => guarded(path, () => reader.find(id, now, 0)),
    list: async (query, now) => guarded(path, () => reader.list(query, now, () => 0)),
    keys: { list: async () => guarded(path, () => reader.listApiKeys()) },
    readEnds: (which, now) => guardedPieces(path, readEnds(which, now)),
    close: async () => close(),
  }
}

function createOperatorStore(path: string, database: Database.Database): OperatorStore {
  const reading = createOperatorReader(path, database, () => database.close())
  const reader = createReader(database, KEEP_ENDED_MS)
  const { write, bury } = createFileWriter(path, database)
  const slices = createSlices({ isAwaited: watchOthers(database), targetMs: SLICE_MS })
  const insertSlices = createInsertSlices()
  const keyTable = createApiKeyTable(database)

  return {
    ...reading,

    keys: {
      list: reading.keys.list,
      add: async (key) => guarded(path, () => keyTable.add(key)),
      revoke: async (name, revokedAt) => guarded(path, () => keyTable.revoke(name, revokedAt)),
    },

    async insertSome(sessions) {
      const taken = insertSlices.takeFrom(sessions)
      const { result, tookMs } = insertSlices.measure(taken.length, () => write(insertsOf(taken)))
      if (isServed(path)) await sleep(Math.max(TURN_MS, tookMs))
      const inserted = result.filter((answer) => (answer as Inserted).inserted).length
      return { taken: taken.length, inserted }
    },

    async burySome(ends) {
      const taken = ends.slice(0, BURIED_AT_ONCE)
      const buried = bury(taken)
      if (isServed(path)) await sleep(TURN_MS)
      return { taken: taken.length, buried }
    },

    async end(id, now) {
      // Of a damaged session the writer returns its end, having no session to return.
      const wasDamaged = isDamaged(reader, id, now)
      const named = { id, now, seenAt: 0, graceMs: GRACE_MS }
      const request = { kind: 'end', ...named, reason: 'revoked', when: undefined } as const
      const found = write([request, NOTE_FOR_SERVER])[0] as Found
      if (wasDamaged || found.state === 'live') return 'ended'
      return found.state === 'ended' ? 'over' : 'absent'
    },

    async endSome(which, now) {
      const most = { except: undefined, graceMs: GRACE_MS, limit: Infinity }
      const request = { kind: 'end_many', ...which, ...most, now, reason: 'revoked' } as const
      const answers = slices.run((goesOn) => write([request, NOTE_FOR_SERVER], goesOn))
      const { ids, more } = answers[0] as EndedMany
      if (more && isServed(path)) await sleep(TURN_MS)
      return { ended: ids.length, more }
    },

    async serversHaveTakenNote() {
      for (let poll = 0; poll < MOST_POLLS; poll++) {
        const { made, seen } = guarded(path, () => reader.outsideChanges())
        if (seen >= made || !isServed(path)) return true
        await sleep(POLL_MS)
      }
      return false
    },
  }
}

/** As `guarded`, of what is read piece by piece. */
async function* guardedPieces<T>(path: string, pieces: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* pieces
  } catch (error) {
    throw asStorageError(path, error)
  }
}

type FileWriter = {
  /** Runs requests as one durable transaction; throws a refusal, and nothing is written then. */
  readonly write: (requests: readonly WriteRequest[], goesOn?: GoesOn) => readonly WriteAnswer[]
  /** The same for ends whose ids are free; returns how many. */
  readonly bury: (ends: readonly Tombstone[]) => number
}

function createFileWriter(path: string, database: Database.Database): FileWriter {
  const writer = createWriter(database, NO_LIMITS, KEEP_ENDED_MS)
  const tombstones = createTombstoneTable(database, () => {}, { add() {} })
  const buryAll = database.transaction(
    (ends: readonly Tombstone[]) => ends.filter(tombstones.tryBury).length,
  )
  const wal = manageWal(database)

  function durably<T>(work: () => T): T {
    const result = guarded(path, work)
    guarded(path, () => wal.trim())
    return result
  }

  return {
    write: (requests, goesOn) => durably(() => writer.runTogether(requests, goesOn)),
    bury: (ends) => durably(() => buryAll.immediate(ends)),
  }
}

/** Whether another program has committed since the last look: the only sign that a server is at work. */
function watchOthers(database: Database.Database): () => boolean {
  const dataVersion = database.prepare<[], number>('pragma data_version').pluck()
  let seenVersion: number | undefined

  return () => {
    const version = dataVersion.get()
    const hasChanged = seenVersion !== undefined && version !== seenVersion
    seenVersion = version
    return hasChanged
  }
}

function insertsOf(sessions: readonly Session[]): WriteRequest[] {
  return sessions.map((session) => ({ kind: 'insert', session, seenAt: 0, isImport: true }))
}

function isDamaged(reader: Reader, id: string, now: number): boolean {
  try {
    reader.find(id, now, 0)
    return false
  } catch (error) {
    if (error instanceof CoatcheckError && error.code === 'storage_damaged') return true
    throw error
  }
}

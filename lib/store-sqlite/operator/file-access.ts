/** The data file for commands, beside a server or without one. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import type { SessionLimits } from '../../session/limits.ts'
import { isFileToCome, openForCommand } from './command-database.ts'
import { openMemoryDatabase } from '../database/database.ts'
import { guarded } from '../database/storage-error.ts'
import { createSlices, type GoesOn } from '../writer/slices.ts'
import { isServed } from '../database/lock.ts'
import { refuseMountedFiles } from '../database/mounts.ts'
import { refuseOtherNames } from '../database/other-names.ts'
import { openForReading } from './reading-database.ts'
import { createReader, type Reader } from '../reader.ts'
import { refuseWalWithoutFile } from '../wal/strange-wal.ts'
import { manageWal } from '../wal/wal.ts'
import type { EndedMany, WriteAnswer, WriteRequest } from '../writer/protocol.ts'
import { createWriter } from '../writer/writer.ts'

export type FileAccess = {
  readonly reader: Reader
  /** Runs the requests as one durable transaction; throws a refusal, and nothing is written then. */
  write(requests: readonly WriteRequest[]): readonly WriteAnswer[]
  /**
   * Ends live sessions in slices until all have ended; a running server gets its turn between two, and
   * must take note. `onEnded` is told of each slice.
   */
  endMany(
    which: EndManyHere,
    clock: Pick<Clock, 'now'>,
    onEnded: (count: number) => void,
  ): Promise<void>
  /**
   * Resolves once no server shows what was ended by now: true where one runs and has taken note, or
   * none runs; false where one runs that has not, for whatever reason, within ten seconds.
   */
  serverHasTakenNote(): Promise<boolean>
  close(): void
}

/** So long a write of a running server waits for a slice, should it be the first for a while. */
const SLICE_MS = 20
/** A server that waits for its turn looks for it every few milliseconds. */
const TURN_MS = 5

type EndManyHere = Omit<WriteRequest<'end_many'>, 'kind' | 'now' | 'limit'>

const POLL_MS = 50
/** The server looks once a second. */
const PATIENCE_POLLS = 200

/** What a person at the machine writes is held to no limits of the server's. */
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

export type FileReader = Pick<FileAccess, 'reader' | 'close'>

/** The same for commands that only read: throws a `StorageError` as `openForReading` does. */
export function openFileReader(path: string): FileReader {
  const { database, close } = openForReading(path)
  return { reader: createReader(database, Infinity), close }
}

/**
 * The same, and where the file is to come, what `createMissingFile` would make of it: throws a
 * `StorageError` as that does, and makes nothing.
 */
export function openReaderOfFileToCome(path: string): FileReader {
  if (!isFileToCome(path)) return openFileReader(path)
  guarded(path, () => {
    refuseMountedFiles(path)
    refuseOtherNames(path)
    refuseWalWithoutFile(path)
  })
  const database = openMemoryDatabase()
  return { reader: createReader(database, Infinity), close: () => database.close() }
}

/** Throws a `StorageError` as `openForCommand` does. */
export function openFileAccess(path: string): FileAccess {
  const database = openForCommand(path)
  // Whatever tombstone is still there is shown.
  const reader = createReader(database, Infinity)
  const writer = createWriter(database, NO_LIMITS, Infinity)
  const log = manageWal(database)
  const slices = createSlices({ isAwaited, targetMs: SLICE_MS })
  /** Another number once another program has committed: the server, of which no more is to be seen here. */
  const dataVersion = database.prepare<[], number>('pragma data_version').pluck()
  let seenVersion: number | undefined

  function isAwaited(): boolean {
    const version = dataVersion.get()
    const hasChanged = seenVersion !== undefined && version !== seenVersion
    seenVersion = version
    return hasChanged
  }

  function write(requests: readonly WriteRequest[], goesOn?: GoesOn): readonly WriteAnswer[] {
    const answers = guarded(path, () => writer.runTogether(requests, goesOn))
    guarded(path, () => log.trim())
    return answers
  }

  return {
    reader,
    write: (requests) => write(requests),
    async endMany(which, clock, onEnded) {
      for (let more = true; more;) {
        const request = { kind: 'end_many', ...which, now: clock.now(), limit: Infinity } as const
        const requests = [request, { kind: 'change_outside' }] as const
        const slice = slices.run((goesOn) => write(requests, goesOn))[0] as EndedMany
        onEnded(slice.ids.length)
        more = slice.more
        if (more && isServed(path)) await sleep(TURN_MS)
      }
    },
    async serverHasTakenNote() {
      for (let poll = 0; poll < PATIENCE_POLLS; poll++) {
        const { made, seen } = guarded(path, () => reader.outsideChanges())
        if (seen >= made || !isServed(path)) return true
        await sleep(POLL_MS)
      }
      return false
    },
    close: () => database.close(),
  }
}

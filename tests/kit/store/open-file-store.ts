import { join } from 'node:path'
import { openSqliteStore, type SqliteStoreOptions } from '../../../lib/store-sqlite/store-sqlite.ts'
import type { Store } from '../../../lib/store/store.ts'
import { createFakeClock, type FakeClock } from '../clock/fake-clock.ts'
import { DAY, LIMITS } from './limits.ts'
import { makeFolder } from '../process/spawn-server.ts'

export type FileStore = {
  readonly store: Store
  readonly clock: FakeClock
  readonly path: string
  /** What `onFailure` was called with, a call each. */
  readonly failures: readonly Error[]
}

/** The store as the server opens it: on a file, with the writer's thread, and a clock that stands still. */
export async function openFileStore(given: Partial<SqliteStoreOptions> = {}): Promise<FileStore> {
  const clock = createFakeClock()
  const path = given.path ?? join(makeFolder(), 'sessions.db')
  const failures: Error[] = []
  const store = await openSqliteStore({
    path,
    durability: 'full',
    limits: LIMITS,
    keepEndedMs: DAY,
    keepEventsMs: DAY,
    maxEvents: 1_000_000,
    walLimitBytes: 2 ** 30,
    maxPendingWrites: 1_000,
    maxWriteWaitMs: 60_000,
    clock,
    onFailure: (cause) => failures.push(cause),
    ...given,
  })
  return { store, clock, path, failures }
}

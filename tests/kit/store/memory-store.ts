import type Database from 'better-sqlite3'
import { openMemoryDatabase } from '../../../lib/store-sqlite/database/database.ts'
import { createWriteCounts, makeCountsMemory } from '../../../lib/store-sqlite/counts.ts'
import { beginRun } from '../../../lib/store-sqlite/tables/feed-runs.ts'
import { createReader } from '../../../lib/store-sqlite/reader.ts'
import { createStore } from '../../../lib/store-sqlite/store-sqlite.ts'
import type { Store } from '../../../lib/store/store.ts'
import type { WriterPort } from '../../../lib/store-sqlite/writer/writer-port.ts'
import { createWriter, type Writer } from '../../../lib/store-sqlite/writer/writer.ts'
import type { SessionLimits } from '../../../lib/session/limits.ts'
import { createFakeClock, type FakeClock } from '../clock/fake-clock.ts'
import { HEALTHY } from './healthy.ts'
import { prepareLazily } from './lazy-statements.ts'
import { DAY, LIMITS } from './limits.ts'

export type MemoryStoreOptions = {
  readonly limits?: Partial<SessionLimits>
  readonly keepEndedMs?: number
  readonly keepEventsMs?: number
  readonly maxEvents?: number
  readonly maxPendingWrites?: number
  readonly patient?: boolean
  readonly clock?: FakeClock
}

/** The store's own logic on a database in memory, without the writer's thread. */
export function openMemoryStore(options: MemoryStoreOptions = {}): {
  store: Store
  clock: FakeClock
  database: Database.Database
} {
  const { keepEndedMs = DAY, maxPendingWrites = 1_000, patient = false } = options
  const { clock = createFakeClock() } = options
  const retention = {
    keepMs: options.keepEventsMs ?? DAY,
    maxEvents: options.maxEvents ?? 1_000_000,
  }
  const database = prepareLazily(openMemoryDatabase())
  beginRun(database, retention.maxEvents > 0)
  const counts = makeCountsMemory()
  const limits = { ...LIMITS, ...options.limits }
  const writer = createWriter(database, limits, keepEndedMs, createWriteCounts(counts), retention)
  const reader = createReader(database, keepEndedMs)
  const parts = { clock, maxPendingWrites, maxWriteWaitMs: 60_000, patient, counts }
  const store = createStore(reader, inlineWriter(writer), parts)
  return { store, clock, database }
}

function inlineWriter(writer: Writer): WriterPort {
  return {
    write: async (requests) => writer.run(requests),
    async sweep(now) {
      let [ended, removed, damaged] = [0, 0, 0]
      for (let more = true; more;) {
        const slice = writer.sweepSlice(now, 2)
        ended += slice.ended
        removed += slice.removed
        damaged += slice.damaged
        more = slice.more
      }
      return { ended, removed, damaged }
    },
    tick() {},
    health: () => HEALTHY,
    async close() {},
  }
}

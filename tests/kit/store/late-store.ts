import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SessionLimits } from '../../../lib/session/limits.ts'
import { openMemoryDatabase } from '../../../lib/store-sqlite/database/database.ts'
import { beginRun } from '../../../lib/store-sqlite/tables/feed-runs.ts'
import { createReader } from '../../../lib/store-sqlite/reader.ts'
import { createStore } from '../../../lib/store-sqlite/store-sqlite.ts'
import type { Store } from '../../../lib/store/store.ts'
import type { WriterPort } from '../../../lib/store-sqlite/writer/writer-port.ts'
import { createWriter } from '../../../lib/store-sqlite/writer/writer.ts'
import { createFakeClock } from '../clock/fake-clock.ts'
import { HEALTHY } from './healthy.ts'
import { DAY, LIMITS } from './limits.ts'

/**
 * The store over a writer whose answers can be held back, as they are on their way from a thread:
 * what was written is in the file by then, and nobody has been told.
 */
export function openLateStore(limits: Partial<SessionLimits> = {}, keepEndedMs = DAY) {
  const clock = createFakeClock()
  const database = openMemoryDatabase()
  beginRun(database, true)
  const writer = createWriter(database, { ...LIMITS, ...limits }, keepEndedMs)
  const reader = createReader(database, keepEndedMs)
  let held: Promise<void> = Promise.resolve()
  let answer = () => {}

  const port: WriterPort = {
    async write(requests) {
      const outcomes = writer.run(requests)
      await nextTurn()
      await held
      return outcomes
    },
    async sweep(now) {
      const { ended, removed, damaged } = writer.sweepSlice(now, 1_000)
      return { ended, removed, damaged }
    },
    tick() {},
    health: () => HEALTHY,
    async close() {},
  }
  let reads = 0
  const counting = {
    ...reader,
    find(...query: Parameters<typeof reader.find>) {
      reads++
      return reader.find(...query)
    },
  }
  const parts = { clock, maxPendingWrites: 1_000, maxWriteWaitMs: 60_000, patient: false }
  const store: Store = createStore(counting, port, parts)
  return {
    store,
    clock,
    /** Whether the store answers for it without a look into the file. */
    isHot(id: string): boolean {
      const before = reads
      void store.find(id, clock.now())
      return reads === before
    },
    fileShows: (id: string, now: number) => reader.find(id, now, 0),
    holdAnswers() {
      const holding = Promise.withResolvers<void>()
      held = holding.promise
      answer = holding.resolve
    },
    answer: () => answer(),
  }
}

/** Why the session has ended, or the state that it is in. */
export async function reasonOf(store: Store, id: string, now: number): Promise<string> {
  const found = await store.find(id, now)
  return found.state === 'ended' ? found.tombstone.reason : found.state
}

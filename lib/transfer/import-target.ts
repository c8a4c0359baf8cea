/** Where imported sessions go: a store, or nowhere in a dry run, which counts the same. */
import type { Clock } from '../base/clock.ts'
import type { OperatorReader, OperatorStore } from '../store/operator-store.ts'

export type ImportTarget = Pick<OperatorStore, 'insertSome' | 'close'>

/** Inserts nothing, and returns what `insertSome` would. */
export function createDryTarget(reader: OperatorReader, clock: Pick<Clock, 'now'>): ImportTarget {
  return {
    async insertSome(sessions) {
      const now = clock.now()
      const found = await Promise.all(sessions.map(({ id }) => reader.find(id, now)))
      const inserted = found.filter(({ state }) => state === 'absent').length
      return { taken: sessions.length, inserted }
    },
    close: () => reader.close(),
  }
}

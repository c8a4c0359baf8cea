import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Store, StoreHealth } from '../store/store.ts'

export type StorageWatchOptions = {
  readonly store: Pick<Store, 'health'>
  readonly clock: Clock
  readonly log: Log
}

const INTERVAL_MS = 1_000
/** What lasts is said again. */
const REMINDER_MS = 60_000

const WARNINGS: Partial<Record<StoreHealth['state'], string>> = {
  writes_late: 'writes are late',
  damaged: 'writes are refused as damaged',
}

/** Says in the log when storage begins to run short, now and then while it does, and when it is over. */
export function startStorageWatch({ store, clock, log }: StorageWatchOptions): () => void {
  let last: StoreHealth['state'] = 'ok'
  let saidAt = -Infinity

  function look(): void {
    const { state, logBytes } = store.health()
    const now = clock.now()
    if (state === 'failed' || (state === last && (state === 'ok' || now - saidAt < REMINDER_MS))) {
      return
    }
    last = state
    saidAt = now
    if (state === 'ok') log.info('storage recovered', { logBytes })
    else log.warn(WARNINGS[state] ?? 'storage runs short', { state, logBytes })
  }

  return clock.every(INTERVAL_MS, look)
}

import type { Clock } from '../base/clock.ts'
import type { Log, LogFacts } from '../base/log.ts'
import type { Store } from '../store/store.ts'

export type StorageWatchOptions = {
  readonly store: Pick<Store, 'health'>
  readonly clock: Clock
  readonly log: Log
}

const INTERVAL_MS = 1_000
/** A state that lasts is logged again. */
const REMINDER_MS = 60_000

/**
 * Logs when the health of the storage changes, every minute while it is not `ok`, and when it is again:
 * `storage_degraded`, `storage_unreachable`, `storage_recovered`. Whoever opened the store logs its end.
 */
export function startStorageWatch({ store, clock, log }: StorageWatchOptions): () => void {
  let last = 'ok'
  let loggedAt = -Infinity

  function look(): void {
    const { state, writes, reasons, figures } = store.health()
    if (state === 'failed') return
    const now = clock.now()
    const current = [state, ...reasons].join(' ')
    if (current === last && (state === 'ok' || now - loggedAt < REMINDER_MS)) return
    last = current
    loggedAt = now
    if (state === 'ok') log.info('storage_recovered', figures)
    else tellOf(state, { reasons: reasons.join(' '), writes, ...figures })
  }

  function tellOf(state: 'degraded' | 'unreachable', facts: LogFacts): void {
    if (state === 'degraded') log.warn('storage_degraded', facts)
    else log.warn('storage_unreachable', facts)
  }

  return clock.every(INTERVAL_MS, look)
}

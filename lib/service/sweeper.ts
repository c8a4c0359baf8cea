import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Store } from '../store/store.ts'

export type SweeperOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly intervalMs: number
}

/**
 * Sweeps at once and then every `intervalMs`, until the returned function is called. Sweeps never
 * overlap; a failed one is logged, and the next one runs.
 */
export function startSweeper({ store, clock, log, intervalMs }: SweeperOptions): () => void {
  let sweeping = false
  let stopped = false

  async function sweep(): Promise<void> {
    if (sweeping) return
    sweeping = true
    try {
      // control: sweep
      const { ended, removed, damaged } = await store.sweep(clock.now())
      if (ended + removed > 0) log.info('swept', { ended, removed })
      if (damaged > 0) log.warn('damaged_sessions_found', { damaged })
    } catch (error) {
      // A store that closes aborts a sweep in progress.
      if (stopped) return
      log.error('sweep_failed', { message: error instanceof Error ? error.message : String(error) })
    } finally {
      sweeping = false
    }
  }

  void sweep()
  const stopTicking = clock.every(intervalMs, () => void sweep())
  return () => {
    stopped = true
    stopTicking()
  }
}

import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Store, Swept } from '../store/store.ts'

export type SweeperOptions = {
  readonly store: Pick<Store, 'sweep'>
  readonly clock: Clock
  readonly log: Log
  readonly intervalMs: number
  /** Told of each sweep that is through. */
  readonly onSwept?: (endedAt: number, seconds: number) => void
}

/** Sweeps never overlap. */
export type Sweeper = {
  /** Sweeps as of now, after the sweep that is under way. Rejects as the store does. */
  sweepNow(): Promise<Swept>
  /** The last ones that were through, the newest first. */
  history(): readonly PastSweep[]
  /**
   * Sweeps at once and then at each interval, unless one is under way, until the returned function is
   * called. A failed one is logged, and the next one runs.
   */
  start(): () => void
}

export type PastSweep = Swept & { readonly endedAt: number; readonly seconds: number }

const KEPT_SWEEPS = 20

export function createSweeper(options: SweeperOptions): Sweeper {
  const { store, clock, log, intervalMs, onSwept } = options
  let past: readonly PastSweep[] = []
  let underWay: Promise<Swept> | undefined

  async function sweep(): Promise<Swept> {
    const startedAt = performance.now()
    // control: sweep
    const swept = await store.sweep(clock.now())
    const { ended, removed, damaged } = swept
    const seconds = (performance.now() - startedAt) / 1_000
    past = [{ ...swept, endedAt: clock.now(), seconds }, ...past].slice(0, KEPT_SWEEPS)
    onSwept?.(clock.now(), seconds)
    if (ended + removed > 0) log.info('swept', { ended, removed })
    if (damaged > 0) log.warn('damaged_sessions_found', { damaged })
    return swept
  }

  function sweepNow(): Promise<Swept> {
    const sweeping = underWay === undefined ? sweep() : underWay.then(sweep, sweep)
    underWay = sweeping
    const done = (): void => {
      if (underWay === sweeping) underWay = undefined
    }
    sweeping.then(done, done)
    return sweeping
  }

  return {
    sweepNow,
    history: () => past,
    start() {
      let stopped = false

      async function sweepUnlessUnderWay(): Promise<void> {
        if (underWay !== undefined) return
        try {
          await sweepNow()
        } catch (error) {
          // A store that closes aborts a sweep in progress.
          if (stopped) return
          const message = error instanceof Error ? error.message : String(error)
          log.error('sweep_failed', { message })
        }
      }

      void sweepUnlessUnderWay()
      const stopTicking = clock.every(intervalMs, () => void sweepUnlessUnderWay())
      return () => {
        stopped = true
        stopTicking()
      }
    },
  }
}

/** What the sweeper counts. */
import { observe, readHistogram, sizeOfHistogram } from '../base/histogram.ts'
import { type Family, gauge, histogram } from './exposition.ts'

const SECONDS_BOUNDS = [0.001, 0.01, 0.1, 1, 10, 60, 600]

export type SweepCounts = {
  /** A sweep is through. `endedAt`: in milliseconds since the Unix epoch. */
  swept(endedAt: number, seconds: number): void
  families(): readonly Family[]
}

/** `intervalMs`: the time between two sweeps. */
export function createSweepCounts(intervalMs: number): SweepCounts {
  const durations = new Float64Array(sizeOfHistogram(SECONDS_BOUNDS))
  let lastSuccess = 0

  return {
    swept(endedAt, seconds) {
      lastSuccess = endedAt / 1_000
      observe(durations, 0, SECONDS_BOUNDS, seconds)
    },
    families: () => [
      histogram(
        'coatcheck_sweep_duration_seconds',
        'The time of a sweep, which goes on in pieces between writes.',
        readHistogram(durations, 0, SECONDS_BOUNDS),
      ),
      gauge(
        'coatcheck_sweep_interval_seconds',
        'The time between two sweeps (--sweep-interval).',
        intervalMs / 1_000,
      ),
      gauge(
        'coatcheck_sweep_last_success_timestamp_seconds',
        'When the last sweep was through, since the Unix epoch; 0 for none yet.',
        lastSuccess,
      ),
    ],
  }
}

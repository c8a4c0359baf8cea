/** What a relay counts, and how that is shown. */
import type { Clock } from '../base/clock.ts'
import { observe, readHistogram, sizeOfHistogram } from '../base/histogram.ts'
import { counter, type Family, gauge, histogram } from '../metrics/exposition.ts'
import { FAILURE_KINDS, type FailureKind } from './webhook/verdict.ts'

const SECONDS_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15]

export type RelayCounts = {
  /** An event is under way since it came from the feed; `at`: when it happened, in ms. */
  began(at: number): void
  attempted(seconds: number): void
  delivered(): void
  failed(kind: FailureKind): void
  retried(): void
  died(): void
  forgotten(): void
  /** The feed is connected, or no more. */
  connected(isConnected: boolean): void
  /** All up to this cursor is done. */
  reached(cursor: string | undefined): void
  families(): readonly Family[]
}

export function createRelayCounts(clock: Clock): RelayCounts {
  const failures = new Map<FailureKind, number>(FAILURE_KINDS.map((kind) => [kind, 0]))
  const durations = new Float64Array(sizeOfHistogram(SECONDS_BOUNDS))
  const counts = { delivered: 0, retries: 0, dead: 0, forgotten: 0, connections: 0 }
  let isConnected = false
  let underWaySince: number | undefined
  let failedInRow = 0
  let place = 0

  return {
    began: (at) => void (underWaySince = at),
    attempted: (seconds) => observe(durations, 0, SECONDS_BOUNDS, seconds),
    delivered() {
      counts.delivered++
      failedInRow = 0
    },
    failed(kind) {
      failures.set(kind, (failures.get(kind) ?? 0) + 1)
      failedInRow++
    },
    retried: () => void counts.retries++,
    died() {
      counts.dead++
      failedInRow = 0
    },
    forgotten: () => void counts.forgotten++,
    connected(is) {
      isConnected = is
      if (is) counts.connections++
    },
    reached(cursor) {
      underWaySince = undefined
      place = Number(/^\d{1,15}/.exec(cursor ?? '')?.[0] ?? 0)
    },

    families: () => [
      counter(
        'coatcheck_relay_delivered',
        'Events that the receiver has taken (2xx).',
        counts.delivered,
      ),
      counter(
        'coatcheck_relay_failed_attempts',
        'Attempts that failed, by the reason.',
        failures
          .entries()
          .map(([reason, value]) => ({ labels: { reason }, value }))
          .toArray(),
      ),
      counter('coatcheck_relay_retries', 'Attempts to deliver an event again.', counts.retries),
      counter(
        'coatcheck_relay_dead_letters',
        'Events that were given up, and are in the file of dead letters.',
        counts.dead,
      ),
      counter(
        'coatcheck_relay_forgotten',
        'Times that the feed had forgotten events which were not sent yet.',
        counts.forgotten,
      ),
      gauge(
        'coatcheck_relay_lag_seconds',
        'The age of the event under way; 0 if all that came is delivered.',
        underWaySince === undefined ? 0 : Math.max(0, clock.now() - underWaySince) / 1_000,
      ),
      gauge(
        'coatcheck_relay_failing_attempts',
        'How often the event under way has failed; 0 if it has not.',
        failedInRow,
      ),
      gauge(
        'coatcheck_relay_cursor',
        'The number at the start of the cursor: all events up to it are done.',
        place,
      ),
      gauge('coatcheck_relay_connected', 'Whether the feed is connected.', isConnected ? 1 : 0),
      counter('coatcheck_relay_connections', 'Connections to the feed.', counts.connections),
      histogram(
        'coatcheck_relay_attempt_duration_seconds',
        'The time of an attempt, up to the end of the answer.',
        readHistogram(durations, 0, SECONDS_BOUNDS),
      ),
    ],
  }
}

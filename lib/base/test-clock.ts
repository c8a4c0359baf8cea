import type { Clock } from './clock.ts'

/** A clock that a test of an application can move on, and never back. */
export type TestClock = Clock & { advance(ms: number): void }

/**
 * The time of `clock`, ahead of it by all that it was advanced. Its timers are those of `clock`: they run no
 * sooner. It never stands still, or time-outs would hang.
 */
export function createTestClock(clock: Clock): TestClock {
  let aheadMs = 0
  return {
    now: () => clock.now() + aheadMs,
    every: (intervalMs, run) => clock.every(intervalMs, run),
    advance(ms) {
      aheadMs += ms
    },
  }
}

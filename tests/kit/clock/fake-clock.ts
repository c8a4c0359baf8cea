import type { Clock } from '../../../lib/base/clock.ts'

export type FakeClock = Clock & {
  /** Moves time on, running what is due on the way, in its order. */
  advance(ms: number): void
  /** Sets the clock without running anything, as an operator may. */
  set(now: number): void
}

type Timer = { due: number; readonly intervalMs: number; readonly run: () => void }

/** A clock that stands still, at 2026-01-01 unless told otherwise, until a test moves it. */
export function createFakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start
  const timers = new Set<Timer>()

  return {
    now: () => now,
    every(intervalMs, run) {
      const timer = { due: now + intervalMs, intervalMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      const end = now + ms
      for (;;) {
        const [next] = [...timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)
        if (next === undefined) break
        now = Math.max(now, next.due)
        next.due += next.intervalMs
        next.run()
      }
      now = end
    },
    set(to) {
      now = to
    },
  }
}

import type { Clock } from '../base/clock.ts'

/** Resolves when the time is over, or at once when the signal is given. */
export function wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || ms <= 0) return resolve()
    const done = () => {
      stop()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const stop = runAfter(clock, ms, done)
    signal.addEventListener('abort', done)
  })
}

/** A timer of Node with more than 24.8 days fires at once; nothing here waits that long. */
const LONGEST_MS = 2 ** 31 - 1

/** Calls `run` once when the time is over, unless the returned function is called before. */
export function runAfter(clock: Clock, ms: number, run: () => void): () => void {
  const stop = clock.every(Math.min(ms, LONGEST_MS), () => {
    stop()
    run()
  })
  return stop
}

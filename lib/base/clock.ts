/** The source of time, so that a test can move it by hand. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls `run` every `intervalMs` milliseconds until the returned function is called. */
  every(intervalMs: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: Date.now,
  every(intervalMs, run) {
    // A timer alone must not keep the process alive.
    const timer = setInterval(run, intervalMs).unref()
    return () => clearInterval(timer)
  },
}

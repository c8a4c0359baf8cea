/** Time as the rest of Coatcheck sees it, so that a test can move it by hand. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls `run` every `intervalMs` milliseconds; the function it returns ends that. */
  every(intervalMs: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: Date.now,
  every(intervalMs, run) {
    // A timer alone must not keep a process alive that has nothing else to do.
    const timer = setInterval(run, intervalMs).unref()
    return () => clearInterval(timer)
  },
}

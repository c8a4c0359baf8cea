import type { Clock } from '../../base/clock.ts'
import { createRecent } from '../../base/recent.ts'

export type RateLimit = {
  /** Takes one of what a client may do now: 0, or for how many milliseconds there is none left. */
  take(client: string): number
}

export type RateLimitOptions = {
  readonly clock: Clock
  /** The number that a client may do at once. */
  readonly burst: number
  /** The time in which it may do as many again. */
  readonly perMs: number
}

/** The rest that a client had, and the time of it. */
type Bucket = { readonly left: number; readonly at: number }

/** Of more clients than this the oldest are forgotten, and may do all again. */
const CLIENT_LIMIT = 100_000

/** A token bucket for each client. */
export function createRateLimit({ clock, burst, perMs }: RateLimitOptions): RateLimit {
  const buckets = createRecent<string, Bucket>(CLIENT_LIMIT)

  return {
    take(client) {
      const now = clock.now()
      const { left, at } = buckets.get(client) ?? { left: burst, at: now }
      // A clock that is set back adds nothing.
      // control: create-rate-clock
      const gained = (Math.max(0, now - at) / perMs) * burst
      const full = Math.min(burst, left + gained)
      // control: create-rate
      if (full < 1) return ((1 - full) / burst) * perMs
      buckets.set(client, { left: full - 1, at: now })
      return 0
    },
  }
}

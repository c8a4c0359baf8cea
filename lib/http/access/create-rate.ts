import type { Clock } from '../../base/clock.ts'
import { HttpError } from '../answer/problem.ts'
import { createRecent } from '../../base/recent.ts'

/** Throws `create_rate_exceeded` for a client that begins sessions faster than it may. */
export type CreateRate = (client: string) => void

/** Sessions that a client may begin at once, and when that was so. */
type Bucket = { readonly left: number; readonly at: number }

/** Who is forgotten, of more clients than this, begins with all that it may. */
const CLIENT_LIMIT = 100_000
const MINUTE_MS = 60_000

/** A token bucket for each client: `perMinute` sessions at once, and as many again in each minute. */
export function createCreateRate(clock: Clock, perMinute: number): CreateRate {
  const buckets = createRecent<string, Bucket>(CLIENT_LIMIT)

  return (client) => {
    const now = clock.now()
    const { left, at } = buckets.get(client) ?? { left: perMinute, at: now }
    // A clock that is set back gives nothing.
    const gained = (Math.max(0, now - at) / MINUTE_MS) * perMinute
    const full = Math.min(perMinute, left + gained)
    if (full < 1) {
      const seconds = Math.ceil(((1 - full) / perMinute) * 60)
      throw new HttpError(
        'create_rate_exceeded',
        `Cannot begin another session for this address now: it may begin ${perMinute} a minute ` +
          '(--create-rate); sessions that are there go on',
        { retryAfter: seconds },
      )
    }
    buckets.set(client, { left: full - 1, at: now })
  }
}

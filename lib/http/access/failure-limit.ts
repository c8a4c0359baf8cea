import type { Clock } from '../../base/clock.ts'

/** So many failures of one client in one window are answered for what they are. */
const FAILURE_LIMIT = 10
const WINDOW_MS = 10_000
/** More clients than this in one window are counted as one. */
const CLIENT_LIMIT = 10_000

export type FailureLimit = {
  /** Counts a failure of a client; answers whether there have been too many of late. */
  add(client: string): boolean
}

export function createFailureLimit(clock: Clock): FailureLimit {
  let failures = new Map<string, number>()
  let began = -Infinity

  return {
    add(client) {
      const age = clock.now() - began
      if (age < 0 || age >= WINDOW_MS) {
        failures = new Map()
        began = clock.now()
      }
      const counted = failures.has(client) || failures.size < CLIENT_LIMIT ? client : ''
      const count = (failures.get(counted) ?? 0) + 1
      failures.set(counted, count)
      return count > FAILURE_LIMIT
    },
  }
}

/**
 * How many sessions an import writes in one transaction beside a running server, whose writes wait for its
 * end: as many as take some milliseconds, going by the transactions before.
 */
import type { Session } from '../../session/session.ts'

export type InsertSlices = {
  /** The first sessions, as many as one transaction takes; at least one where there is one. */
  takeFrom(sessions: readonly Session[]): readonly Session[]
  /** Runs a transaction of so many sessions. */
  measure<T>(count: number, transaction: () => T): { readonly result: T; readonly tookMs: number }
}

const TARGET_MS = 5
/** A commit takes its time, however little is in it; and a machine may be busy. */
const LEAST_SESSIONS = 20
const MOST_SESSIONS = 200
/** However small the sessions before were, the next may be large. */
const MOST_CHARACTERS = 256 * 1024

export function createInsertSlices(
  elapsedMs: () => number = () => performance.now(),
): InsertSlices {
  let most = LEAST_SESSIONS

  return {
    takeFrom(sessions) {
      let characters = 0
      let count = 0
      for (const { data, claims } of sessions) {
        if (count === most || characters >= MOST_CHARACTERS) break
        characters += data.length + claims.length
        count++
      }
      return sessions.slice(0, count)
    },
    measure(count, transaction) {
      const began = elapsedMs()
      const result = transaction()
      const tookMs = elapsedMs() - began
      const fitting = Math.floor((count * TARGET_MS) / Math.max(tookMs, 0.1))
      // Twice as many at most: one that was quick may have been lucky.
      most = Math.max(LEAST_SESSIONS, Math.min(fitting, 2 * most, MOST_SESSIONS))
      return { result, tookMs }
    },
  }
}

/**
 * How much a command writes in one transaction beside a running server, whose writes wait for its end:
 * as many sessions as take some milliseconds, as the ones before have shown.
 */
import type { Session } from '../session/session.ts'

export type Slice = {
  /** Whether these are as many as one transaction takes. */
  isFull(sessions: readonly Session[]): boolean
  /** Runs a transaction of so many sessions; returns how many milliseconds it has taken. */
  measure(count: number, transaction: () => void): number
}

const TARGET_MS = 5
/** The end of a transaction takes its time however few are in it; and a machine may be busy. */
const LEAST_SESSIONS = 20
const MOST_SESSIONS = 200
/** In characters: whatever the sessions before were like, the next may be larger. */
const MOST_CHARACTERS = 256 * 1024

export function createSlice(elapsedMs: () => number = () => performance.now()): Slice {
  let most = LEAST_SESSIONS

  return {
    isFull(sessions) {
      if (sessions.length >= most) return true
      let characters = 0
      for (const { data, claims } of sessions) characters += data.length + claims.length
      return characters >= MOST_CHARACTERS
    },
    measure(count, transaction) {
      const began = elapsedMs()
      transaction()
      const tookMs = elapsedMs() - began
      // Twice as many at most: one that was quick may have been lucky.
      const fitting = Math.floor((count * TARGET_MS) / Math.max(tookMs, 0.1))
      most = Math.max(LEAST_SESSIONS, Math.min(fitting, 2 * most, MOST_SESSIONS))
      return tookMs
    },
  }
}

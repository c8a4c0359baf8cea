/**
 * The end of a session is remembered for a time of its own, or else for `keepEndedMs`; then its id is
 * free. Infinity, for operators: all that is still there.
 */
import { expireSession, type Found, isLive, type Session, type Tombstone } from './session.ts'

/** The maximum of the setting. */
export const LONGEST_KEEP_ENDED_MS = 3_650 * 86_400_000

/**
 * Ends up to this moment, itself included, are forgotten; of those with a time of their own, the ends
 * that lie that time before `now`. `isRemembered` is the exact opposite, so a cleanup by both removes what
 * nobody is shown any more, and nothing else.
 */
export function forgottenBy(now: number, keepEndedMs: number): number {
  return now - keepEndedMs
}

export function isRemembered(tombstone: Tombstone, now: number, keepEndedMs: number): boolean {
  const isOwn = tombstone.keepEndedMs !== undefined && keepEndedMs !== Infinity
  // control: own-keep-ended
  const keptMs = isOwn ? tombstone.keepEndedMs : keepEndedMs
  return tombstone.endedAt > forgottenBy(now, keptMs)
}

/** The state of a stored session at `now`: an expired one has ended, swept or not. */
export function findStored(session: Session, now: number, keepEndedMs: number): Found {
  return isLive(session, now)
    ? { state: 'live', session }
    : findEnded(expireSession(session), now, keepEndedMs)
}

/** The state of a stored tombstone at `now`. */
export function findEnded(tombstone: Tombstone, now: number, keepEndedMs: number): Found {
  return isRemembered(tombstone, now, keepEndedMs) ? { state: 'ended', tombstone } : ABSENT
}

export const ABSENT: Found = { state: 'absent' }

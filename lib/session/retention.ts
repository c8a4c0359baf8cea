/** The end of a session is remembered for `keepEndedMs`; then its id is free. */
import { expireSession, type Found, isLive, type Session, type Tombstone } from './session.ts'

/**
 * Ends up to this moment, itself included, are forgotten. `isRemembered` is the exact opposite, so a
 * cleanup by this moment removes what nobody is shown any more, and nothing else.
 */
export function forgottenBy(now: number, keepEndedMs: number): number {
  return now - keepEndedMs
}

export function isRemembered(tombstone: Tombstone, now: number, keepEndedMs: number): boolean {
  return tombstone.endedAt > forgottenBy(now, keepEndedMs)
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

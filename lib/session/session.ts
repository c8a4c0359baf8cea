import type { JsonText } from '../json/json.ts'

/** The record on the server. Times are milliseconds since the Unix epoch. */
export type Session = {
  /** 21 characters, or chosen by a back end; public, may appear in logs and URLs. */
  readonly id: string
  /** SHA-256 of the token's secret in base64url; null if no token opens the session. */
  readonly secretHash: string | null
  /** A JSON object that the holder and back ends may read and write; its keys are unique. */
  readonly data: JsonText
  /** A JSON object that only a back end may write; the holder may read it. */
  readonly claims: JsonText
  /** As in Flask: longer time limits, and a cookie that outlives the browser. */
  readonly permanent: boolean
  readonly createdAt: number
  readonly lastSeenAt: number
  readonly idleTimeoutMs: number
  readonly lifetimeMs: number
  /**
   * Whether a back end set this limit for this session. Such a limit stays; the others come from the
   * settings and change with `permanent`.
   */
  readonly ownIdleTimeout: boolean
  readonly ownLifetime: boolean
  /** For how long its end is remembered, where a back end has set that; absent: as the setting says. */
  readonly keepEndedMs?: number
  /** 1 for a new session, one higher with every change. */
  readonly version: number
  /** The address and user agent that created it, as JSON; for back ends only, null if not kept. */
  readonly device: JsonText | null
}

/** Why a session ended. */
export const END_REASONS = [
  'idle_timeout',
  'lifetime',
  'logout',
  'renewed',
  'revoked',
  'evicted',
] as const

export type EndReason = (typeof END_REASONS)[number]

/** The id of a session, and the hash of its secret if a token opens it. */
export type SessionKey = Pick<Session, 'id' | 'secretHash'>

/** The record of an ended session, kept for a while: its key, why and when it ended. */
export type Tombstone = {
  readonly id: string
  readonly secretHash: string | null
  readonly reason: EndReason
  readonly endedAt: number
  /** For how long it is kept, where the session said so; absent: as the setting says. */
  readonly keepEndedMs?: number
}

/** The state of a session at some moment. */
export type Found =
  | { readonly state: 'live'; readonly session: Session }
  | { readonly state: 'ended'; readonly tombstone: Tombstone }
  | { readonly state: 'absent' }

/** The limit on inactivity and the limit counted from creation; both apply. */
export type TimeLimits = { readonly idleTimeoutMs: number; readonly lifetimeMs: number }

/** The end of the lifetime of a session that has none: the last moment of the year 9999. */
export const END_OF_TIME_MS = 253_402_300_799_999

/** Whether nothing of the session has changed but its data; its id, version and activity do not count. */
export function differsInDataAlone(before: Session, after: Session): boolean {
  return (
    after.claims === before.claims &&
    after.permanent === before.permanent &&
    after.idleTimeoutMs === before.idleTimeoutMs &&
    after.lifetimeMs === before.lifetimeMs &&
    after.ownIdleTimeout === before.ownIdleTimeout &&
    after.ownLifetime === before.ownLifetime &&
    after.keepEndedMs === before.keepEndedMs
  )
}

/** The first moment at which the session is expired. */
export function expiresAt(session: Session): number {
  // control: lifetime
  return Math.min(session.lastSeenAt + session.idleTimeoutMs, lifetimeEndsAt(session))
}

export function lifetimeEndsAt(session: Session): number {
  return session.createdAt + session.lifetimeMs
}

export function isLive(session: Session, now: number): boolean {
  // control: expiry
  return now < expiresAt(session)
}

/** The session after activity at `seenAt`. A clock that was set back shortens nothing. */
export function touchSession(session: Session, seenAt: number): Session {
  // control: last-seen-never-back
  return seenAt > session.lastSeenAt ? { ...session, lastSeenAt: seenAt } : session
}

/**
 * A renewed token is remembered as the setting says, whatever the session says of its end: a late write
 * with it must not begin another session beside the one that goes on.
 */
export function endSession(
  session: SessionKey & Pick<Session, 'keepEndedMs'>,
  reason: EndReason,
  endedAt: number,
): Tombstone {
  const { id, secretHash, keepEndedMs } = session
  const tombstone = { id, secretHash, reason, endedAt }
  // control: renewed-remembered
  return keepEndedMs === undefined || reason === 'renewed'
    ? tombstone
    : { ...tombstone, keepEndedMs }
}

/**
 * The tombstone of an expired session. It ended at its deadline, not when it was noticed, so the
 * tombstone is the same before and after the sweep.
 */
export function expireSession(session: Session): Tombstone {
  const diedAt = expiresAt(session)
  const reason = diedAt === lifetimeEndsAt(session) ? 'lifetime' : 'idle_timeout'
  return endSession(session, reason, diedAt)
}

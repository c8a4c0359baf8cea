import type { JsonText } from '../json/json.ts'

/** The record on the server. Times are milliseconds since the Unix epoch. */
export type Session = {
  /** 21 characters, or what a back end chose; a public handle, fine in logs and URLs. */
  readonly id: string
  /** SHA-256 of the token's secret in base64url; null where no token opens the session. */
  readonly secretHash: string | null
  /** A JSON object that the holder and back ends may read and write; no key comes twice in it. */
  readonly data: JsonText
  /** A JSON object that only a back end may write; the holder may read it. */
  readonly claims: JsonText
  /** Flask's flag: the longer pair of limits, and a cookie that outlives the browser. */
  readonly permanent: boolean
  readonly createdAt: number
  readonly lastSeenAt: number
  readonly idleTimeoutMs: number
  readonly lifetimeMs: number
  /**
   * Whether this limit was given for this session, whatever it is: what was given stays. The others
   * came with the flag `permanent` from the settings, and go with it.
   */
  readonly ownIdleTimeout: boolean
  readonly ownLifetime: boolean
  /** 1 for a new session, one more with every change; what an `ETag` carries. */
  readonly version: number
  /** Who created it: an address and a user agent, as JSON; for back ends only, null where it is not kept. */
  readonly device: JsonText | null
}

export type EndReason = 'idle_timeout' | 'lifetime' | 'logout' | 'renewed' | 'revoked' | 'evicted'

/** What opens a session: its id, and the hash of its secret where a token opens it. */
export type SessionKey = Pick<Session, 'id' | 'secretHash'>

/** What is left of an ended session for a while: who could have opened it, why and when it ended. */
export type Tombstone = {
  readonly id: string
  readonly secretHash: string | null
  readonly reason: EndReason
  readonly endedAt: number
}

/** What there is of a session at some moment. */
export type Found =
  | { readonly state: 'live'; readonly session: Session }
  | { readonly state: 'ended'; readonly tombstone: Tombstone }
  | { readonly state: 'absent' }

/** The limit on inactivity and the limit counted from creation; both always hold. */
export type TimeLimits = { readonly idleTimeoutMs: number; readonly lifetimeMs: number }

/** The first moment at which the session is dead. */
export function expiresAt(session: Session): number {
  return Math.min(session.lastSeenAt + session.idleTimeoutMs, lifetimeEndsAt(session))
}

export function lifetimeEndsAt(session: Session): number {
  return session.createdAt + session.lifetimeMs
}

export function isLive(session: Session, now: number): boolean {
  return now < expiresAt(session)
}

/** The session with activity at `seenAt`. A clock that was set back takes nothing away. */
export function touchSession(session: Session, seenAt: number): Session {
  return seenAt > session.lastSeenAt ? { ...session, lastSeenAt: seenAt } : session
}

export function endSession(session: SessionKey, reason: EndReason, endedAt: number): Tombstone {
  return { id: session.id, secretHash: session.secretHash, reason, endedAt }
}

/**
 * The tombstone of a session that died of its age. It died when its time was up, not when somebody
 * noticed, so it reads the same before the sweep and after it.
 */
export function expireSession(session: Session): Tombstone {
  const diedAt = expiresAt(session)
  const reason = diedAt === lifetimeEndsAt(session) ? 'lifetime' : 'idle_timeout'
  return endSession(session, reason, diedAt)
}

/**
 * The order of a session's fields, stated once: in SQL, in a row as SQLite returns it, and in a message
 * between threads. The same for a tombstone.
 */
import type { EndReason, Session, Tombstone } from '../../session/session.ts'

/** A session as a tuple; flags are 0 or 1. */
export type SessionFields = [
  id: string,
  secretHash: string | null,
  data: string,
  claims: string,
  permanent: number,
  createdAt: number,
  lastSeenAt: number,
  idleTimeoutMs: number,
  lifetimeMs: number,
  version: number,
  device: string | null,
  ownIdleTimeout: number,
  ownLifetime: number,
]

/** The columns of `SessionFields`. */
export const SESSION_FIELDS =
  'id, secret_hash, data, claims, permanent, created_at, last_seen_at, idle_timeout_ms, lifetime_ms, version, device, own_idle_timeout, own_lifetime'

/** A row as SQLite returns it: the fields, and what the table adds. */
export type SessionRow = [...SessionFields, number: number, checksum: number]

/** The columns of `SessionRow`. */
export const SESSION_COLUMNS = `${SESSION_FIELDS}, number, checksum`

/** Where a `SessionRow` has its number and its checksum. */
export const ROW_NUMBER = 13
export const ROW_CHECKSUM = 14

export function fieldsOf(session: Session): SessionFields {
  return [
    session.id,
    session.secretHash,
    session.data,
    session.claims,
    session.permanent ? 1 : 0,
    session.createdAt,
    session.lastSeenAt,
    session.idleTimeoutMs,
    session.lifetimeMs,
    session.version,
    session.device,
    session.ownIdleTimeout ? 1 : 0,
    session.ownLifetime ? 1 : 0,
  ]
}

export function parseSession(fields: SessionFields | SessionRow): Session {
  return {
    id: fields[0],
    secretHash: fields[1],
    data: fields[2],
    claims: fields[3],
    permanent: fields[4] === 1,
    createdAt: fields[5],
    lastSeenAt: fields[6],
    idleTimeoutMs: fields[7],
    lifetimeMs: fields[8],
    ownIdleTimeout: fields[11] !== 0,
    ownLifetime: fields[12] !== 0,
    version: fields[9],
    device: fields[10],
  }
}

/** A row in the order of `TOMBSTONE_COLUMNS`. */
export type TombstoneRow = [
  id: string,
  secretHash: string | null,
  reason: EndReason,
  endedAt: number,
  checksum: number,
]

export const TOMBSTONE_COLUMNS = 'id, secret_hash, reason, ended_at, checksum'

/** Where a `TombstoneRow` has its checksum. */
export const TOMBSTONE_CHECKSUM = 4

export function parseTombstone([id, secretHash, reason, endedAt]: TombstoneRow): Tombstone {
  return { id, secretHash, reason, endedAt }
}

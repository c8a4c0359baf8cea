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
  keepEndedMs: number | null,
]

/** The columns of `SessionFields`. */
export const SESSION_FIELDS =
  'id, secret_hash, data, claims, permanent, created_at, last_seen_at, idle_timeout_ms, lifetime_ms, version, device, own_idle_timeout, own_lifetime, keep_ended_ms'

/** A row as SQLite returns it: the fields, and what the table adds. */
export type SessionRow = [...SessionFields, number: number, checksum: number]

/** The columns of `SessionRow`. */
export const SESSION_COLUMNS = `${SESSION_FIELDS}, number, checksum`

/** Where a `SessionRow` has its number and its checksum. */
export const ROW_NUMBER = 14
export const ROW_CHECKSUM = 15

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
    session.keepEndedMs ?? null,
  ]
}

export function parseSession(fields: SessionFields | SessionRow): Session {
  const session = {
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
  // Undefined where a migration passes the columns that it knows of.
  const keepEndedMs: number | null | undefined = fields[13]
  return typeof keepEndedMs === 'number' ? { ...session, keepEndedMs } : session
}

/** A row in the order of `TOMBSTONE_COLUMNS`. */
export type TombstoneRow = [
  id: string,
  secretHash: string | null,
  reason: EndReason,
  endedAt: number,
  keepEndedMs: number | null,
  checksum: number,
]

export const TOMBSTONE_COLUMNS = 'id, secret_hash, reason, ended_at, keep_ended_ms, checksum'

/** Where a `TombstoneRow` has its checksum. */
export const TOMBSTONE_CHECKSUM = 5

export function parseTombstone(row: TombstoneRow): Tombstone {
  const [id, secretHash, reason, endedAt] = row
  const keepEndedMs: number | null | undefined = row[4]
  const tombstone = { id, secretHash, reason, endedAt }
  return typeof keepEndedMs === 'number' ? { ...tombstone, keepEndedMs } : tombstone
}

/** What the column `kind` of an event's row means. */
export const EVENT_KINDS = { created: 1, renewed: 2, assigned: 3, ended: 4 } as const

/** A row in the order of `EVENT_COLUMNS`. */
export type EventRow = [
  number: number,
  at: number,
  kind: number,
  id: string,
  sub: string | null,
  detail: string | null,
]

export const EVENT_COLUMNS = 'number, at, kind, id, sub, detail'

import type { Session, Tombstone } from '../../session/session.ts'
import type { EndReason } from '../../session/session.ts'

/** A row as SQLite gives it, in the order of `SESSION_COLUMNS`. */
export type SessionRow = [
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
  number: number,
  checksum: number,
  ownIdleTimeout: number,
  ownLifetime: number,
]

// What comes later stands behind what was there: migrations of before know the places of their columns.
export const SESSION_COLUMNS =
  'id, secret_hash, data, claims, permanent, created_at, last_seen_at, idle_timeout_ms, lifetime_ms, version, device, number, checksum, own_idle_timeout, own_lifetime'

export function parseSessionRow(row: SessionRow): Session {
  return {
    id: row[0],
    secretHash: row[1],
    data: row[2],
    claims: row[3],
    permanent: row[4] === 1,
    createdAt: row[5],
    lastSeenAt: row[6],
    idleTimeoutMs: row[7],
    lifetimeMs: row[8],
    ownIdleTimeout: row[13] !== 0,
    ownLifetime: row[14] !== 0,
    version: row[9],
    device: row[10],
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

export function parseTombstoneRow([id, secretHash, reason, endedAt]: TombstoneRow): Tombstone {
  return { id, secretHash, reason, endedAt }
}

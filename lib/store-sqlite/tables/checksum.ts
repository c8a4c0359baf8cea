import { crc32 } from 'node:zlib'
import type Database from 'better-sqlite3'
import type { Session, Tombstone } from '../../session/session.ts'
import {
  parseSessionRow,
  parseTombstoneRow,
  SESSION_COLUMNS,
  type SessionRow,
  type TombstoneRow,
} from './rows.ts'

/**
 * What stands in a session's row beside it, so that a disk that changes a byte is found out: the
 * CRC-32 of all that the session is but its last activity, plus that. So activity alone, which is
 * written most, moves it by a sum. It finds accidents; against a forger the file has its rights.
 */
export function checksumOf(session: Session): number {
  const { id, secretHash, data, claims, permanent, createdAt, device } = session
  const { idleTimeoutMs, lifetimeMs, version, lastSeenAt } = session
  const record =
    `${id}\n${secretHash}\n${data}\n${claims}\n${permanent}\n${createdAt}\n` +
    `${idleTimeoutMs}\n${lifetimeMs}\n${version}\n${device}`
  return crc32(record + ownLimitsOf(session)) + lastSeenAt
}

/** Empty for a row of before these columns, which read as if both were given: its checksum stays true. */
function ownLimitsOf({ ownIdleTimeout, ownLifetime }: Session): string {
  if (ownIdleTimeout) return ownLifetime ? '' : '\nidle timeout'
  return ownLifetime ? '\nlifetime' : '\n'
}

/** As `checksumOf`, of what stands in a tombstone's row. */
export function tombstoneChecksumOf({ id, secretHash, reason, endedAt }: Tombstone): number {
  return crc32(`${id}\n${secretHash}\n${reason}\n${endedAt}`)
}

/** The checksums of rows, in SQL, for whoever changes rows past the writer: migrations. */
export const CHECKSUM_SQL = `session_checksum(${SESSION_COLUMNS})`
export const TOMBSTONE_CHECKSUM_SQL = 'tombstone_checksum(id, secret_hash, reason, ended_at)'

/** Makes these mean something on this connection. */
export function defineChecksums(database: Database.Database): void {
  const given = { deterministic: true, varargs: true }
  database.function('session_checksum', given, (...columns) =>
    checksumOf(parseSessionRow(columns as unknown as SessionRow)),
  )
  database.function('tombstone_checksum', given, (...columns) =>
    tombstoneChecksumOf(parseTombstoneRow(columns as unknown as TombstoneRow)),
  )
}

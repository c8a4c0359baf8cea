import { crc32 } from 'node:zlib'
import type Database from 'better-sqlite3'
import type { Session } from '../session/session.ts'
import { parseSessionRow, SESSION_COLUMNS, type SessionRow } from './rows.ts'

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
  return crc32(record) + lastSeenAt
}

/** The checksum of a row, in SQL, for whoever changes rows past the writer: migrations. */
export const CHECKSUM_SQL = `session_checksum(${SESSION_COLUMNS})`

/** Makes `CHECKSUM_SQL` mean something on this connection. */
export function defineChecksum(database: Database.Database): void {
  database.function('session_checksum', { deterministic: true, varargs: true }, (...columns) =>
    checksumOf(parseSessionRow(columns as unknown as SessionRow)),
  )
}

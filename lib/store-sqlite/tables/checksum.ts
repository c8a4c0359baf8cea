import { crc32 } from 'node:zlib'
import type Database from 'better-sqlite3'
import type { Session, Tombstone } from '../../session/session.ts'
import {
  parseSession,
  parseTombstone,
  ROW_CHECKSUM,
  type SessionFields,
  type SessionRow,
  TOMBSTONE_CHECKSUM,
  type TombstoneRow,
} from './rows.ts'

/**
 * The checksum in a session's row, which reveals a byte that the disk has changed: the CRC-32 of all
 * fields but the last activity, plus that. So a touch, the most frequent write, adds a difference to it
 * without reading the rest of the row. It finds accidents, not forgeries.
 */
export function checksumOf(session: Session): number {
  const { id, secretHash, data, claims, permanent, createdAt, device } = session
  const { idleTimeoutMs, lifetimeMs, version, lastSeenAt } = session
  const record =
    `${id}\n${secretHash}\n${data}\n${claims}\n${permanent}\n${createdAt}\n` +
    `${idleTimeoutMs}\n${lifetimeMs}\n${version}\n${device}`
  return crc32(record + ownLimitsOf(session) + keptOf(session)) + lastSeenAt
}

/** Empty where both flags are set, as they read in rows older than these columns: their checksum stays valid. */
function ownLimitsOf({ ownIdleTimeout, ownLifetime }: Session): string {
  if (ownIdleTimeout) return ownLifetime ? '' : '\nidle timeout'
  return ownLifetime ? '\nlifetime' : '\n'
}

/** Empty where the setting says it, as in all rows older than the column. */
function keptOf({ keepEndedMs }: Pick<Session, 'keepEndedMs'>): string {
  return keepEndedMs === undefined ? '' : `\nkept ${keepEndedMs}`
}

/** The same for a tombstone's row. */
export function tombstoneChecksumOf(tombstone: Tombstone): number {
  const { id, secretHash, reason, endedAt } = tombstone
  return crc32(`${id}\n${secretHash}\n${reason}\n${endedAt}${keptOf(tombstone)}`)
}

/** Undefined for a row that is not as it was written. */
export function parseIntactRow(row: SessionRow): Session | undefined {
  const session = parseSession(row)
  // control: checksum
  return checksumOf(session) === row[ROW_CHECKSUM] ? session : undefined
}

/** Undefined where there is no row, or it is not as it was written. */
export function parseIntactTombstone(row: TombstoneRow | undefined): Tombstone | undefined {
  if (row === undefined) return undefined
  const tombstone = parseTombstone(row)
  return tombstoneChecksumOf(tombstone) === row[TOMBSTONE_CHECKSUM] ? tombstone : undefined
}

/** The number of a session's fields that `004-checksums.sql` passes; its other arguments are none. */
const FIELDS_OF_MIGRATION = 11
const ARGUMENTS_OF_MIGRATION = 13

/** Defines the functions by which migrations compute checksums: of `SESSION_COLUMNS` or what they know of them. */
export function defineChecksums(database: Database.Database): void {
  const given = { deterministic: true, varargs: true }
  database.function('session_checksum', given, (...columns) => {
    const isOld = columns.length === ARGUMENTS_OF_MIGRATION
    const fields = isOld ? columns.slice(0, FIELDS_OF_MIGRATION) : columns
    return checksumOf(parseSession(fields as unknown as SessionFields))
  })
  database.function('tombstone_checksum', given, (...columns) =>
    tombstoneChecksumOf(parseTombstone(columns as unknown as TombstoneRow)),
  )
}

import type Database from 'better-sqlite3'
import { defineChecksums } from '../../../lib/store-sqlite/tables/checksum.ts'
import { SESSION_COLUMNS, TOMBSTONE_COLUMNS } from '../../../lib/store-sqlite/tables/rows.ts'

/** Gives rows that a test wrote past the writer the checksums that the writer would have. */
export function sealRows(database: Database.Database): void {
  defineChecksums(database)
  database.exec(`update sessions set checksum = session_checksum(${SESSION_COLUMNS})`)
  database.exec(`update tombstones set checksum = tombstone_checksum(${TOMBSTONE_COLUMNS})`)
}

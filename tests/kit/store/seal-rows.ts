import type Database from 'better-sqlite3'
import {
  CHECKSUM_SQL,
  defineChecksums,
  TOMBSTONE_CHECKSUM_SQL,
} from '../../../lib/store-sqlite/tables/checksum.ts'

/** Gives rows that a test wrote past the writer the checksums that the writer would have. */
export function sealRows(database: Database.Database): void {
  defineChecksums(database)
  database.exec(`update sessions set checksum = ${CHECKSUM_SQL}`)
  database.exec(`update tombstones set checksum = ${TOMBSTONE_CHECKSUM_SQL}`)
}

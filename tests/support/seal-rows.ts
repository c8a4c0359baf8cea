import type Database from 'better-sqlite3'
import { CHECKSUM_SQL, defineChecksum } from '../../lib/store/checksum.ts'

/** Gives rows that a test wrote past the writer the checksums that the writer would have. */
export function sealRows(database: Database.Database): void {
  defineChecksum(database)
  database.exec(`update sessions set checksum = ${CHECKSUM_SQL}`)
}

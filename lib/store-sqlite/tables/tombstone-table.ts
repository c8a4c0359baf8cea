/** The tombstones' rows as the writer changes them, each with its checksum. */
import type Database from 'better-sqlite3'
import type { Tombstone } from '../../session/session.ts'
import { tombstoneChecksumOf } from './checksum.ts'

export type TombstoneTable = {
  /** Inserts it, or replaces an older one of the same id. */
  bury(tombstone: Tombstone): void
  delete(id: string): void
  /** Deletes at most `limit` that ended by then (`forgottenBy`), the oldest first; returns how many. */
  forget(endedBy: number, limit: number): number
}

/** `onWrite` is told before each statement that writes. */
export function createTombstoneTable(
  database: Database.Database,
  onWrite: () => void,
): TombstoneTable {
  const insert = database.prepare(
    `insert into tombstones (id, secret_hash, reason, ended_at, checksum) values (?, ?, ?, ?, ?)
     on conflict do update set secret_hash = excluded.secret_hash, reason = excluded.reason,
       ended_at = excluded.ended_at, checksum = excluded.checksum`,
  )
  const remove = database.prepare('delete from tombstones where id = ?')
  const forget = database.prepare(
    `delete from tombstones where id in
       (select id from tombstones where ended_at <= ? order by ended_at limit ?)`,
  )

  return {
    bury(tombstone) {
      onWrite()
      const { id, secretHash, reason, endedAt } = tombstone
      insert.run(id, secretHash, reason, endedAt, tombstoneChecksumOf(tombstone))
    },
    delete(id) {
      onWrite()
      remove.run(id)
    },
    forget(endedBy, limit) {
      onWrite()
      return forget.run(endedBy, limit).changes
    },
  }
}

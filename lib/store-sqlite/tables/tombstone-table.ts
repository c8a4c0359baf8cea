/** The tombstones' rows as the writer changes them, each with its checksum. */
import type Database from 'better-sqlite3'
import type { Tombstone } from '../../session/session.ts'
import type { WriteCounts } from '../counts.ts'
import { tombstoneChecksumOf } from './checksum.ts'

export type TombstoneTable = {
  /** Inserts it, or replaces an older one of the same id; one that is kept for no time at all is not written. */
  bury(tombstone: Tombstone): void
  /** Inserts it; false where its id is that of a session, or of another tombstone. */
  tryBury(tombstone: Tombstone): boolean
  delete(id: string): void
  /**
   * Deletes at most `limit` that ended by then (`forgottenBy`), and as many whose own time is over at
   * `now`, the oldest first; returns how many of each.
   */
  forget(now: number, endedBy: number, limit: number): readonly [number, number]
}

/** `onWrite` is told before each statement that writes. */
export function createTombstoneTable(
  database: Database.Database,
  onWrite: () => void,
  counts: Pick<WriteCounts, 'add'>,
): TombstoneTable {
  const insert = database.prepare(
    `insert into tombstones (id, secret_hash, reason, ended_at, keep_ended_ms, checksum)
     values (?, ?, ?, ?, ?, ?)
     on conflict do update set secret_hash = excluded.secret_hash, reason = excluded.reason,
       ended_at = excluded.ended_at, keep_ended_ms = excluded.keep_ended_ms,
       checksum = excluded.checksum`,
  )
  // Beside a session the id becomes null, which the column does not allow, as in the table of sessions.
  const tryInsert = database.prepare(
    `insert or ignore into tombstones (id, secret_hash, reason, ended_at, keep_ended_ms, checksum)
     values ((select ? where not exists (select 1 from sessions where id = ?)), ?, ?, ?, ?, ?)`,
  )
  const remove = database.prepare('delete from tombstones where id = ?')
  const forget = database.prepare(
    `delete from tombstones where id in
       (select id from tombstones where keep_ended_ms is null and ended_at <= ?
        order by ended_at limit ?)`,
  )
  const forgetOwn = database.prepare(
    `delete from tombstones where id in
       (select id from tombstones
        where keep_ended_ms is not null and ended_at + keep_ended_ms <= ?
        order by ended_at + keep_ended_ms limit ?)`,
  )

  return {
    bury(tombstone) {
      const { id, secretHash, reason, endedAt, keepEndedMs = null } = tombstone
      if (keepEndedMs === 0) return
      onWrite()
      insert.run(id, secretHash, reason, endedAt, keepEndedMs, tombstoneChecksumOf(tombstone))
    },
    tryBury(tombstone) {
      const { id, secretHash, reason, endedAt, keepEndedMs = null } = tombstone
      onWrite()
      const checksum = tombstoneChecksumOf(tombstone)
      const fields = [secretHash, reason, endedAt, keepEndedMs, checksum]
      return tryInsert.run(id, id, ...fields).changes === 1
    },
    delete(id) {
      onWrite()
      remove.run(id)
    },
    forget(now, endedBy, limit) {
      onWrite()
      const { changes } = forget.run(endedBy, limit)
      const { changes: own } = forgetOwn.run(now, limit)
      counts.add('forgotten', changes + own)
      return [changes, own]
    },
  }
}

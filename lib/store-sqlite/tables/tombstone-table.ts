/** The tombstones' rows as the writer changes them, each with its checksum. */
import type Database from 'better-sqlite3'
import type { Tombstone } from '../../session/session.ts'
import type { WriteCounts } from '../counts.ts'
import { tombstoneChecksumOf } from './checksum.ts'

export type TombstoneTable = {
  /** Inserts it, or replaces an older one of the same id; one that is kept for no time at all is not written. */
  bury(tombstone: Tombstone): void
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

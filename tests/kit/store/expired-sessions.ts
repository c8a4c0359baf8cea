import type Database from 'better-sqlite3'
import { HOUR, MINUTE } from './limits.ts'
import { sealRows } from './seal-rows.ts'

/**
 * Puts sessions into the file that were dead by `now`: every other one of its idle timeout, the
 * others of their lifetime. The `n`th died `n` ms before `now`.
 */
export function insertExpired(database: Database.Database, count: number, now: number): void {
  const insert = database.prepare(
    `insert into sessions (id, data, claims, permanent, created_at, last_seen_at, idle_timeout_ms,
       lifetime_ms, sweep_at, version) values (?, '{}', '{}', 0, ?, ?, ?, ?, ?, 1)`,
  )
  const insertAll = database.transaction(() => {
    for (let n = 0; n < count; n++) {
      const diedAt = now - n
      const seenAt = n % 2 === 0 ? diedAt - 30 * MINUTE : diedAt - MINUTE
      const createdAt = n % 2 === 0 ? diedAt - HOUR : diedAt - 12 * HOUR
      insert.run(`expired-${n}`, createdAt, seenAt, 30 * MINUTE, 12 * HOUR, diedAt)
    }
  })
  insertAll()
  sealRows(database)
}

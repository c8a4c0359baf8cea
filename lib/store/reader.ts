import type Database from 'better-sqlite3'
import {
  expireSession,
  type Found,
  isLive,
  type Tombstone,
  touchSession,
} from '../session/session.ts'
import {
  parseSessionRow,
  parseTombstoneRow,
  SESSION_COLUMNS,
  type SessionRow,
  TOMBSTONE_COLUMNS,
  type TombstoneRow,
} from './rows.ts'

export type Reader = {
  /** As `Store.find`; `seenAt` is activity that the file does not know of yet, 0 for none. */
  find(id: string, now: number, seenAt: number): Found
}

const ABSENT: Found = { state: 'absent' }

/** Reads sessions through one connection: the main thread's, and the writer's within a transaction. */
export function createReader(database: Database.Database, keepEndedMs: number): Reader {
  const findSession = database
    .prepare<[string], SessionRow>(`select ${SESSION_COLUMNS} from sessions where id = ?`)
    .raw()
  const findTombstone = database
    .prepare<[string], TombstoneRow>(`select ${TOMBSTONE_COLUMNS} from tombstones where id = ?`)
    .raw()

  /** The opposite of what the sweep removes: `ended_at <= now - keepEndedMs`. */
  function remembered(tombstone: Tombstone, now: number): Found {
    return tombstone.endedAt > now - keepEndedMs ? { state: 'ended', tombstone } : ABSENT
  }

  return {
    find(id, now, seenAt) {
      const row = findSession.get(id)
      if (row !== undefined) {
        const session = touchSession(parseSessionRow(row), seenAt)
        return isLive(session, now)
          ? { state: 'live', session }
          : remembered(expireSession(session), now)
      }
      const tombstone = findTombstone.get(id)
      return tombstone === undefined ? ABSENT : remembered(parseTombstoneRow(tombstone), now)
    },
  }
}

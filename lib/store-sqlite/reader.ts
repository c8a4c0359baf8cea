import type Database from 'better-sqlite3'
import { ABSENT, findEnded, findStored } from '../session/retention.ts'
import {
  type Found,
  isLive,
  type Session,
  type Tombstone,
  touchSession,
} from '../session/session.ts'
import { createApiKeyTable } from './tables/api-key-table.ts'
import { parseIntactRow, parseIntactTombstone, tombstoneChecksumOf } from './tables/checksum.ts'
import {
  ROW_NUMBER,
  SESSION_COLUMNS,
  type SessionRow,
  TOMBSTONE_COLUMNS,
  type TombstoneRow,
} from './tables/rows.ts'
import { damagedSession, damagedTombstone } from './database/sqlite-errors.ts'
import type { ApiKey } from '../store/key-store.ts'
import type { ListQuery, Page } from '../store/store.ts'
import { parseCursor, renderCursor } from './tables/list-cursor.ts'

export type Reader = {
  /**
   * As `Store.find`; `seenAt` is activity that is not in the file yet, 0 for none. Throws
   * `storage_damaged` for a session whose row is not as it was written.
   */
  find(id: string, now: number, seenAt: number): Found
  /** As `Store.list`; `seenAt` returns the activity of a session that is not in the file yet, 0 for none. */
  list(query: ListQuery, now: number, seenAt: (id: string) => number): Page
  listApiKeys(): readonly ApiKey[]
  outsideChanges(): OutsideChanges
}

/**
 * How often a command has ended sessions in the file, and how many of these times a running server
 * has noted.
 */
export type OutsideChanges = { readonly made: number; readonly seen: number }

/** The most data and claims on a page; a single session may be as large as the limit allows. */
const PAGE_LIMIT_CHARACTERS = 1024 * 1024

type ListParameters = { sub: string | undefined; after: number; limit: number }

/**
 * A tombstone that is found where there is none, so that an unknown id takes the same time as an ended
 * one.
 */
const DECOY: Tombstone = {
  id: '',
  secretHash: '0'.repeat(43),
  reason: 'logout',
  endedAt: 0,
}
const DECOY_COLUMNS = `'${DECOY.id}', '${DECOY.secretHash}', '${DECOY.reason}', ${DECOY.endedAt}, ${tombstoneChecksumOf(DECOY)}`

/**
 * Reads sessions through one connection: the main thread's, and the writer's within a transaction.
 * `recall` returns a session as it is in its row, if that is known without reading it: the writer's
 * memory (`WrittenSessions`).
 */
export function createReader(
  database: Database.Database,
  keepEndedMs: number,
  recall: (id: string) => Session | undefined = () => undefined,
): Reader {
  const findSession = database
    .prepare<[string], SessionRow>(`select ${SESSION_COLUMNS} from sessions where id = ?`)
    .raw()
  const findTombstone = database
    .prepare<[string], TombstoneRow>(
      `select ${TOMBSTONE_COLUMNS} from tombstones where id = ?
       union all select ${DECOY_COLUMNS} limit 1`,
    )
    .raw()

  const listAll = database
    .prepare<ListParameters, SessionRow>(
      `select ${SESSION_COLUMNS} from sessions
       where number > $after order by number limit $limit`,
    )
    .raw()
  const listOfSub = database
    .prepare<ListParameters, SessionRow>(
      `select ${SESSION_COLUMNS} from sessions
       where sub = $sub and number > $after order by number limit $limit`,
    )
    .raw()

  const outsideChanges = database.prepare<[], OutsideChanges>(
    'select made, seen from outside_changes',
  )

  function readSession(id: string): Session | undefined {
    const row = findSession.get(id)
    if (row === undefined) return undefined
    const session = parseIntactRow(row)
    if (session === undefined) throw damagedSession(id)
    return session
  }

  return {
    find(id, now, seenAt) {
      const written = recall(id) ?? readSession(id)
      if (written !== undefined) return findStored(touchSession(written, seenAt), now, keepEndedMs)
      const tombstone = parseIntactTombstone(findTombstone.get(id))
      if (tombstone === undefined) throw damagedTombstone(id)
      return tombstone.id === DECOY.id ? ABSENT : findEnded(tombstone, now, keepEndedMs)
    },

    list({ sub, after: cursor, limit }, now, seenAt) {
      const after = parseCursor(cursor)
      const sessions: Session[] = []
      const damaged: string[] = []
      let characters = 0
      let rows = 0
      const statement = sub === undefined ? listAll : listOfSub
      for (const row of statement.iterate({ sub, after, limit })) {
        const written = parseIntactRow(row)
        if (written === undefined) {
          damaged.push(row[0])
        } else {
          const session = touchSession(written, seenAt(row[0]))
          // control: list-live
          if (isLive(session, now)) sessions.push(session)
        }
        rows++
        characters += row[2].length + row[3].length
        if (rows === limit || characters >= PAGE_LIMIT_CHARACTERS) {
          return { sessions, damaged, next: renderCursor(row[ROW_NUMBER]) }
        }
      }
      return { sessions, damaged, next: undefined }
    },

    listApiKeys: createApiKeyTable(database).list,
    outsideChanges: () => outsideChanges.get() ?? { made: 0, seen: 0 },
  }
}

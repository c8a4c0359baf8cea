import type Database from 'better-sqlite3'
import { ABSENT, findEnded, findStored } from '../session/retention.ts'
import {
  type Found,
  isLive,
  type Session,
  type Tombstone,
  touchSession,
} from '../session/session.ts'
import { type Browser, createBrowser } from './browse.ts'
import { createEventHistory, type EventHistory } from './event-history.ts'
import { createEventReader, type EventReader } from './event-reader.ts'
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
import type { Selection } from '../store/selection.ts'
import type { ListQuery, Page } from '../store/store.ts'
import { parseCursor, renderCursor } from './tables/list-cursor.ts'
import { forEachSelection, pick } from './tables/selection.ts'

export type Reader = {
  /**
   * As `Store.find`; `seenAt` is activity that is not in the file yet, 0 for none. Throws
   * `storage_damaged` for a session whose row is not as it was written.
   */
  find(id: string, now: number, seenAt: number): Found
  /** As `Store.list`; `seenAt` returns the activity of a session that is not in the file yet, 0 for none. */
  list(query: ListQuery, now: number, seenAt: (id: string) => number): Page
  /**
   * Counts live sessions of rows after this number, as `Store.count` does, some at a time while
   * `goesOn` returns true.
   */
  countAfter(
    after: number,
    which: Selection,
    now: number,
    seenAt: (id: string) => number,
    goesOn: () => boolean,
  ): CountedRows
  /** A session as its row has it, live or not; throws as `find` does. */
  findRow(id: string): Session | undefined
  readonly events: EventReader
  listApiKeys(): readonly ApiKey[]
  readonly browser: Browser
  readonly history: EventHistory
  outsideChanges(): OutsideChanges
}

/** `last`: the number of the last row that was looked at; undefined where there are no more. */
export type CountedRows = { readonly count: number; readonly last: number | undefined }

/**
 * How often a command has ended sessions in the file, and how many of these times a running server
 * has noted.
 */
export type OutsideChanges = { readonly made: number; readonly seen: number }

/** The most data and claims on a page; a single session may be as large as the limit allows. */
const PAGE_LIMIT_CHARACTERS = 1024 * 1024

type ListParameters = Selection & { readonly after: number; readonly limit: number }

type CountParameters = Selection & {
  readonly after: number
  readonly last: number
  readonly now: number
}

type CountedPiece = [rows: number, live: number, last: number | null]

/** Rows of one statement: few, since each may have its data on many pages, and none of them in memory. */
const COUNT_PIECE = 20

/**
 * A tombstone that is found where there is none, so that an unknown id takes the same time as an ended
 * one. Its id, which no session can have, is as long as those that are minted, and its end counts as
 * remembered.
 */
const DECOY: Tombstone = {
  id: 'nobody~has~this~id~~~',
  secretHash: '0'.repeat(43),
  reason: 'logout',
  endedAt: Number.MAX_SAFE_INTEGER,
}
const DECOY_COLUMNS = `'${DECOY.id}', '${DECOY.secretHash}', '${DECOY.reason}', ${DECOY.endedAt}, null, ${tombstoneChecksumOf(DECOY)}`

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

  const lists = forEachSelection((rows) =>
    database
      .prepare<ListParameters, SessionRow>(
        `select ${SESSION_COLUMNS} from ${rows} number > $after order by number limit $limit`,
      )
      .raw(),
  )
  // In the order of numbers, which no write changes: in that of a time, a session could move past.
  const counts = forEachSelection((rows) =>
    database
      .prepare<CountParameters, CountedPiece>(
        `select count(*), total(expires_at > $now), max(number)
         from (select number, expires_at from ${rows} number > $after
           order by number limit ${COUNT_PIECE})`,
      )
      .raw(),
  )
  const expiredIds = forEachSelection((rows) =>
    database
      .prepare<CountParameters, [id: string, idleTimeoutMs: number, lifetimeEndsAt: number]>(
        `select id, idle_timeout_ms, created_at + lifetime_ms from ${rows} number > $after
           and number <= $last and expires_at <= $now`,
      )
      .raw(),
  )

  const events = createEventReader(database)

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

  /** Of these rows those that have expired, but for activity that is not in the file yet. */
  function countKeptAlive(
    rows: CountParameters,
    which: Selection,
    seenAt: (id: string) => number,
  ): number {
    let count = 0
    for (const [id, idleTimeoutMs, lifetimeEndsAt] of pick(expiredIds, which).iterate(rows)) {
      // control: counted-as-touched
      if (Math.min(seenAt(id) + idleTimeoutMs, lifetimeEndsAt) > rows.now) count++
    }
    return count
  }

  return {
    find(id, now, seenAt) {
      const written = recall(id) ?? readSession(id)
      if (written !== undefined) return findStored(touchSession(written, seenAt), now, keepEndedMs)
      const tombstone = parseIntactTombstone(findTombstone.get(id))
      if (tombstone === undefined) throw damagedTombstone(id)
      const ended = findEnded(tombstone, now, keepEndedMs)
      return tombstone.id === DECOY.id ? ABSENT : ended
    },

    list(query, now, seenAt) {
      const { limit } = query
      const after = parseCursor(query.after)
      const sessions: Session[] = []
      const damaged: string[] = []
      let characters = 0
      let rows = 0
      for (const row of pick(lists, query).iterate({ ...query, after })) {
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

    countAfter(start, which, now, seenAt, goesOn) {
      const statement = pick(counts, which)
      let count = 0
      for (let after = start; ;) {
        const [rows, live, last] = statement.get({ ...which, after, now, last: 0 }) ?? [0, 0, null]
        count += live
        if (live < rows && last !== null) {
          count += countKeptAlive({ ...which, after, now, last }, which, seenAt)
        }
        if (rows < COUNT_PIECE || last === null) return { count, last: undefined }
        if (!goesOn()) return { count, last }
        after = last
      }
    },

    findRow: readSession,
    events,
    history: createEventHistory(database, events),
    listApiKeys: createApiKeyTable(database).list,
    browser: createBrowser(database, keepEndedMs),
    outsideChanges: () => outsideChanges.get() ?? { made: 0, seen: 0 },
  }
}

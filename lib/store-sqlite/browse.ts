/** Looks around in the file, through the reader's connection: `BrowseStore` in SQL. */
import type Database from 'better-sqlite3'
import { CoatcheckError } from '../base/errors.ts'
import type { JsonText } from '../json/json.ts'
import { isRemembered } from '../session/retention.ts'
import type { Tombstone } from '../session/session.ts'
import {
  COUNTED_SESSIONS,
  type FoundIds,
  type PageQuery,
  type PrefixQuery,
  type SessionSummary,
  type SummaryPage,
  type UserSummary,
} from '../store/browse-store.ts'
import type { Cursor, Selection } from '../store/selection.ts'
import { parseIntactTombstone } from './tables/checksum.ts'
import { parseCursor, renderCursor } from './tables/list-cursor.ts'
import { TOMBSTONE_COLUMNS, type TombstoneRow } from './tables/rows.ts'
import { forEachSelection, IS_RESERVED, pick } from './tables/selection.ts'

/** Activity of a session that is not in the file yet, 0 for none. */
type SeenAt = (id: string) => number

export type Browser = {
  newest(query: Selection & PageQuery, now: number, seenAt: SeenAt): SummaryPage
  ofUsers(query: PrefixQuery & PageQuery, now: number, seenAt: SeenAt): SummaryPage
  /** The first user after this one whose name begins so; undefined where there is none. */
  nextUser(query: PrefixQuery, after: string | undefined): string | undefined
  /** Adds what the next rows of the user say; `last` is undefined where there are no more. */
  addSessions(
    user: UserSummary,
    which: Selection,
    after: number,
    now: number,
    seenAt: SeenAt,
  ): { readonly user: UserSummary; readonly last: number | undefined }
  idsFrom(query: PrefixQuery & { limit: number }, now: number, seenAt: SeenAt): FoundIds
}

type SummaryRow = [
  number: number,
  id: string,
  sub: string | null,
  createdAt: number,
  lastSeenAt: number,
  idleTimeoutMs: number,
  lifetimeMs: number,
  permanent: number,
  bytes: number,
  device: JsonText | null,
]

/** The lengths are in the head of a row: long data is not read for them. */
const SUMMARY_COLUMNS = `number, id, sub, created_at, last_seen_at, idle_timeout_ms, lifetime_ms,
  permanent, octet_length(data) + octet_length(claims), device`

/** Rows of a page that may have expired, and wait for the sweep, before it is handed out short. */
const MOST_ROWS = 500
/** Rows that are read at once to count a user's sessions. */
const PIECE = 50

/** With it behind, a text is the very next one in the order of bytes. */
const FIRST_CHARACTER = '\0'
/** With it behind, a text is beyond all that begin so. */
const LAST_CHARACTER = '\u{10ffff}'
/** Before every row when they are read from the newest. */
const NEWEST = Number.MAX_SAFE_INTEGER

type RowsBefore = Selection & { readonly before: number; readonly limit: number }
type Range = { readonly app: string | undefined; readonly from: string; readonly to: string }

export function createBrowser(database: Database.Database, keepEndedMs: number): Browser {
  const newestRows = forEachSelection((rows) =>
    database
      .prepare<RowsBefore, SummaryRow>(
        `select ${SUMMARY_COLUMNS} from ${rows} number < $before order by number desc limit $limit`,
      )
      .raw(),
  )
  const rowsOfUser = forEachSelection((rows) =>
    database
      .prepare<Selection & { after: number; limit: number }, SummaryRow>(
        `select ${SUMMARY_COLUMNS} from ${rows} number > $after order by number limit $limit`,
      )
      .raw(),
  )
  const nextUser = forApp((rows) =>
    database
      .prepare<Range, string>(
        `select sub from ${rows} sub >= $from and sub < $to order by sub limit 1`,
      )
      .pluck(),
  )
  const ids = database
    .prepare<Range & { limit: number }, SummaryRow>(
      `select ${SUMMARY_COLUMNS} from sessions
       where id >= $from and id < $to and not ${IS_RESERVED} order by id limit $limit`,
    )
    .raw()
  const endedIds = database
    .prepare<Range & { limit: number }, TombstoneRow>(
      `select ${TOMBSTONE_COLUMNS} from tombstones
       where id >= $from and id < $to and not ${IS_RESERVED} order by id limit $limit`,
    )
    .raw()

  function findUser({ app, prefix }: PrefixQuery, after?: string): string | undefined {
    const from = after === undefined ? prefix : after + FIRST_CHARACTER
    return pickByApp(nextUser, app).get({ app, from, to: prefix + LAST_CHARACTER })
  }

  /** Fills a page with what lives of these rows; undefined where it goes on behind the last of them. */
  function take(
    rows: Iterable<SummaryRow>,
    page: SessionSummary[],
    limit: number,
    now: number,
    seenAt: SeenAt,
  ): { readonly last: number | undefined; readonly count: number } {
    let count = 0
    let last: number | undefined
    for (const row of rows) {
      const session = summaryOf(row, seenAt)
      if (session.expiresAt > now) page.push(session)
      last = row[0]
      count++
      if (page.length === limit) break
    }
    return { last, count }
  }

  return {
    newest(query, now, seenAt) {
      const before = query.after === undefined ? NEWEST : parseCursor(query.after)
      const sessions: SessionSummary[] = []
      const rows = pick(newestRows, query).iterate({ ...query, before, limit: MOST_ROWS })
      const { last, count } = take(rows, sessions, query.limit, now, seenAt)
      const isEnd = last === undefined || (sessions.length < query.limit && count < MOST_ROWS)
      return { sessions, next: isEnd ? undefined : renderCursor(last) }
    },

    ofUsers(query, now, seenAt) {
      const { app, after, limit } = query
      const start = after === undefined ? undefined : parsePlace(after)
      const sessions: SessionSummary[] = []
      let sub = start?.sub ?? findUser(query)
      let before = start?.number ?? NEWEST
      for (let rows = 0; sub !== undefined;) {
        const which = { app, sub }
        const own = pick(newestRows, which).iterate({ ...which, before, limit: MOST_ROWS })
        const { last, count } = take(own, sessions, limit, now, seenAt)
        rows += Math.max(1, count)
        const isFull = sessions.length === limit || rows >= MOST_ROWS
        if (isFull && last !== undefined) return { sessions, next: renderPlace(last, sub) }
        sub = findUser(query, sub)
        before = NEWEST
      }
      return { sessions, next: undefined }
    },

    nextUser: findUser,

    addSessions(user, which, after, now, seenAt) {
      const rows = pick(rowsOfUser, which).all({ ...which, after, limit: PIECE })
      let { sessions, since, lastSeenAt } = user
      for (const row of rows) {
        const summary = summaryOf(row, seenAt)
        if (summary.expiresAt <= now) continue
        sessions++
        since = Math.min(since, summary.createdAt)
        lastSeenAt = Math.max(lastSeenAt, summary.lastSeenAt)
      }
      const isMore = sessions >= COUNTED_SESSIONS && rows.length === PIECE
      const last = rows.length < PIECE || isMore ? undefined : rows.at(-1)?.[0]
      return { user: { ...user, sessions, since, lastSeenAt, isMore }, last }
    },

    idsFrom({ app, prefix, limit }, now, seenAt) {
      const range = { app, from: prefix, to: prefix + LAST_CHARACTER, limit }
      const live = ids
        .all(range)
        .map((row) => summaryOf(row, seenAt))
        .filter(({ expiresAt }) => expiresAt > now)
      const ended = endedIds
        .all(range)
        .map((row) => parseIntactTombstone(row))
        .filter((one): one is Tombstone => one !== undefined && isRemembered(one, now, keepEndedMs))
      return { live, ended }
    },
  }
}

/** One statement for each index of users. */
type ByApp<T> = { readonly all: T; readonly ofApp: T }

function forApp<T>(make: (rows: string) => T): ByApp<T> {
  return {
    all: make('sessions indexed by sessions_by_sub where sub is not null and'),
    ofApp: make(
      `sessions indexed by sessions_by_app_sub where sub is not null and app is not null
       and app = $app and`,
    ),
  }
}

function pickByApp<T>({ all, ofApp }: ByApp<T>, app: string | undefined): T {
  return app === undefined ? all : ofApp
}

function summaryOf(row: SummaryRow, seenAt: SeenAt): SessionSummary {
  const [, id, sub, createdAt, written, idleTimeoutMs, lifetimeMs, permanent, bytes, device] = row
  const lastSeenAt = Math.max(written, seenAt(id))
  return {
    id,
    sub: sub ?? undefined,
    createdAt,
    lastSeenAt,
    expiresAt: Math.min(lastSeenAt + idleTimeoutMs, createdAt + lifetimeMs),
    permanent: permanent === 1,
    bytes,
    device,
  }
}

/** The place of a session among those of users. */
function renderPlace(number: number, sub: string): Cursor {
  return `${renderCursor(number)}.${Buffer.from(sub).toString('base64url')}`
}

function parsePlace(cursor: Cursor): { readonly number: number; readonly sub: string } {
  const [number, sub] = cursor.split('.', 2)
  if (sub === undefined) throw noCursor()
  return { number: parseCursor(number), sub: parseUserCursor(sub) }
}

/** The place of a user among users: whoever comes after this name. */
export function renderUserCursor(sub: string): Cursor {
  return Buffer.from(sub).toString('base64url')
}

export function parseUserCursor(cursor: Cursor): string {
  const sub = Buffer.from(cursor, 'base64url').toString('utf8')
  if (sub === '' || renderUserCursor(sub) !== cursor) throw noCursor()
  return sub
}

function noCursor(): CoatcheckError {
  return new CoatcheckError(
    'invalid_argument',
    'Cannot read the cursor of the list: it must be the "next" of the page before',
  )
}

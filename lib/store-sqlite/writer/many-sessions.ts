/** Ending many sessions, in pieces: those of a user, of an app or of everybody, and those that the sweep finds. */
import type Database from 'better-sqlite3'
import { isReservedId } from '../../session/reserved-id.ts'
import { forgottenBy, isRemembered } from '../../session/retention.ts'
import { type EndReason, endSession, expireSession, isLive } from '../../session/session.ts'
import type { FeedRetention } from '../../store/feed-store.ts'
import type { Selection } from '../../store/selection.ts'
import type { Swept } from '../../store/store.ts'
import type { WriteCounts } from '../counts.ts'
import { parseIntactRow } from '../tables/checksum.ts'
import { ROW_NUMBER, SESSION_COLUMNS, type SessionRow } from '../tables/rows.ts'
import { type BySelection, pick, ROWS } from '../tables/selection.ts'
import type { Tables } from '../tables/tables.ts'
import type { EndedMany, WriteRequest } from './protocol.ts'
import { type GoesOn, PIECE } from './slices.ts'

export type SweptSlice = Swept & { readonly more: boolean }

type SessionTables = Pick<Tables, 'sessions' | 'tombstones' | 'events'>

type EndParameters = Selection & { except: string | null; now: number; limit: number }

/** Until when an end is remembered, and an event kept. */
export type SweptAge = FeedRetention & { readonly keepEndedMs: number }

/** So many events are forgotten in the time in which one session ends: their rows stand in one place. */
const EVENTS_FOR_ONE = 20

/** For so long the sweep leaves a damaged session alone: the operator may want to see it. */
const DAMAGED_KEPT_MS = 24 * 60 * 60_000

/** Ends live sessions until none is left, the limit is reached, or `goesOn` returns false. */
export function createEndMany(
  database: Database.Database,
  { sessions, tombstones, events }: SessionTables,
  writeCounts: Pick<WriteCounts, 'addEnded'>,
): (request: WriteRequest<'end_many'>, goesOn: GoesOn) => EndedMany {
  const prepare = (rows: string, order = '') =>
    database
      .prepare<EndParameters, SessionRow>(
        `select ${SESSION_COLUMNS} from ${rows}
         id is not $except and expires_at > $now ${order} limit $limit`,
      )
      .raw()
  // From that end of an index where all sessions are live, or most.
  const live: BySelection<ReturnType<typeof prepare>> = {
    all: prepare(ROWS.all, 'order by sweep_at desc'),
    ofSub: prepare(ROWS.ofSub),
    ofApp: prepare(ROWS.ofApp, 'order by number desc'),
    ofSubInApp: prepare(ROWS.ofSubInApp),
  }

  /** Of a damaged row nothing but the id can be trusted. */
  function endRow(row: SessionRow, reason: EndReason, now: number): string {
    const [id] = row
    const session = parseIntactRow(row)
    sessions.deleteRow(row[ROW_NUMBER], id)
    writeCounts.addEnded(id, reason)
    tombstones.bury(endSession(session ?? { id, secretHash: null }, reason, now))
    events.ended(id, session, reason, now)
    return id
  }

  return ({ app, sub, except = null, now, reason, limit, graceMs = 0 }, goesOn) => {
    const statement = pick(live, { app, sub })
    const ids: string[] = []
    for (;;) {
      const most = Math.min(PIECE, limit - ids.length)
      const rows = statement.all({ app, sub, except, now: now - graceMs, limit: most })
      for (const row of rows) ids.push(endRow(row, reason, now))
      if (rows.length < most) return { ids, more: false }
      if (ids.length >= limit || !goesOn()) return { ids, more: true }
    }
  }
}

/**
 * Ends what has expired, forgets what ended long ago, and events, in pieces: at most `piece` sessions
 * each, and again while `goesOn` returns true.
 */
export function createSweep(
  database: Database.Database,
  { sessions, tombstones, events }: SessionTables,
  { keepEndedMs, ...retention }: SweptAge,
  writeCounts: Pick<WriteCounts, 'addEnded'>,
): (now: number, piece: number, goesOn: GoesOn) => SweptSlice {
  // Finds every session that is not `isLive`: a row's `sweep_at` is never later than it expires.
  const due = database
    .prepare<[now: number, limit: number], SessionRow>(
      // control: sweep-due
      `select ${SESSION_COLUMNS} from sessions where sweep_at <= ? order by sweep_at limit ?`,
    )
    .raw()

  function sweepRow(row: SessionRow, now: number): 'ended' | 'reserved' | 'live' | 'damaged' {
    const [id] = row
    const session = parseIntactRow(row)
    if (session === undefined) {
      sessions.putOffUntil(row[ROW_NUMBER], now + DAMAGED_KEPT_MS)
      return 'damaged'
    }
    if (isLive(session, now)) {
      sessions.putOff(row[ROW_NUMBER])
      return 'live'
    }
    // The same tombstone that readers have been shown since the session expired.
    const tombstone = expireSession(session)
    // control: swept-remembered
    if (isRemembered(tombstone, now, keepEndedMs)) tombstones.bury(tombstone)
    sessions.deleteRow(row[ROW_NUMBER], id)
    writeCounts.addEnded(id, tombstone.reason)
    events.ended(id, session, tombstone.reason, tombstone.endedAt)
    return isReservedId(id) ? 'reserved' : 'ended'
  }

  return (now, piece, goesOn) => {
    const counts = { ended: 0, reserved: 0, live: 0, damaged: 0 }
    let removed = 0
    for (;;) {
      const rows = due.all(now, piece)
      for (const row of rows) counts[sweepRow(row, now)]++
      const forgotten = tombstones.forget(now, forgottenBy(now, keepEndedMs), piece)
      removed += forgotten[0] + forgotten[1]
      const forgottenEvents = events.forget(now, retention, piece * EVENTS_FOR_ONE)
      const more =
        rows.length === piece ||
        forgotten.includes(piece) ||
        forgottenEvents === piece * EVENTS_FOR_ONE
      if (more && goesOn()) continue
      return { ended: counts.ended, removed, damaged: counts.damaged, more }
    }
  }
}

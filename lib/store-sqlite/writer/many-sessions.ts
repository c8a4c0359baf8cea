/** Ending many sessions, in pieces: those of a user or of everybody, and those that the sweep finds. */
import type Database from 'better-sqlite3'
import { forgottenBy, isRemembered } from '../../session/retention.ts'
import { type EndReason, endSession, expireSession, isLive } from '../../session/session.ts'
import type { Swept } from '../../store/store.ts'
import { parseIntactRow } from '../tables/checksum.ts'
import { ROW_NUMBER, SESSION_COLUMNS, type SessionRow } from '../tables/rows.ts'
import type { Tables } from '../tables/tables.ts'
import type { EndedMany, WriteRequest } from './protocol.ts'
import { type GoesOn, PIECE } from './slices.ts'

export type SweptSlice = Swept & { readonly more: boolean }

type SessionTables = Pick<Tables, 'sessions' | 'tombstones'>

type EndParameters = { sub?: string; except: string | null; now: number; limit: number }

/** For so long the sweep leaves a damaged session alone: the operator may want to see it. */
const DAMAGED_KEPT_MS = 24 * 60 * 60_000

/** Ends live sessions until none is left, the limit is reached, or `goesOn` returns false. */
export function createEndMany(
  database: Database.Database,
  { sessions, tombstones }: SessionTables,
): (request: WriteRequest<'end_many'>, goesOn: GoesOn) => EndedMany {
  const liveOfSub = database
    .prepare<EndParameters, SessionRow>(
      `select ${SESSION_COLUMNS} from sessions
       where sub = $sub and id is not $except and expires_at > $now limit $limit`,
    )
    .raw()
  const live = database
    .prepare<EndParameters, SessionRow>(
      // From that end of the index where all sessions are live.
      `select ${SESSION_COLUMNS} from sessions where id is not $except and expires_at > $now
       order by sweep_at desc limit $limit`,
    )
    .raw()

  /** Of a damaged row nothing but the id can be trusted. */
  function endRow(row: SessionRow, reason: EndReason, now: number): string {
    const [id] = row
    const session = parseIntactRow(row) ?? { id, secretHash: null }
    sessions.deleteRow(row[ROW_NUMBER], id)
    tombstones.bury(endSession(session, reason, now))
    return id
  }

  return ({ sub, except = null, now, reason, limit, graceMs = 0 }, goesOn) => {
    const ids: string[] = []
    for (;;) {
      const which = { except, now: now - graceMs, limit: Math.min(PIECE, limit - ids.length) }
      const rows = sub === undefined ? live.all(which) : liveOfSub.all({ ...which, sub })
      for (const row of rows) ids.push(endRow(row, reason, now))
      if (rows.length < which.limit) return { ids, more: false }
      if (ids.length >= limit || !goesOn()) return { ids, more: true }
    }
  }
}

/**
 * Ends what has expired and forgets what ended long ago, at most `piece` of each, and again while
 * `goesOn` returns true.
 */
export function createSweep(
  database: Database.Database,
  { sessions, tombstones }: SessionTables,
  keepEndedMs: number,
): (now: number, piece: number, goesOn: GoesOn) => SweptSlice {
  // Finds every session that is not `isLive`: a row's `sweep_at` is never later than it expires.
  const due = database
    .prepare<[now: number, limit: number], SessionRow>(
      // control: sweep-due
      `select ${SESSION_COLUMNS} from sessions where sweep_at <= ? order by sweep_at limit ?`,
    )
    .raw()

  function sweepRow(row: SessionRow, now: number): 'ended' | 'live' | 'damaged' {
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
    return 'ended'
  }

  return (now, piece, goesOn) => {
    const counts = { ended: 0, live: 0, damaged: 0 }
    let removed = 0
    for (;;) {
      const rows = due.all(now, piece)
      for (const row of rows) counts[sweepRow(row, now)]++
      const forgotten = tombstones.forget(forgottenBy(now, keepEndedMs), piece)
      removed += forgotten
      const more = rows.length === piece || forgotten === piece
      if (more && goesOn()) continue
      return { ended: counts.ended, removed, damaged: counts.damaged, more }
    }
  }
}

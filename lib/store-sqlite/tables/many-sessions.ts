/** What ends many sessions at a time, in pieces: the sweep, and the end of a user's or of everybody's. */
import type Database from 'better-sqlite3'
import { forgottenBy, isRemembered } from '../../session/retention.ts'
import { type EndReason, endSession, expireSession, isLive } from '../../session/session.ts'
import { parseIntactRow } from '../reader.ts'
import { SESSION_COLUMNS, type SessionRow } from './rows.ts'
import type { SessionTable } from './session-table.ts'
import { PIECE } from '../writer/slices.ts'
import type { Swept } from '../../store/store.ts'
import type { TombstoneTable } from './tombstone-table.ts'
import type { EndedMany, EndManyRequest } from '../writer/write-request.ts'

export type ManySessions = {
  /** Ends live ones until none or so many as asked for are left, or `goesOn` is false. */
  end(request: EndManyRequest, goesOn: () => boolean): EndedMany
  /**
   * Ends what has expired and forgets what ended long ago, at most `piece` of each between two
   * questions whether it goes on.
   */
  sweep(now: number, piece: number, goesOn: () => boolean): SweptSlice
}

export type SweptSlice = Swept & { readonly more: boolean }

export type ManySessionsParts = {
  readonly table: SessionTable
  readonly tombstones: TombstoneTable
  readonly keepEndedMs: number
}

type EndParameters = { sub?: string; except: string | null; now: number; limit: number }

/** A session whose row is damaged stays for the operator to see; so often a sweep comes past it. */
const DAMAGED_KEPT_MS = 24 * 60 * 60_000

export function createManySessions(
  database: Database.Database,
  { table, tombstones, keepEndedMs }: ManySessionsParts,
): ManySessions {
  const liveOfSub = database
    .prepare<EndParameters, SessionRow>(
      `select ${SESSION_COLUMNS} from sessions
       where sub = $sub and id is not $except and expires_at > $now limit $limit`,
    )
    .raw()
  const live = database
    .prepare<EndParameters, SessionRow>(
      // From the end at which those are that surely live.
      `select ${SESSION_COLUMNS} from sessions where id is not $except and expires_at > $now
       order by sweep_at desc limit $limit`,
    )
    .raw()
  // Every session that is not `isLive` is due, for `sweep_at` is never later than `expiresAt`.
  const due = database
    .prepare<[now: number, limit: number], SessionRow>(
      `select ${SESSION_COLUMNS} from sessions where sweep_at <= ? order by sweep_at limit ?`,
    )
    .raw()

  /** Of a damaged row nothing but its id is to be trusted. */
  function endRow(row: SessionRow, reason: EndReason, now: number): string {
    const [id] = row
    const session = parseIntactRow(row) ?? { id, secretHash: null }
    table.deleteRow(row[11], id)
    tombstones.bury(endSession(session, reason, now))
    return id
  }

  function sweepRow(row: SessionRow, now: number): 'ended' | 'live' | 'damaged' {
    const [id] = row
    const session = parseIntactRow(row)
    if (session === undefined) {
      table.putOffUntil(row[11], now + DAMAGED_KEPT_MS)
      return 'damaged'
    }
    if (isLive(session, now)) {
      table.putOff(row[11])
      return 'live'
    }
    // What the reader has shown since the session's death.
    const tombstone = expireSession(session)
    if (isRemembered(tombstone, now, keepEndedMs)) tombstones.bury(tombstone)
    table.deleteRow(row[11], id)
    return 'ended'
  }

  return {
    end({ sub, except = null, now, reason, limit, graceMs = 0 }, goesOn) {
      const ids: string[] = []
      for (;;) {
        const which = { except, now: now - graceMs, limit: Math.min(PIECE, limit - ids.length) }
        const rows = sub === undefined ? live.all(which) : liveOfSub.all({ ...which, sub })
        for (const row of rows) ids.push(endRow(row, reason, now))
        if (rows.length < which.limit) return { ids, more: false }
        if (ids.length >= limit || !goesOn()) return { ids, more: true }
      }
    },

    sweep(now, piece, goesOn) {
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
    },
  }
}

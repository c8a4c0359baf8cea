/** Ending many sessions, in pieces: those of a user, of an app or of everybody, and those that the sweep finds. */
import { END_REASONS, type EndReason } from '../../session/session.ts'
import { isReservedId } from '../../session/reserved-id.ts'
import { forgottenBy } from '../../session/retention.ts'
import type { EndedCount, EndSelection, Swept } from '../../store/store.ts'
import type { Connection, Rows, Statement } from '../connection/connection.ts'
import { writeFailure } from '../connection/failures.ts'
import { askRepeatedly } from '../connection/repeatedly.ts'
import type { Counts } from '../counts.ts'
import { whose } from '../reads/lists.ts'
import { type OnTold, readWritten } from '../tables/events.ts'
import {
  END_SOME,
  FORGET,
  FORGET_OWN,
  LIVE_IDS,
  SWEEP,
  type SweptRow,
} from '../tables/statements.ts'

const PIECE = 500

export type ManySessions = {
  endMany(which: EndSelection, now: number, reason: EndReason, limit: number): Promise<EndedCount>
  sweep(now: number): Promise<Swept>
}

export function createManySessions(
  connection: Pick<Connection, 'ask'>,
  keepEndedMs: number,
  counts: Pick<Counts, 'ended' | 'forgotten'>,
  onTold: OnTold,
): ManySessions {
  async function ask(statement: Statement, values: readonly unknown[]): Promise<Rows> {
    try {
      return await askRepeatedly(connection, statement, values)
    } catch (error) {
      throw writeFailure(error)
    }
  }

  /**
   * Until a look finds nobody: a session that another process renews at the same moment is found under its
   * new id by the look after this one, so being over is never told of one that goes on.
   */
  async function endAll(which: EndSelection, now: number, reason: EndReason, limit: number) {
    let ended = 0
    try {
      for (;;) {
        const most = Math.min(PIECE, limit - ended)
        const values = [which.app ?? null, which.sub ?? null, which.except ?? null, now, most]
        const { rows } = await ask(LIVE_IDS[whose(which)], values)
        if (rows.length === 0) return { ended, more: false }
        const ids = rows.map(([id]) => String(id)).toSorted()
        const { through, told } = readWritten((await ask(END_SOME, [ids, reason, now, now])).rows)
        onTold(told)
        counts.ended(reason, through.size)
        ended += through.size
        if (ended >= limit) return { ended, more: true }
      }
    } catch (error) {
      if (ended === 0) throw error
      return { ended, more: true }
    }
  }

  /** At most a piece of each kind. */
  async function forget(now: number): Promise<number> {
    const byDefault = await ask(FORGET, [forgottenBy(now, keepEndedMs), PIECE])
    return byDefault.count + (await ask(FORGET_OWN, [now, PIECE])).count
  }

  return {
    endMany: endAll,

    async sweep(now) {
      let ended = 0
      let removed = 0
      for (;;) {
        const forgotten = await forget(now)
        const { looked, reasons, told } = readSwept((await ask(SWEEP, [now, PIECE])).rows)
        onTold(told)
        for (const reason of END_REASONS) {
          const count = reasons.filter((one) => one === reason).length
          if (count > 0) counts.ended(reason, count)
          ended += count
        }
        counts.forgotten(forgotten)
        removed += forgotten
        if (forgotten < PIECE && looked < PIECE) return { ended, removed, damaged: 0 }
      }
    },
  }
}

/** `looked`: how many sessions it was about; `reasons`: of those that ended, without those whose id is reserved. */
function readSwept(rows: readonly (readonly unknown[])[]) {
  const reasons: EndReason[] = []
  const told: number[] = []
  for (const [id, reason, at] of rows as readonly SweptRow[]) {
    if (id === null) told.push(at)
    else if (reason !== null && !isReservedId(id)) reasons.push(reason)
  }
  return { looked: rows.length - told.length, reasons, told }
}

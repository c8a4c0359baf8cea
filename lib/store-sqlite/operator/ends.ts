/** The ends that are still in the file: those that wait for the sweep, and then the tombstones. */
import type Database from 'better-sqlite3'
import { isReservedId } from '../../session/reserved-id.ts'
import { expireSession, isLive } from '../../session/session.ts'
import { appOf } from '../../session/session-id.ts'
import type { OperatorReader, EndsPiece } from '../../store/operator-store.ts'
import { parseIntactRow, parseIntactTombstone } from '../tables/checksum.ts'
import {
  ROW_NUMBER,
  SESSION_COLUMNS,
  type SessionRow,
  TOMBSTONE_COLUMNS,
  type TombstoneRow,
} from '../tables/rows.ts'

const PIECE = 200

type DueRow = [...SessionRow, sweepAt: number]

const NO_ROW = -1

export function createEnds(database: Database.Database): OperatorReader['readEnds'] {
  // A row's `sweep_at` is never later than it expires.
  const findDue = database
    .prepare<[now: number, sweepAt: number, number: number], DueRow>(
      `select ${SESSION_COLUMNS}, sweep_at from sessions
       where sweep_at <= ? and (sweep_at, number) > (?, ?) order by sweep_at, number limit ${PIECE}`,
    )
    .raw()
  // One that was forgotten may still be there beside the next session of its id.
  const findBuried = database
    .prepare<[id: string], TombstoneRow>(
      `select ${TOMBSTONE_COLUMNS} from tombstones t
       where id > ? and not exists (select 1 from sessions s where s.id = t.id)
       order by id limit ${PIECE}`,
    )
    .raw()

  return async function* readEnds({ app }, now) {
    const isMeant = ([id]: SessionRow | TombstoneRow) =>
      !isReservedId(id) && (app === undefined || appOf(id) === app)

    // In this order a session that the sweep ends meanwhile comes twice, and not never.
    for (let sweepAt = NO_ROW, number = NO_ROW; ;) {
      const rows = findDue.all(now, sweepAt, number)
      const last = rows.at(-1)
      if (last === undefined) break
      const sessions = rows.map((row) => row.slice(0, -1) as SessionRow).filter(isMeant)
      // Who lists the sessions is told of the damaged ones.
      const ends = sessions.flatMap((row) => {
        const session = parseIntactRow(row)
        // control: unswept-ends-read
        return session === undefined || isLive(session, now) ? [] : [expireSession(session)]
      })
      yield { ends, damaged: [] }
      ;[sweepAt, number] = [Number(last.at(-1)), last[ROW_NUMBER]]
    }

    for (let id = ''; ;) {
      const rows = findBuried.all(id)
      const last = rows.at(-1)
      if (last === undefined) break
      yield parseAll(rows.filter(isMeant))
      ;[id] = last
    }
  }
}

function parseAll(rows: readonly TombstoneRow[]): EndsPiece {
  const parsed = rows.map((row) => [row[0], parseIntactTombstone(row)] as const)
  return {
    ends: parsed.flatMap(([, end]) => end ?? []),
    damaged: parsed.flatMap(([id, end]) => (end === undefined ? [id] : [])),
  }
}

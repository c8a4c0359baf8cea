/** The database's clock, which all processes on it share, as nearly as a question and its answer tell it. */
import type { Clock } from '../base/clock.ts'
import { unlessUnderWay } from '../base/unless-under-way.ts'
import type { Connection } from './connection/connection.ts'
import { CLOCK } from './tables/statements.ts'

export type DatabaseClock = Clock & {
  /**
   * Asks the database, unless it is being asked. An answer that took long leaves much open: it counts only
   * where nothing is known yet, or what is known cannot be true any more.
   */
  measure(): Promise<void>
  /** The database's time less this machine's, in milliseconds. */
  offsetMs(): number
}

const LONGEST_QUESTION_MS = 100

/** Never goes back while the process runs, whatever the database says after a fail-over. */
export function createDatabaseClock(
  clock: Clock,
  connection: Pick<Connection, 'ask'>,
  elapsedMs: () => number,
): DatabaseClock {
  let offset = 0
  let isKnown = false
  let latest = -Infinity

  return {
    measure: unlessUnderWay(async () => {
      const startedAt = elapsedMs()
      const { rows } = await connection.ask(CLOCK)
      const took = elapsedMs() - startedAt
      const measured = Math.round(Number(rows[0]?.[0]) + took / 2 - clock.now())
      const isVague = took > LONGEST_QUESTION_MS
      if (isKnown && isVague && Math.abs(measured - offset) <= took / 2) return
      // control: database-clock
      offset = measured
      isKnown = true
    }),
    offsetMs: () => offset,
    now() {
      latest = Math.max(latest, clock.now() + offset)
      return latest
    },
    every: clock.every,
  }
}

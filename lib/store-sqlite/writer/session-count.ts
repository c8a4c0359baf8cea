/** The number of sessions in the file, without those of dashboards; also after other programs have written to it. */
import type Database from 'better-sqlite3'
import type { WriteCounts } from '../counts.ts'
import { IS_RESERVED } from '../tables/selection.ts'

/** Counting takes 14 ms for a million sessions that are not in memory yet: at most this part of the time. */
const PART_OF_TIME = 0.01

export type SessionCount = {
  /** Counts anew where another program has written since; to be called about once a second. */
  keep(): void
}

/** Counts at once; what the writer itself does is added as it is committed. */
export function createSessionCount(
  database: Database.Database,
  counts: Pick<WriteCounts, 'set'>,
  elapsedMs: () => number = () => performance.now(),
): SessionCount {
  const count = database.prepare<[], number>('select count(*) from sessions').pluck()
  const reserved = database
    .prepare<[], number>(`select count(*) from sessions where ${IS_RESERVED}`)
    .pluck()
  /** Changes whenever another connection commits. */
  const dataVersion = database.prepare<[], number>('pragma data_version').pluck()
  let seenVersion: number | undefined
  let restsUntil = 0

  function keep(): void {
    const startedAt = elapsedMs()
    const version = dataVersion.get()
    if (version === seenVersion || startedAt < restsUntil) return
    seenVersion = version
    counts.set('sessions', (count.get() ?? 0) - (reserved.get() ?? 0))
    const endedAt = elapsedMs()
    restsUntil = endedAt + (endedAt - startedAt) / PART_OF_TIME
  }

  keep()
  return { keep }
}

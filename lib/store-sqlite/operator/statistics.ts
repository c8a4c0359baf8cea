/** The contents of a data file in numbers, without session data; also beside a running server. */
import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { createTally, type FileSizes, type Statistics, TOP } from '../../store/inspection.ts'
import { WAL } from '../database/beside-files.ts'
import { IS_RESERVED } from '../tables/selection.ts'

/** Sessions read at once; a longer read would keep the WAL from being reset. */
const SLICE = 5_000

type SliceRow = [
  number: number,
  id: string,
  live: number,
  permanent: number,
  created: number,
  bytes: number,
]

/**
 * The numbers as of `now`, read in slices: where sessions come and go meanwhile, they are close
 * rather than exact. `onSessions` is told how many more have been read.
 */
export function readStatistics(
  database: Database.Database,
  path: string,
  now: number,
  onSessions: (count: number) => void,
): Statistics {
  // The lengths are in the rows' headers, so SQLite does not read long data for them.
  const slice = database
    .prepare<{ after: number; now: number; limit: number }, SliceRow>(
      `select number, id, expires_at > $now, permanent, created_at,
         octet_length(data) + octet_length(claims)
       from sessions where not ${IS_RESERVED} and number > $after order by number limit $limit`,
    )
    .raw()
  const tally = createTally(now)

  for (let after = 0; ;) {
    const rows = slice.all({ after, now, limit: SLICE })
    for (const [, id, live, permanent, createdAt, bytes] of rows) {
      tally.add({ id, isLive: live === 1, permanent: permanent === 1, createdAt, bytes })
    }
    onSessions(rows.length)
    const last = rows.at(-1)
    if (last === undefined || rows.length < SLICE) break
    after = last[0]
  }

  return {
    ...tally.read(),
    ended: readEnded(database),
    topSubs: database
      .prepare<[limit: number], { sub: string; sessions: number }>(
        `select sub, count(*) as sessions from sessions where sub is not null
         group by sub order by sessions desc, sub limit ?`,
      )
      .all(TOP),
    topApps: database
      .prepare<[limit: number], { app: string; sessions: number }>(
        `select app, count(*) as sessions from sessions where app is not null
         group by app order by sessions desc, app limit ?`,
      )
      .all(TOP),
    file: readSizes(database, path),
  }
}

/** The number of sessions in the file, live or not; one pass over the smallest index. */
export function countSessions(database: Database.Database): number {
  return Number(database.prepare('select count(*) from sessions').pluck().get())
}

function readEnded(database: Database.Database): Record<string, number> {
  const rows = database
    .prepare<[], [reason: string, count: number]>(
      `select reason, count(*) from tombstones where not ${IS_RESERVED}
       group by reason order by reason`,
    )
    .raw()
    .all()
  return Object.fromEntries(rows)
}

function readSizes(database: Database.Database, path: string): FileSizes {
  const pageBytes = Number(database.pragma('page_size', { simple: true }))
  return {
    bytes: statSync(path).size,
    freeBytes: pageBytes * Number(database.pragma('freelist_count', { simple: true })),
    walBytes: statSync(path + WAL, { throwIfNoEntry: false })?.size ?? 0,
  }
}

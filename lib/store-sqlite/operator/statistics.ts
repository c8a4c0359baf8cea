/** The contents of a data file in numbers, without session data; also beside a running server. */
import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { WAL } from '../database/beside-files.ts'

export type Statistics = {
  readonly sessions: {
    readonly live: number
    /** Past their time, and not swept yet: no request finds them any more. */
    readonly expired: number
    readonly permanent: number
    /** Data and claims of all sessions in the file, in bytes. */
    readonly bytes: number
  }
  /** Live sessions by the time since they began; the last bucket has no end. */
  readonly byAge: readonly { readonly upToMs: number | undefined; readonly live: number }[]
  /** Those that ended of late, as long as the server remembers them, by their reason. */
  readonly ended: Readonly<Record<string, number>>
  /** The users with the most sessions in the file, most first. */
  readonly topSubs: readonly { readonly sub: string; readonly sessions: number }[]
  readonly largest: readonly Largest[]
  readonly file: {
    readonly bytes: number
    /** Within the file, to be used again. */
    readonly freeBytes: number
    /** The size of the WAL beside the file. */
    readonly walBytes: number
  }
}

type Largest = { readonly id: string; readonly bytes: number }

const HOUR = 3_600_000
const DAY = 24 * HOUR
const AGES_MS: readonly number[] = [HOUR, DAY, 7 * DAY, 30 * DAY]

const TOP = 10

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
       from sessions where number > $after order by number limit $limit`,
    )
    .raw()
  const counts = { live: 0, expired: 0, permanent: 0, bytes: 0 }
  const ages = [...AGES_MS, undefined].map((upToMs) => ({ upToMs, live: 0 }))
  let largest: Largest[] = []

  for (let after = 0; ;) {
    const rows = slice.all({ after, now, limit: SLICE })
    for (const [, id, live, permanent, createdAt, bytes] of rows) {
      counts.bytes += bytes
      counts.permanent += permanent
      if (bytes > (largest[TOP - 1]?.bytes ?? -1)) largest = withLargest(largest, { id, bytes })
      if (live === 1) {
        counts.live++
        const age = ages.find(({ upToMs = Infinity }) => now - createdAt <= upToMs)
        if (age !== undefined) age.live++
      } else {
        counts.expired++
      }
    }
    onSessions(rows.length)
    const last = rows.at(-1)
    if (last === undefined || rows.length < SLICE) break
    after = last[0]
  }

  return {
    sessions: counts,
    byAge: ages,
    ended: readEnded(database),
    topSubs: database
      .prepare<[limit: number], { sub: string; sessions: number }>(
        `select sub, count(*) as sessions from sessions where sub is not null
         group by sub order by sessions desc, sub limit ?`,
      )
      .all(TOP),
    largest,
    file: readSizes(database, path),
  }
}

/** The number of sessions in the file, live or not; one pass over the smallest index. */
export function countSessions(database: Database.Database): number {
  return Number(database.prepare('select count(*) from sessions').pluck().get())
}

function withLargest(largest: readonly Largest[], one: Largest): Largest[] {
  return [...largest, one].sort((a, b) => b.bytes - a.bytes).slice(0, TOP)
}

function readEnded(database: Database.Database): Record<string, number> {
  const rows = database
    .prepare<[], [reason: string, count: number]>(
      'select reason, count(*) from tombstones group by reason order by reason',
    )
    .raw()
    .all()
  return Object.fromEntries(rows)
}

function readSizes(database: Database.Database, path: string): Statistics['file'] {
  const pageBytes = Number(database.pragma('page_size', { simple: true }))
  return {
    bytes: statSync(path).size,
    freeBytes: pageBytes * Number(database.pragma('freelist_count', { simple: true })),
    walBytes: statSync(path + WAL, { throwIfNoEntry: false })?.size ?? 0,
  }
}

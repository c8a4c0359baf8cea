/** What a store has in it, in numbers and in findings, for an operator; also beside a running server. */

/** Opened for one of the two, since a check looks at more. Each throws where the storage cannot be read. */
export type Inspections<Data = string> = {
  openStatistics(data: Data): Promise<StatisticsReader>
  openCheck(data: Data, onFinding: OnFinding): Promise<Check>
}

export type StatisticsReader = {
  /** Sessions in the storage, live or not: how long it takes. */
  countSessions(): Promise<number>
  /**
   * The numbers as of `now`, read in slices: where sessions come and go meanwhile, they are close rather than
   * exact. `onSessions` is told how many more have been read.
   */
  read(now: number, onSessions: (count: number) => void): Promise<Statistics>
  close(): Promise<void>
}

/** Tells of findings as it comes upon them. The steps are taken in this order. */
export type Check = {
  /** What the sessions are kept in. */
  structure(): Promise<void>
  countSessions(): Promise<number>
  sessions(onSessions: (count: number) => void): Promise<void>
  /** Tombstones and API keys. */
  others(onTombstones: (count: number) => void): Promise<void>
  close(): Promise<void>
}

export type Statistics = {
  readonly sessions: {
    readonly live: number
    /** Past their time, and not swept yet: no request finds them any more. */
    readonly expired: number
    readonly permanent: number
    /** Data and claims of all sessions in the storage, in bytes. */
    readonly bytes: number
  }
  /** Live sessions by the time since they began; the last bucket has no end. */
  readonly byAge: readonly { readonly upToMs: number | undefined; readonly live: number }[]
  /** Those that ended of late, as long as the server remembers them, by their reason. */
  readonly ended: Readonly<Record<string, number>>
  /** The users with the most sessions in the storage, most first. */
  readonly topSubs: readonly { readonly sub: string; readonly sessions: number }[]
  /** The apps with the most sessions in the storage, most first; not the one without a name. */
  readonly topApps: readonly { readonly app: string; readonly sessions: number }[]
  readonly largest: readonly Largest[]
  /** One of the two. */
  readonly file?: FileSizes
  readonly database?: DatabaseSizes
}

export type Largest = { readonly id: string; readonly bytes: number }

export type FileSizes = {
  readonly bytes: number
  /** Within the file, to be used again. */
  readonly freeBytes: number
  /** The size of the WAL beside the file. */
  readonly walBytes: number
}

/** All of the database, and of it the table of sessions and its indexes. */
export type DatabaseSizes = {
  readonly bytes: number
  readonly tableBytes: number
  readonly indexBytes: number
}

/** A broken rule and where it was found; contains no session data. */
export type Finding = {
  readonly kind: 'file' | 'schema' | 'session' | 'tombstone' | 'api_key'
  /** The id of the session, the name in the schema; empty for the file as a whole. */
  readonly id: string
  readonly rule: string
}

/** Told of each finding as it is found. */
export type OnFinding = (finding: Finding) => void

/** What is added up of one session. */
export type Counted = {
  readonly id: string
  readonly isLive: boolean
  readonly permanent: boolean
  readonly createdAt: number
  readonly bytes: number
}

export type Tally = {
  add(session: Counted): void
  read(): Pick<Statistics, 'sessions' | 'byAge' | 'largest'>
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
const AGES_MS: readonly number[] = [HOUR, DAY, 7 * DAY, 30 * DAY]

/** So many of the largest sessions, users and apps are named. */
export const TOP = 10

/** Adds up sessions as of `now`. */
export function createTally(now: number): Tally {
  const counts = { live: 0, expired: 0, permanent: 0, bytes: 0 }
  const ages = [...AGES_MS, undefined].map((upToMs) => ({ upToMs, live: 0 }))
  let largest: readonly Largest[] = []

  return {
    add({ id, isLive, permanent, createdAt, bytes }) {
      counts.bytes += bytes
      counts.permanent += Number(permanent)
      if (bytes > (largest[TOP - 1]?.bytes ?? -1)) largest = withLargest(largest, { id, bytes })
      if (!isLive) {
        counts.expired++
        return
      }
      counts.live++
      const age = ages.find(({ upToMs = Infinity }) => now - createdAt <= upToMs)
      if (age !== undefined) age.live++
    },
    read: () => ({ sessions: counts, byAge: ages, largest }),
  }
}

function withLargest(largest: readonly Largest[], one: Largest): Largest[] {
  return [...largest, one].toSorted((a, b) => b.bytes - a.bytes).slice(0, TOP)
}

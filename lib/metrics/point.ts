/** What a second was like: what charts are drawn from. The browser knows this shape, too. */
export type Point = {
  /** The end of the second, in milliseconds since the Unix epoch. */
  readonly at: number
  /** Requests that were answered: safe methods, and all others. */
  readonly reads: number
  readonly writes: number
  /** Within how many milliseconds half of them, and 99 of 100, were answered; null where none was. */
  readonly p50: number | null
  readonly p99: number | null
  readonly created: number
  readonly ended: number
  /** The mean time of a commit, in milliseconds; null where there was none. */
  readonly commit: number | null
  /** As of the end of the second. */
  readonly sessions: number
  /** About how many were active in the last five minutes; as of ten seconds ago at most. */
  readonly activeUsers: number
  readonly queue: number
  readonly walBytes: number
  readonly databaseBytes: number
  readonly memoryBytes: number
  /** Parts of one core that the program took. */
  readonly cpu: number
  /** The delay of the event loop, 99 of 100 times at most so many milliseconds. */
  readonly lag: number
}

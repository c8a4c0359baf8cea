/** What Coatcheck on PostgreSQL costs, piece by piece: the constants that the simulation of a fleet rests on. */

/** CPU time in microseconds, in Coatcheck's process and in all of PostgreSQL's; bytes of WAL. */
export type Cost = {
  readonly coatcheckUs: number
  readonly postgresUs: number
  readonly walBytes: number
}

/**
 * What one of many costs, by how many are under way at the same time, in rising order: they travel together, and
 * share statements, commits and the waking of processes.
 */
export type Levels = readonly (Cost & { readonly together: number })[]

export type Costs = {
  /** A request without its store: sockets, HTTP, routes, JSON. Microseconds of Coatcheck's CPU. */
  readonly httpUs: number
  readonly find: Levels
  /** One key of a session set, with the look at who asks. */
  readonly change: Levels
  readonly insert: Levels
  /** A log-in where a user's sessions are limited: it takes locks, in a transaction. */
  readonly insertLimited: Levels
  /** A log-out, with the look at who asks. */
  readonly end: Levels
  /** Activity written. */
  readonly touch: Levels
  /** The sweep: a session past its time becomes a tombstone. */
  readonly expire: Levels
  /** The sweep: a tombstone is removed. */
  readonly forget: Levels
  /** A page of the table that is written for the first time after a checkpoint goes to the WAL as a whole. */
  readonly pageImage: Pick<Cost, 'postgresUs' | 'walBytes'>
  /** Vacuum, for each session that has ended. */
  readonly vacuumUs: number
  /** A second of a process with nothing to do: heartbeat, clock, looks at the primary. */
  readonly idleSecond: Cost
  readonly tableBytesPerSession: number
  readonly indexBytesPerSession: number
  readonly bytesPerTombstone: number
  /** Memory of a connection of its own, in PostgreSQL. */
  readonly bytesPerConnection: number
  readonly bytesPerCoatcheck: number
}

/** Between two levels as what is shared by more and more; beyond the last there is no more to share. */
export function costOfOne(levels: Levels, together: number): Cost {
  const at = levels.findIndex((level) => level.together >= together)
  const above = at === -1 ? levels.at(-1) : levels[at]
  const below = at > 0 ? levels[at - 1] : above
  if (above === undefined || below === undefined) return NOTHING
  const span = 1 / below.together - 1 / above.together
  const part = at === -1 || span === 0 ? 1 : (1 / below.together - 1 / together) / span
  return add(scale(below, 1 - part), scale(above, part))
}

export const NOTHING: Cost = { coatcheckUs: 0, postgresUs: 0, walBytes: 0 }

export function add(a: Cost, b: Cost): Cost {
  return {
    coatcheckUs: a.coatcheckUs + b.coatcheckUs,
    postgresUs: a.postgresUs + b.postgresUs,
    walBytes: a.walBytes + b.walBytes,
  }
}

export function scale({ coatcheckUs, postgresUs, walBytes }: Cost, by: number): Cost {
  return { coatcheckUs: coatcheckUs * by, postgresUs: postgresUs * by, walBytes: walBytes * by }
}

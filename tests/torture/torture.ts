/** A torture: an attempt, long and at random, to break a promise of `lib/manual/promises.md`. */
import type { RunningServer } from '../kit/process/spawn-server.ts'
import type { Breakage } from './engine/server/breakage.ts'
import type { Member } from './engine/server/members.ts'
import type { Random } from './engine/random.ts'

export type Torture = {
  /** What it tries to break, in a line for the list. */
  readonly about: string
  /** Ways to break the promise on purpose, by name: with each of them it must find violations. */
  readonly breakages: Readonly<Record<string, Breakage>>
  /**
   * The same for the store on PostgreSQL. A torture that has them runs on two servers that share a database,
   * too (`openFleet`).
   */
  readonly databaseBreakages?: Readonly<Record<string, Breakage>>
  /** Tries for about as long as it is given, then says what it found. */
  run(given: Given): Promise<Finding>
}

export type Given = {
  /** The one source of chance, so that a seed names a run. */
  readonly random: Random
  /** When to stop, by `performance.now()`. */
  readonly endsAt: number
  /**
   * Starts the program under test, broken if this run is a control; `under` is the command line of
   * a program that runs it. Ended with the run, whatever becomes of it.
   */
  spawn(args: readonly string[], under?: readonly string[]): Promise<RunningServer>
  /** The servers that share the sessions of the run, for `openFleet`. */
  readonly members: readonly Member[]
  /** A folder of the run's own, removed after it unless something was violated. */
  readonly folder: string
}

export type Finding = {
  /** What broke the promise, in words; none where it held. */
  readonly violations: readonly string[]
  /** What was done, for the last line: `{ answers: 2000, missing: 0 }`. */
  readonly figures: Readonly<Record<string, number>>
}

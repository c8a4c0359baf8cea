/**
 * The contract of a store. It says nothing of SQLite: whatever keeps these promises can stand
 * behind Coatcheck.
 */
import type { JsonText } from '../json/text.ts'
import type { Operation } from '../session/operations.ts'
import type { Precondition } from '../session/precondition.ts'
import type { EndReason, Found, Session } from '../session/session.ts'

/**
 * Every promise of a method settles only once its effect, or the state that its answer shows, is on
 * disk. A write whose outcome nobody knows rejects with `outcome_unknown`; one that surely did not
 * happen with `storage_full`, `storage_failed` or `overloaded`.
 */
export type Store = {
  /** The session or its tombstone as of `now`. A session past its time is ended, swept or not. */
  find(id: string, now: number): Promise<Found>

  /**
   * Stores a new session. False, and nothing is written, where the id belongs to another session or
   * did so until it ended: an insert never overwrites, an id that has ended stays ended.
   */
  insert(session: Session): Promise<boolean>

  /**
   * Applies one operation to one live session, atomically and in some order with all others, so
   * that no update is lost; counts as activity at `now`. Where the operation gives the session
   * another id, the old id ends with `renewed` in the same step. Rejects, changing nothing, with
   * what the operation throws.
   */
  change(id: string, now: number, operation: Operation): Promise<Changed>

  /** Ends a live session for good: what it answers is what it found. Rejects unless `when` holds. */
  end(id: string, now: number, reason: EndReason, when?: Precondition): Promise<Found>

  /**
   * Records activity of a session that is live at `now` soon, without waiting: the one write that a
   * crash may lose. `find`, `change`, `end` and `sweep` count it at once.
   */
  touch(id: string, now: number): void

  /**
   * Ends what has expired by `now`, leaving tombstones, and removes the tombstones that have been
   * kept long enough. Answers how many of each.
   */
  sweep(now: number): Promise<Swept>

  /** Writes what is still to be written and lets go of the storage. */
  close(): Promise<void>
}

/** `live`: the session as the operation left it, and what the operation answers. */
export type Changed =
  | { readonly state: 'live'; readonly session: Session; readonly value?: JsonText }
  | Exclude<Found, { state: 'live' }>

export type Swept = { readonly ended: number; readonly removed: number }

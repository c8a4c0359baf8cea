/**
 * The contract of a store. It says nothing of any engine: whatever keeps these promises can stand
 * behind Coatcheck. An id is a full id (`session/session-id.ts`) everywhere here.
 */
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { JsonText } from '../json/json.ts'
import type { Operation } from '../session/operations.ts'
import type { Precondition } from '../session/precondition.ts'
import type { ActiveCount } from '../session/recent-activity.ts'
import type { EndReason, Found, Session } from '../session/session.ts'
import type { BrowseStore } from './browse-store.ts'
import type { StoreCounts } from './store-counts.ts'
import type { FeedStore } from './feed-store.ts'
import type { KeyStore } from './key-store.ts'
import type { Cursor, Selection } from './selection.ts'

/**
 * **Ends.** The end of a session is remembered for the time that the session says (`keepEndedMs`), or else
 * for one that the store was opened with; a renewed token always for the latter.
 *
 * **Durability.** A promise settles only once its effect, or the state that it shows, is on disk. A
 * write whose outcome nobody knows rejects with `outcome_unknown`; one that surely did not happen with
 * `storage_full`, `storage_busy`, `storage_failed` or `overloaded`.
 *
 * **Equal time.** Of an id that is not live, `find` takes the same time whether the session has ended,
 * has ended and been forgotten, or never was: else the time would tell who had a session here. A search
 * that fails does the work of one that finds a tombstone, and both come as a value or both as a promise.
 * An id that died of its age alone may wait for the writes under way, as they may have prolonged it.
 * A live session that comes as a promise was searched for as well; one that comes as a value may have
 * been at hand. A caller that must not tell whether an id lives makes up for it: it compares the secret
 * with a decoy's hash, and then looks for one more id, which nobody has (`authenticate` in
 * `service/sessions.ts`).
 */
export type Store = {
  /**
   * The session or its tombstone as of `now`. A session past its time has ended, swept or not. May
   * return a value instead of a promise where it is at hand. Throws or rejects with `storage_damaged`
   * where stored bytes are not those that were written.
   */
  find(id: string, now: number): MaybePromise<Found>

  /**
   * Live sessions, of one app or `sub` or of everybody, in the order in which they came. A session that stays
   * while others come and go is on exactly one page. Never more than `limit`, and fewer where sessions
   * are large or have just expired: the last page is the one without `next`. Rejects with `invalid_argument`
   * where `after` is no cursor of this store.
   */
  list(query: ListQuery, now: number): Promise<Page>

  /**
   * How many sessions are live at `now`, exactly: one that stays while others come and go counts once,
   * a damaged one as storage has it. Counts in pieces, and holds nobody up for more than some
   * milliseconds.
   */
  count(which: Selection, now: number): Promise<number>

  /**
   * Stores a new session. Never overwrites, and an id that has ended stays so while that is remembered: where the id is that of
   * another session, or of one that ended and is remembered, nothing is written and `inserted` is
   * false. Holds the limit of sessions of one `sub` in one app in the same step: ends the oldest others
   * there, or rejects with `too_many_sessions`.
   */
  insert(session: Session): Promise<Inserted>

  /**
   * Applies one operation to one live session, atomically and in some order with all others, so that no
   * update is lost. Counts as activity at `now`; where the operation leaves the session as it is, that is
   * all, and may be as little durable as a touch. Where the operation gives the session another id, the
   * old id ends as `renewed` in the same step; where it gives it another `sub`, the limit of that one
   * holds as for `insert`. No operation moves a session to another app. Rejects with whatever the operation
   * throws, and has changed nothing then.
   */
  change(id: string, now: number, operation: Operation): Promise<Changed>

  /**
   * Ends a live session for good. Returns the state before: `live` where this call ended it. Rejects,
   * and ends nothing, unless `when` holds.
   */
  end(id: string, now: number, reason: EndReason, when?: Precondition): Promise<Found>

  /**
   * Ends live sessions for good, at most `limit`. Rejects only if it has ended none: once some have
   * ended, it returns their count, and `more`.
   */
  endMany(which: EndSelection, now: number, reason: EndReason, limit: number): Promise<EndedCount>

  /**
   * Records activity of a session that is live at `now`: the one write that a crash may lose. `find`,
   * `change`, `end` and `sweep` count it at once. Returns a promise only where the session is so near its
   * end that another server on this storage could take it for over: to be waited for before anybody is
   * told that it is live.
   */
  touch(id: string, now: number): MaybePromise<void>

  /**
   * About how many sessions and users were active within this time, through any server on this storage:
   * begun, written to or touched; those that are Coatcheck's own do not count. Counts whole minutes
   * (`since` says from when on), a touch within two seconds, and what servers know since they started:
   * who merges their sketches takes the maximum of each register. Rejects with `overloaded` where the
   * activity of this app is not kept: of a bounded number of apps it is.
   */
  active(query: ActiveQuery, now: number): Promise<ActiveCount>

  /** What a person looks at who does not know the id. */
  readonly browse: BrowseStore

  /** The API keys of the same storage. */
  readonly keys: KeyStore

  /** What has happened to the sessions of the same storage. */
  readonly feed: FeedStore

  /**
   * Ends what has expired by `now`, leaving tombstones, and removes the tombstones that have been kept
   * long enough: exactly what `find` shows as ended, and as absent. Forgets the events that are past
   * the store's limits of them, the oldest first and never the newest.
   */
  sweep(now: number): Promise<Swept>

  /** The state of the storage, as of about a second ago. */
  health(): StoreHealth

  /** What it has done and how it stands, for metrics; cheap enough for every scrape. */
  counts(): StoreCounts

  /** Writes what is still to be written and releases the storage. */
  close(): Promise<void>
}

/** `evicted`: the ids of the sessions that ended to make room for this one. */
export type Inserted = { readonly inserted: boolean; readonly evicted: readonly string[] }

/**
 * `live`: the session as the operation left it, and the operation's result; `evicted` only where the
 * session got another `sub`.
 */
export type Changed =
  | {
      readonly state: 'live'
      readonly session: Session
      readonly value?: JsonText
      readonly evicted?: readonly string[]
    }
  | Exclude<Found, { state: 'live' }>

/** `withinMs`: from `SHORTEST_ACTIVE_MS` to `LONGEST_ACTIVE_MS`. */
export type ActiveQuery = Pick<Selection, 'app'> & { readonly withinMs: number }

/** `after`: the `next` of the page before; undefined for the first page. */
export type ListQuery = Selection & {
  readonly after: Cursor | undefined
  readonly limit: number
}

/** `except`: the id of a session that stays; undefined for none. */
export type EndSelection = Selection & { readonly except: string | undefined }

/** `damaged`: the ids of sessions of this page that storage cannot give back as they were. */
export type Page = {
  readonly sessions: readonly Session[]
  readonly damaged: readonly string[]
  readonly next: Cursor | undefined
}

/** `more`: some may be left. */
export type EndedCount = { readonly ended: number; readonly more: boolean }

export type StoreHealth = {
  /**
   * `degraded`: reads work, and writes are late or partly refused, or soon will be. `unreachable`: the
   * storage does not answer, and may do so again. `failed`: nothing can be written any more, until a
   * restart.
   */
  readonly state: 'ok' | 'degraded' | 'unreachable' | 'failed'
  /** The writes that are accepted; `ends_only`: those that end sessions or show that they are in use. */
  readonly writes: 'all' | 'ends_only' | 'none'
  /** Why the state is not `ok`, the worst first, in names for machines that the store defines. */
  readonly reasons: readonly string[]
  /**
   * Promises that hold only in part as the storage is set up, in names for machines that the store defines;
   * absent where all hold.
   */
  readonly weaknesses?: readonly string[]
  /** Figures for an operator, with their units in their names; which ones, the store defines. */
  readonly figures: Readonly<Record<string, number>>
}

export type Swept = {
  /** Without those whose id is reserved. */
  readonly ended: number
  readonly removed: number
  /** Damaged sessions past their time, which stay where they are for now. */
  readonly damaged: number
}

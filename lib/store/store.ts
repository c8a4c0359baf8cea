/**
 * The contract of a store. It says nothing of SQLite: whatever keeps these promises can stand
 * behind Coatcheck.
 */
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { JsonText } from '../json/json.ts'
import type { Operation } from '../session/operations.ts'
import type { Precondition } from '../session/precondition.ts'
import type { EndReason, Found, Session } from '../session/session.ts'

/**
 * Every promise of a method settles only once its effect, or the state that its answer shows, is on
 * disk. A write whose outcome nobody knows rejects with `outcome_unknown`; one that surely did not
 * happen with `storage_full`, `storage_failed` or `overloaded`.
 */
export type Store = {
  /**
   * The session or its tombstone as of `now`. A session past its time is ended, swept or not. A store
   * that has it at hand answers without a promise. Rejects with `storage_damaged` where what is
   * stored is not what was put in.
   */
  find(id: string, now: number): MaybePromise<Found>

  /**
   * Live sessions, of one `sub` or of everybody, in the order in which they came; a session that
   * stays while others come and go is in exactly one page. Never more than `limit`, and fewer where
   * sessions are large or have just expired: the pages end where there is no `next`.
   */
  list(query: ListQuery, now: number): Promise<Page>

  /**
   * Stores a new session. Not inserted, and nothing written, where the id belongs to another session
   * or did so until it ended: an insert never overwrites, an id that has ended stays ended. Holds
   * the limit of sessions of one `sub` in the same step: rejects with `too_many_sessions`, or ends
   * the oldest others.
   */
  insert(session: Session): Promise<Inserted>

  /**
   * Applies one operation to one live session, atomically and in some order with all others, so
   * that no update is lost; counts as activity at `now`. Where the operation gives the session
   * another id, the old id ends with `renewed` in the same step; where it gives it another `sub`,
   * that one's limit holds as for `insert`. Rejects, changing nothing, with what the operation throws.
   */
  change(id: string, now: number, operation: Operation): Promise<Changed>

  /** Ends a live session for good: what it answers is what it found. Rejects unless `when` holds. */
  end(id: string, now: number, reason: EndReason, when?: Precondition): Promise<Found>

  /**
   * Ends live sessions for good, at most `limit`. Rejects only where it has ended none: what is refused
   * later leaves those ended that are, and `more`.
   */
  endMany(which: Selection, now: number, reason: EndReason, limit: number): Promise<EndedCount>

  /**
   * Records activity of a session that is live at `now` soon, without waiting: the one write that a
   * crash may lose. `find`, `change`, `end` and `sweep` count it at once.
   */
  touch(id: string, now: number): void

  /** The API keys that are kept here, revoked ones too. */
  listApiKeys(): Promise<readonly ApiKey[]>

  /** Keeps an API key; one that is kept already stays as it is. */
  addApiKey(key: ApiKey): Promise<void>

  /**
   * Ends what has expired by `now`, leaving tombstones, and removes the tombstones that have been
   * kept long enough. Answers how many of each.
   */
  sweep(now: number): Promise<Swept>

  /** What writes can be taken, as of about a second ago. */
  health(): StoreHealth

  /** Writes what is still to be written and lets go of the storage. */
  close(): Promise<void>
}

/** `evicted`: the ids of the sessions that ended to make room for this one. */
export type Inserted = { readonly inserted: boolean; readonly evicted: readonly string[] }

/**
 * `live`: the session as the operation left it, and what the operation answers; `evicted`, where the
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

/** `after`: the `next` of the page before; undefined for the first page. */
export type ListQuery = {
  readonly sub: string | undefined
  readonly after: number | undefined
  readonly limit: number
}

/** `damaged`: the ids of sessions among them that storage cannot give back as they were. */
export type Page = {
  readonly sessions: readonly Session[]
  readonly damaged: readonly string[]
  readonly next: number | undefined
}

/** `more`: some may be left. */
export type EndedCount = { readonly ended: number; readonly more: boolean }

/** Undefined stands for everybody's sessions, and for no exception. */
export type Selection = { readonly sub: string | undefined; readonly except: string | undefined }

/** An API key as it is kept: the SHA-256 of it in base64url, and what its owner calls it. */
export type ApiKey = {
  readonly hash: string
  readonly name: string
  readonly createdAt: number
  readonly revokedAt: number | null
}

export type StoreHealth = {
  /**
   * `log_long`: all is taken, but a program that reads keeps the log from being begun anew;
   * `writes_late`: writes wait for long, or were refused since they would have;
   * `log_full`, `disk_full`: only what ends sessions is taken; `damaged`: for seconds all
   * writes were refused, since the file is damaged there; `failed`: nothing, for good.
   */
  readonly state:
    'ok' | 'log_long' | 'writes_late' | 'log_full' | 'disk_full' | 'damaged' | 'failed'
  readonly logBytes: number
}

export type Swept = {
  readonly ended: number
  readonly removed: number
  /** Sessions past their time that are damaged, and so left where they are for now. */
  readonly damaged: number
}

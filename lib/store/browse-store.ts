/**
 * The contract of looking around: what a person asks for who does not know the id. Pages are small, go
 * by an index whatever the number of sessions, and hold nobody up for more than some milliseconds. Sessions
 * with a reserved id (`session/reserved-id.ts`) are nowhere in them.
 */
import type { JsonText } from '../json/json.ts'
import type { EndReason, Tombstone } from '../session/session.ts'
import type { FeedEvent, FeedEventType } from './feed-store.ts'
import type { Cursor, Selection } from './selection.ts'

export type BrowseStore = {
  /**
   * Live sessions, the newest first. At most `limit`; there may be fewer on a page before the last, which
   * is the one without `next`. Rejects with `invalid_argument` where `after` is no cursor of this list.
   */
  newest(query: Selection & PageQuery, now: number): Promise<SummaryPage>

  /**
   * Live sessions of the users whose name begins so: by user, in the order of UTF-8, and of each the newest
   * first. Else as `newest`.
   */
  ofUsers(query: PrefixQuery & PageQuery, now: number): Promise<SummaryPage>

  /**
   * Users with live sessions whose name begins so, in the order of UTF-8. A user that many sessions have
   * is counted up to `COUNTED_SESSIONS`. Pages as of `newest`.
   */
  users(query: PrefixQuery & PageQuery, now: number): Promise<UserPage>

  /** Sessions whose id begins so, live and ended: of each at most `limit`, in the order of their ids. */
  idsFrom(query: PrefixQuery & { readonly limit: number }, now: number): Promise<FoundIds>

  /**
   * What happened to sessions, the newest first: `FeedStore` backwards. There may be fewer than `limit`, or
   * none, where that takes a long search; the page without `next` has reached the oldest event that is
   * kept or, of one session, the one that it began with. Rejects with `events_not_kept` where none are.
   */
  events(query: EventQuery): Promise<EventPage>
}

/** As `FeedQuery`; `reason`: ends for this reason alone; undefined for no choice. */
export type EventQuery = Selection &
  PageQuery & {
    readonly type: FeedEventType | undefined
    readonly reason: EndReason | undefined
    readonly session: string | undefined
  }

export type EventPage = {
  readonly events: readonly FeedEvent[]
  readonly next: Cursor | undefined
}

/** `app`: those of this app; undefined for those of all. The prefix of an id is one of full ids. */
export type PrefixQuery = { readonly app: string | undefined; readonly prefix: string }

export type PageQuery = { readonly after: Cursor | undefined; readonly limit: number }

/** A live session without its data and claims. Times are milliseconds since the Unix epoch. */
export type SessionSummary = {
  readonly id: string
  readonly sub: string | undefined
  readonly createdAt: number
  readonly lastSeenAt: number
  readonly expiresAt: number
  readonly permanent: boolean
  /** Of data and claims. */
  readonly bytes: number
  readonly device: JsonText | null
}

export type SummaryPage = {
  readonly sessions: readonly SessionSummary[]
  readonly next: Cursor | undefined
}

/** So many sessions of one user are looked at, no more. */
export const COUNTED_SESSIONS = 200

export type UserSummary = {
  readonly sub: string
  /** Live ones. */
  readonly sessions: number
  /** There are more, which are in none of these numbers. */
  readonly isMore: boolean
  /** When the oldest of them began, and when one of them was last used. */
  readonly since: number
  readonly lastSeenAt: number
}

export type UserPage = { readonly users: readonly UserSummary[]; readonly next: Cursor | undefined }

export type FoundIds = {
  readonly live: readonly SessionSummary[]
  readonly ended: readonly Tombstone[]
}

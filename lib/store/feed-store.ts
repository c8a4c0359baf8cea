/**
 * The contract of the life-cycle feed: what happened to sessions, for webhooks, dashboards and whoever
 * wants to know. No store implements it yet.
 *
 * An event is written in the transaction of its change (an outbox): each acknowledged change has its
 * event, and each event a committed change. A reader gets each event at least once, and those of one
 * session in their order; nothing older appears after a cursor. Not promised: an order between
 * sessions, an order of `at` (a session that died of its age is noticed later), events of an import.
 * No event holds data, claims other than `sub`, a token or a secret.
 */
import type { EndReason } from '../session/session.ts'
import type { Cursor } from './store.ts'

export type FeedStore = {
  /**
   * Durable events after a cursor, at most `limit`. Rejects with `events_forgotten` where events after it
   * have been forgotten, with the fact `oldest`: the cursor from which all is kept. Rejects with
   * `invalid_argument` where `after` is no cursor of this feed.
   */
  read(query: FeedQuery): Promise<FeedPage>

  /** The cursor of the newest event: who starts there sees what happens from now on. */
  newest(): Promise<Cursor>

  /**
   * Calls `wake` soon after there are new events; the function that it returns stops that. A hint
   * only: it may come late, once for many, or for nothing.
   */
  watch(wake: () => void): () => void

  /**
   * Forgets the events that are past either limit, the oldest first and never the newest one, so that no
   * cursor comes twice. Returns how many.
   */
  forget(now: number, retention: FeedRetention): Promise<number>
}

export type FeedEvent = FeedChange & {
  /** The place of the event in the feed: who has dealt with it goes on `after` it. */
  readonly cursor: Cursor
  /** When it happened, in milliseconds since the Unix epoch; of an expiry, when the time was up. */
  readonly at: number
  /** The id of the session, as it was before. */
  readonly session: string
  /** The user, as `claims.sub` names it since, or did at the end; undefined for nobody. */
  readonly sub: string | undefined
}

/** A session that is renewed goes on under another id, and has not ended. */
export type FeedChange =
  | { readonly type: 'session.created' }
  | { readonly type: 'session.renewed'; readonly renewedAs: string }
  | { readonly type: 'session.assigned'; readonly subBefore: string | undefined }
  | { readonly type: 'session.ended'; readonly reason: Exclude<EndReason, 'renewed'> }

/** `after`: undefined for the oldest event that is kept. The others: undefined for no choice. */
export type FeedQuery = {
  readonly after: Cursor | undefined
  readonly type: FeedChange['type'] | undefined
  readonly sub: string | undefined
  readonly limit: number
}

/** `next`: where to go on, though no event of the page may fit the query. */
export type FeedPage = { readonly events: readonly FeedEvent[]; readonly next: Cursor }

/** By age and by count, whichever is first. */
export type FeedRetention = { readonly keepMs: number; readonly maxEvents: number }

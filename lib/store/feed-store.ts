/**
 * The contract of the life-cycle feed: what happened to sessions, for webhooks, dashboards and whoever
 * wants to know.
 *
 * An event is written in the transaction of its change (an outbox): each acknowledged change has its
 * event, and each event a committed change. A reader gets each event at least once, and those of one
 * session in their order; nothing older appears after a cursor, and no cursor stands for two events.
 * Not promised: an order between sessions, an order of `at` (a session that died of its age is noticed
 * later). Sessions that are imported begin without an event, and Coatcheck's own (`isReservedId`) have
 * none. No event holds data, claims other than `sub`, a token or a secret.
 *
 * A store may be opened to keep no events: then `read` and `newest` reject with `events_not_kept`, and no
 * cursor from before is good afterwards.
 */
import type { EndReason } from '../session/session.ts'
import type { Cursor, Selection } from './selection.ts'

export type FeedStore = {
  /**
   * Durable events after a cursor, at most `limit`; fewer, or none, where that takes a long search.
   * What an event tells is so for every read of the store from then on. Rejects with `events_forgotten`
   * where events after the cursor may have been forgotten, with the fact `oldest`: the cursor from which
   * all is kept. Rejects with `invalid_argument` where `after` is no cursor.
   */
  read(query: FeedQuery): Promise<FeedPage>

  /** The cursor of the newest event: who starts there sees what happens from now on. */
  newest(): Promise<Cursor>

  /**
   * Calls `wake` soon after there are new events; the function that it returns stops that. A hint
   * only: it may come late, once for many, or for nothing.
   */
  watch(wake: () => void): () => void
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

/**
 * A session that is renewed goes on under another id, and has not ended. Where one change gives it a
 * user and another id, it is assigned first.
 */
export type FeedChange =
  | { readonly type: 'session.created' }
  | { readonly type: 'session.renewed'; readonly renewedAs: string }
  | { readonly type: 'session.assigned'; readonly subBefore: string | undefined }
  | { readonly type: 'session.ended'; readonly reason: Exclude<EndReason, 'renewed'> }

export type FeedEventType = FeedChange['type']

export const FEED_EVENT_TYPES = [
  'session.created',
  'session.renewed',
  'session.assigned',
  'session.ended',
] as const satisfies readonly FeedEventType[]

/**
 * `after`: undefined for the oldest event that is kept. The others: undefined for no choice. `sub`:
 * events of this user, also those in which it is the one before. `session`: events of this id, also
 * the one in which a session gets it.
 */
export type FeedQuery = Selection & {
  readonly after: Cursor | undefined
  readonly type: FeedEventType | undefined
  readonly session: string | undefined
  readonly limit: number
}

/**
 * `next`: where to go on, though no event of the page may fit the query. The same as `after` where there
 * is nothing newer.
 */
export type FeedPage = { readonly events: readonly FeedEvent[]; readonly next: Cursor }

/** By age and by count, whichever is first; the newest event stays in any case. */
export type FeedRetention = { readonly keepMs: number; readonly maxEvents: number }

/** `BrowseStore` of the toy store: each page is cut from all that there is. */
import { CoatcheckError } from '../../lib/base/errors.ts'
import { findSub } from '../../lib/session/claims.ts'
import { isReservedId } from '../../lib/session/reserved-id.ts'
import { isRemembered } from '../../lib/session/retention.ts'
import { expiresAt, type Session, type Tombstone } from '../../lib/session/session.ts'
import { appOf } from '../../lib/session/session-id.ts'
import {
  type BrowseStore,
  COUNTED_SESSIONS,
  type PageQuery,
  type SessionSummary,
} from '../../lib/store/browse-store.ts'
import type { FeedEvent, FeedQuery } from '../../lib/store/feed-store.ts'
import type { Selection } from '../../lib/store/selection.ts'

/** `liveOf`: in the order in which they came. */
export function createToyBrowse(
  liveOf: (which: Selection, now: number) => readonly Session[],
  tombstones: () => readonly Tombstone[],
  keepEndedMs: number,
  history: (query: FeedQuery) => readonly FeedEvent[],
): BrowseStore {
  const ofAll = (app: string | undefined, now: number) => liveOf({ app, sub: undefined }, now)

  return {
    async newest(query, now) {
      const { items, next } = cut(liveOf(query, now).toReversed(), query)
      return { sessions: items.map(summaryOf), next }
    },

    async ofUsers(query, now) {
      const sessions = ofAll(query.app, now)
        .toReversed()
        .filter((session) => findSub(session.claims)?.startsWith(query.prefix))
        .toSorted((a, b) => compare(findSub(a.claims) ?? '', findSub(b.claims) ?? ''))
      const { items, next } = cut(sessions, query)
      return { sessions: items.map(summaryOf), next }
    },

    async users(query, now) {
      const all = ofAll(query.app, now).map(summaryOf)
      const users = [...Map.groupBy(all, ({ sub }) => sub)]
        .flatMap(([sub, own]) => (sub?.startsWith(query.prefix) ? [{ sub, own }] : []))
        .toSorted((a, b) => compare(a.sub, b.sub))
      const { items, next } = cut(users, query)
      const shown = items.map(({ sub, own }) => ({
        sub,
        sessions: Math.min(own.length, COUNTED_SESSIONS),
        isMore: own.length > COUNTED_SESSIONS,
        since: Math.min(...own.map(({ createdAt }) => createdAt)),
        lastSeenAt: Math.max(...own.map(({ lastSeenAt }) => lastSeenAt)),
      }))
      return { users: shown, next }
    },

    async events({ reason, ...query }) {
      const all = history({ ...query, after: undefined })
      const fitting = all.filter(
        (event) =>
          reason === undefined || (event.type === 'session.ended' && event.reason === reason),
      )
      const { items, next } = cut(fitting, query)
      return { events: items, next }
    },

    async idsFrom({ app, prefix, limit }, now) {
      const isIt = (id: string) =>
        id.startsWith(prefix) && (app === undefined || appOf(id) === app) && !isReservedId(id)
      const byId = (a: { id: string }, b: { id: string }) => compare(a.id, b.id)
      const live = ofAll(app, now).filter(({ id }) => isIt(id))
      const ended = tombstones().filter(
        (one) => isIt(one.id) && isRemembered(one, now, keepEndedMs),
      )
      return {
        live: live.toSorted(byId).slice(0, limit).map(summaryOf),
        ended: ended.toSorted(byId).slice(0, limit),
      }
    },
  }
}

function cut<T>(all: readonly T[], { after, limit }: PageQuery) {
  if (after !== undefined && !/^\d{1,9}$/.test(after)) {
    throw new CoatcheckError('invalid_argument', 'Cannot read the cursor: it is none of this store')
  }
  const start = Number(after ?? 0)
  const end = start + limit
  return { items: all.slice(start, end), next: end < all.length ? String(end) : undefined }
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function summaryOf(session: Session): SessionSummary {
  const { id, claims, data, createdAt, lastSeenAt, permanent, device } = session
  return {
    id,
    sub: findSub(claims),
    createdAt,
    lastSeenAt,
    expiresAt: expiresAt(session),
    permanent,
    bytes: Buffer.byteLength(data) + Buffer.byteLength(claims),
    device,
  }
}

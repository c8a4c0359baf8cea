/** The feed of the toy store, in an array. */
import { CoatcheckError } from '../../lib/base/errors.ts'
import { findSub } from '../../lib/session/claims.ts'
import { isReservedId } from '../../lib/session/reserved-id.ts'
import { appOf } from '../../lib/session/session-id.ts'
import { type EndReason, expireSession, type Session } from '../../lib/session/session.ts'
import type {
  FeedChange,
  FeedEvent,
  FeedQuery,
  FeedRetention,
  FeedStore,
} from '../../lib/store/feed-store.ts'

type NewEvent = FeedChange & Pick<FeedEvent, 'session' | 'sub' | 'at'>

export function createToyFeed({ keepMs, maxEvents }: FeedRetention) {
  /** The oldest first; the cursor of the first is one more than `forgotten`. */
  let events: FeedEvent[] = []
  let forgotten = 0
  const watchers = new Set<() => void>()

  function add(event: NewEvent): void {
    if (maxEvents === 0 || isReservedId(event.session)) return
    events.push({ ...event, cursor: String(newest() + 1) })
    for (const wake of watchers) wake()
  }

  function ended({ id, claims }: Session, reason: EndReason, at: number): void {
    if (reason === 'renewed') return
    add({ type: 'session.ended', session: id, sub: findSub(claims), reason, at })
  }

  function newest(): number {
    return forgotten + events.length
  }

  function requireFeed(): void {
    if (maxEvents === 0) throw new CoatcheckError('events_not_kept', 'Cannot read events')
  }

  const store: FeedStore = {
    async read(query) {
      requireFeed()
      const start = Number(query.after ?? forgotten)
      if (!/^\d{1,15}$/.test(query.after ?? '0')) {
        throw new CoatcheckError(
          'invalid_argument',
          'Cannot read the cursor: it is none of this feed',
        )
      }
      if (start < forgotten || start > newest()) {
        const oldest = String(forgotten)
        throw new CoatcheckError('events_forgotten', 'Cannot go on after this event', { oldest })
      }
      const fitting = events.slice(start - forgotten).filter((event) => fits(event, query))
      const page = fitting.slice(0, query.limit)
      const next = fitting.length > page.length ? page.at(-1)?.cursor : undefined
      return { events: page, next: next ?? String(newest()) }
    },
    async newest() {
      requireFeed()
      return String(newest())
    },
    watch(wake) {
      const own = (): void => wake()
      watchers.add(own)
      return () => void watchers.delete(own)
    },
  }

  return {
    store,
    counts: () => ({ written: newest(), kept: events.length, oldestAt: events[0]?.at }),
    /** All that fit, the newest first. */
    history(query: FeedQuery): readonly FeedEvent[] {
      requireFeed()
      return events.filter((event) => fits(event, query)).toReversed()
    },
    add,
    ended,
    expired(session: Session): void {
      const { reason, endedAt } = expireSession(session)
      ended(session, reason, endedAt)
    },
    forget(now: number): void {
      const first = events.findIndex(
        ({ at }, index) => at > now - keepMs && index >= events.length - maxEvents,
      )
      const count = Math.min(first === -1 ? events.length : first, events.length - 1)
      if (count <= 0) return
      events = events.slice(count)
      forgotten += count
    },
  }
}

function fits(event: FeedEvent, { type, sub, session, app }: FeedQuery): boolean {
  const subs = [event.sub, event.type === 'session.assigned' ? event.subBefore : undefined]
  const ids = [event.session, event.type === 'session.renewed' ? event.renewedAs : undefined]
  return (
    (type === undefined || event.type === type) &&
    (sub === undefined || subs.includes(sub)) &&
    (session === undefined || ids.includes(session)) &&
    (app === undefined || appOf(event.session) === app)
  )
}

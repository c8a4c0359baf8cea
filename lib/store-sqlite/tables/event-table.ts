/** The rows of the feed as the writer adds and forgets them. */
import type Database from 'better-sqlite3'
import { findSub } from '../../session/claims.ts'
import { isReservedId } from '../../session/reserved-id.ts'
import type { EndReason, Session } from '../../session/session.ts'
import type { FeedRetention } from '../../store/feed-store.ts'
import type { WriteCounts } from '../counts.ts'
import { prepareEventBounds } from './event-selection.ts'
import { listRuns } from './feed-runs.ts'
import { EVENT_KINDS } from './rows.ts'

/** Each is a part of the transaction of its change. */
export type EventTable = {
  created(session: Session, sub: string | undefined): void
  assigned(before: Session, sub: string | undefined, at: number): void
  /** As `renewedAs` from now on, with this `sub`. */
  renewed(id: string, renewedAs: string, sub: string | undefined, at: number): void
  /** Not for a renewal, after which the session goes on. `session`: undefined where it cannot be read. */
  ended(id: string, session: Session | undefined, reason: EndReason, at: number): void
  /**
   * Forgets the oldest that are past either limit, at most `limit`, and never the newest. Returns how
   * many.
   */
  forget(now: number, retention: FeedRetention, limit: number): number
}

type InsertedColumns = [
  at: number,
  kind: number,
  id: string,
  sub: string | null,
  detail: string | null,
]

/**
 * Keeps none where no server does that has this file, or had it last. `onWrite` is told before each
 * statement that writes.
 */
export function createEventTable(
  database: Database.Database,
  onWrite: () => void,
  counts: Pick<WriteCounts, 'add'>,
): EventTable {
  if (listRuns(database).length === 0) return NO_EVENTS
  const insert = database.prepare<InsertedColumns>(
    'insert into events (at, kind, id, sub, detail) values (?, ?, ?, ?, ?)',
  )
  const bounds = prepareEventBounds(database)
  // In the order of numbers, whatever the clock was: one event from a time that the clock was set
  // back from must not keep all others.
  const past = database
    .prepare<{ from: number; to: number; limit: number }, number | null>(
      `select max(number) from (select number, at from events order by number limit $limit)
       where at not between $from and $to`,
    )
    .pluck()
  const remove = database.prepare<[number]>('delete from events where number <= ?')

  function add(
    kind: number,
    at: number,
    id: string,
    sub: string | undefined,
    detail: string | null,
  ): void {
    // control: reserved-unseen
    if (isReservedId(id)) return
    onWrite()
    // control: outbox
    insert.run(at, kind, id, sub ?? null, detail)
    counts.add('events')
  }

  return {
    created: (session, sub) => add(EVENT_KINDS.created, session.createdAt, session.id, sub, null),
    assigned(before, sub, at) {
      add(EVENT_KINDS.assigned, at, before.id, sub, findSub(before.claims) ?? null)
    },
    renewed: (id, renewedAs, sub, at) => add(EVENT_KINDS.renewed, at, id, sub, renewedAs),
    ended(id, session, reason, at) {
      const sub = session === undefined ? undefined : findSub(session.claims)
      add(EVENT_KINDS.ended, at, id, sub, reason)
    },
    forget(now, { keepMs, maxEvents }, limit) {
      const { oldest, newest } = bounds()
      if (oldest === null || newest === null) return 0
      const old = past.get({ from: now - keepMs + 1, to: now + keepMs, limit }) ?? 0
      // control: newest-event-stays
      const upTo = Math.min(Math.max(old, newest - maxEvents), oldest + limit - 1, newest - 1)
      if (upTo < oldest) return 0
      onWrite()
      return remove.run(upTo).changes
    },
  }
}

const NO_EVENTS: EventTable = {
  created() {},
  assigned() {},
  renewed() {},
  ended() {},
  forget: () => 0,
}

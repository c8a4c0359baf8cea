/** Which events a reader of the feed wants, in either direction. */
import type Database from 'better-sqlite3'
import type { FeedEventType, FeedQuery } from '../../store/feed-store.ts'
import { EVENT_KINDS } from './rows.ts'

/** Events that one piece of a read looks at: about a millisecond. */
export const EVENT_PIECE = 5_000

export type EventSelection = {
  readonly kind: number | null
  readonly sub: string | null
  readonly id: string | null
  readonly app: string | null
}

/** For a `where`, with the parameters of `EventSelection`. */
export const IS_SELECTED = `($kind is null or kind = $kind)
  and ($sub is null or sub = $sub or (kind = ${EVENT_KINDS.assigned} and detail = $sub))
  and ($id is null or id = $id or (kind = ${EVENT_KINDS.renewed} and detail = $id))
  and ($app is null or substr(id, 1, length($app) + 1) = $app || '~')`

export function selectionOf({
  type,
  sub,
  session,
  app,
}: Pick<FeedQuery, 'type' | 'sub' | 'session' | 'app'>): EventSelection {
  const kind = type === undefined ? null : KIND_OF[type]
  return { kind, sub: sub ?? null, id: session ?? null, app: app ?? null }
}

const KIND_OF: Readonly<Record<FeedEventType, number>> = {
  'session.created': EVENT_KINDS.created,
  'session.renewed': EVENT_KINDS.renewed,
  'session.assigned': EVENT_KINDS.assigned,
  'session.ended': EVENT_KINDS.ended,
}

/** The numbers of the oldest and the newest event; null where there is none. */
export type EventBounds = { readonly oldest: number | null; readonly newest: number | null }

/** Each by one look at the end of the table: SQLite would go over all of it for both at once. */
export function prepareEventBounds(database: Database.Database): () => EventBounds {
  const bounds = database.prepare<[], EventBounds>(
    'select (select min(number) from events) as oldest, (select max(number) from events) as newest',
  )
  return () => bounds.get() ?? { oldest: null, newest: null }
}

/** Events as the statements of their changes write them, and as the feed has them. */
import type { EndReason } from '../../session/session.ts'
import { isReservedId } from '../../session/reserved-id.ts'
import { type FeedRun, renderFeedCursor } from '../../store/feed-cursor.ts'
import type { FeedChange, FeedEvent } from '../../store/feed-store.ts'

export type EventKind = 'created' | 'renewed' | 'assigned' | 'ended'

/** `detail`: of `renewed` the new id, of `assigned` the sub before, of `ended` the reason. */
export type NewEvent = {
  readonly id: string
  readonly at: number
  readonly kind: EventKind
  readonly sub: string | undefined
  readonly detail?: string | undefined
}

/** Told of events that are committed, by when they happened. */
export type OnTold = (moments: readonly number[]) => void

/** What a statement returns that writes sessions and their events: in each row one of both. */
export type WrittenRow = [id: string, at: null] | [id: null, at: number]

/** `through`: the ids of the sessions that were written. `told`: when what was told of them happened. */
export type Written = { readonly through: ReadonlySet<string>; readonly told: readonly number[] }

export function readWritten(rows: readonly (readonly unknown[])[]): Written {
  const through = new Set<string>()
  const told: number[] = []
  for (const [id, at] of rows as readonly WrittenRow[]) {
    if (id === null) told.push(at)
    else through.add(id)
  }
  return { through, told }
}

/** Whether this session's life is told of. */
export function isTold(id: string): boolean {
  return !isReservedId(id)
}

/** One array for each column, in the order of `EVENT_ARRAYS`. */
export function eventColumnsOf(events: readonly NewEvent[]): unknown[] {
  return [
    events.map(({ id }) => id),
    events.map(({ at }) => at),
    events.map(({ kind }) => kind),
    events.map(({ sub }) => sub ?? null),
    events.map(({ detail }) => detail ?? null),
  ]
}

/** A row of the feed. */
export type EventRow = [
  number: number,
  at: number,
  kind: EventKind,
  id: string,
  sub: string | null,
  detail: string | null,
]

export function eventOf(row: EventRow, runs: readonly FeedRun[]): FeedEvent {
  const [number, at, , session, sub] = row
  const cursor = renderFeedCursor(number, runs)
  return { cursor, at, session, sub: sub ?? undefined, ...changeOf(row) }
}

function changeOf([, , kind, , , detail]: EventRow): FeedChange {
  switch (kind) {
    case 'created':
      return { type: 'session.created' }
    case 'renewed':
      return { type: 'session.renewed', renewedAs: String(detail) }
    case 'assigned':
      return { type: 'session.assigned', subBefore: detail ?? undefined }
    case 'ended':
      return { type: 'session.ended', reason: detail as Exclude<EndReason, 'renewed'> }
  }
}

/** Reads the feed through one connection, in pieces. */
import type Database from 'better-sqlite3'
import { CoatcheckError } from '../base/errors.ts'
import type { EndReason } from '../session/session.ts'
import {
  eventsForgotten,
  eventsNotKept,
  type FeedRun,
  isOfFeed,
  parseFeedCursor,
  renderFeedCursor,
} from '../store/feed-cursor.ts'
import type { FeedChange, FeedEvent, FeedPage, FeedQuery } from '../store/feed-store.ts'
import type { Cursor } from '../store/selection.ts'
import { listRuns } from './tables/feed-runs.ts'
import {
  EVENT_PIECE,
  type EventSelection,
  IS_SELECTED,
  prepareEventBounds,
  selectionOf,
} from './tables/event-selection.ts'
import { EVENT_COLUMNS, EVENT_KINDS, type EventRow } from './tables/rows.ts'

export type EventReader = {
  /**
   * As `FeedStore.read`, but looks at some thousand events at most; `isLast`: there are no more, or the
   * page is full.
   */
  read(query: FeedQuery): FeedPage & { readonly isLast: boolean }
  newest(): Cursor
  /** The numbers of the oldest and the newest that are kept. Throws `events_not_kept` where none are. */
  bounds(): { readonly oldest: number; readonly newest: number }
  eventOf(row: EventRow): FeedEvent
  /** How many are kept, and when the oldest of them happened; undefined where there is none. */
  kept(): KeptEvents
}

export type KeptEvents = { readonly kept: number; readonly oldestAt: number | undefined }

type Parameters = EventSelection & {
  readonly after: number
  readonly last: number
  readonly limit: number
}

/** Reads the runs once, at the first use: the start of a server begins one, and then they stay. */
export function createEventReader(database: Database.Database): EventReader {
  const bounds = prepareEventBounds(database)
  const page = database
    .prepare<Parameters, EventRow>(
      `select ${EVENT_COLUMNS} from events where number > $after and number <= $last
         and ${IS_SELECTED}
       order by number limit $limit`,
    )
    .raw()
  const has = database.prepare<[number], number>('select 1 from events where number = ?').pluck()
  const at = database.prepare<[number], number>('select at from events where number = ?').pluck()
  let known: readonly FeedRun[] = []

  /** Throws `events_not_kept` where there are none. */
  function runs(): readonly FeedRun[] {
    if (known.length === 0) known = listRuns(database)
    if (known.length > 0) return known
    throw eventsNotKept()
  }

  function readBounds(): { readonly oldest: number; readonly newest: number } {
    const { oldest, newest } = bounds()
    return { oldest: oldest ?? 1, newest: newest ?? 0 }
  }

  /** The number of a cursor after which all events are kept. */
  function checkPlace(after: Cursor): number {
    const place = parseFeedCursor(after)
    const { oldest, newest } = readBounds()
    const isKept = place.number === oldest - 1 || has.get(place.number) !== undefined
    // control: events-forgotten
    if (isKept && isOfFeed(place, runs(), newest)) return place.number
    throw eventsForgotten(renderFeedCursor(oldest - 1, runs()))
  }

  return {
    read(query) {
      const { after, limit } = query
      const named = runs()
      const start = after === undefined ? 0 : parseFeedCursor(after).number
      // Before the page: what comes in between is on the next one.
      // control: bounds-before-page
      const { oldest, newest } = readBounds()
      const from = after === undefined ? oldest - 1 : start
      const last = Math.min(from + EVENT_PIECE, newest)
      const rows = page.all({ after: from, last, limit, ...selectionOf(query) })
      // After the page: what is kept now was kept then.
      // control: checked-after-page
      if (after !== undefined) checkPlace(after)
      const isFull = rows.length === limit
      const next = isFull ? (rows.at(-1)?.[0] ?? last) : Math.max(last, from)
      const events = rows.map((row) => eventOf(row, named))
      return { events, next: renderFeedCursor(next, named), isLast: isFull || last === newest }
    },

    bounds() {
      runs()
      return readBounds()
    },

    eventOf: (row) => eventOf(row, runs()),

    newest: () => renderFeedCursor(readBounds().newest, runs()),

    kept() {
      const { oldest, newest } = readBounds()
      return { kept: newest - oldest + 1, oldestAt: at.get(oldest) }
    },
  }
}

function eventOf(row: EventRow, runs: readonly FeedRun[]): FeedEvent {
  const [number, at, , session, sub] = row
  const cursor = renderFeedCursor(number, runs)
  return { cursor, at, session, sub: sub ?? undefined, ...changeOf(row) }
}

function changeOf([number, , kind, , , detail]: EventRow): FeedChange {
  switch (kind) {
    case EVENT_KINDS.created:
      return { type: 'session.created' }
    case EVENT_KINDS.renewed:
      return { type: 'session.renewed', renewedAs: String(detail) }
    case EVENT_KINDS.assigned:
      return { type: 'session.assigned', subBefore: detail ?? undefined }
    case EVENT_KINDS.ended:
      // As the writer wrote it.
      return { type: 'session.ended', reason: detail as Exclude<EndReason, 'renewed'> }
    default:
      throw new CoatcheckError(
        'storage_damaged',
        `Cannot read the event ${number}: its record in the data file is damaged; restore a backup, ` +
          'or go on after it',
      )
  }
}

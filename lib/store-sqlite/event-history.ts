/** Reads the feed backwards, in pieces: what a person wants to know is what happened last. */
import type Database from 'better-sqlite3'
import type { EventQuery } from '../store/browse-store.ts'
import type { EventPiece } from '../store/event-search.ts'
import type { EventReader } from './event-reader.ts'
import {
  EVENT_PIECE,
  type EventSelection,
  IS_SELECTED,
  selectionOf,
} from './tables/event-selection.ts'
import { parseCursor, renderCursor } from './tables/list-cursor.ts'
import { EVENT_COLUMNS, EVENT_KINDS, type EventRow } from './tables/rows.ts'

export type EventHistory = {
  /** As `BrowseStore.events`, of some thousand events. */
  read(query: EventQuery): EventPiece
}

type Parameters = EventSelection & {
  readonly before: number
  readonly from: number
  readonly limit: number
  readonly reason: string | null
}

export function createEventHistory(
  database: Database.Database,
  reader: Pick<EventReader, 'eventOf' | 'bounds'>,
): EventHistory {
  const page = database
    .prepare<Parameters, EventRow>(
      `select ${EVENT_COLUMNS} from events where number < $before and number >= $from
         and ${IS_SELECTED}
         and ($reason is null or (kind = ${EVENT_KINDS.ended} and detail = $reason))
       order by number desc limit $limit`,
    )
    .raw()

  return {
    read(query) {
      const { after, limit, reason } = query
      const { oldest, newest } = reader.bounds()
      const before = after === undefined ? newest + 1 : parseCursor(after)
      const from = Math.max(oldest, before - EVENT_PIECE)
      const selection = selectionOf(query)
      const rows = page.all({ before, from, limit, reason: reason ?? null, ...selection })
      const isFull = rows.length === limit
      const last = isFull ? (rows.at(-1)?.[0] ?? from) : from
      const isEnd = last <= oldest
      return {
        events: rows.map(reader.eventOf),
        next: isEnd ? undefined : renderCursor(last),
        isLast: isFull || isEnd,
      }
    },
  }
}

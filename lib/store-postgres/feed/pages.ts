/** Pieces of the feed, in either direction, each as of one moment. */
import {
  eventsForgotten,
  eventsNotKept,
  type FeedRun,
  isOfFeed,
  parseFeedCursor,
  renderFeedCursor,
} from '../../store/feed-cursor.ts'
import type { FeedPage, FeedQuery } from '../../store/feed-store.ts'
import type { Cursor } from '../../store/selection.ts'
import type { EventPage, EventQuery } from '../../store/browse-store.ts'
import type { Statement } from '../connection/connection.ts'
import type { Reads } from '../reads/reads.ts'
import { eventOf, type EventRow } from '../tables/events.ts'
import { FEED_HISTORY, FEED_PAGE, FEED_STATE } from '../tables/event-statements.ts'
import { parseListCursor } from '../reads/lists.ts'

/** Events that one piece looks at: some milliseconds. */
const PIECE = 5_000
const HISTORY_PIECE = 20_000

/**
 * `isWaiting`: there are committed events without a place yet. The numbers of the oldest, if there is one,
 * and of the newest.
 */
export type FeedState = {
  readonly runs: readonly FeedRun[]
  readonly isWaiting: boolean
  readonly oldest: number
  readonly newest: number
}

/** `isFull`: there are as many events as were wanted. */
export type Piece = { readonly isFull: boolean; readonly isWaiting: boolean }

export type FeedPages = {
  /** As `FeedStore.read`, but of some thousand events; `isAtEnd`: there are no more with a place. */
  read(query: FeedQuery): Promise<FeedPage & Piece & { readonly isAtEnd: boolean }>
  /** As `BrowseStore.events`, of some thousand events. */
  readBack(query: EventQuery): Promise<EventPage & Piece>
  /** Throws `events_not_kept` where none are. */
  newest(): Promise<{ readonly cursor: Cursor; readonly isWaiting: boolean }>
  /** For counts; undefined where no events are kept. `oldestAt`: when the oldest happened. */
  look(): Promise<(FeedState & { readonly oldestAt: number | undefined }) | undefined>
}

export function createFeedPages(reads: Reads): FeedPages {
  async function askState() {
    const { rows } = await reads.ask(FEED_STATE, [])
    const [fields = []] = rows
    const state = parseState(fields)
    const at = fields[STATE_FIELDS]
    return { ...state, oldestAt: typeof at === 'number' ? at : undefined }
  }

  async function askPiece(statement: Statement, values: readonly unknown[]) {
    const { rows } = await reads.ask(statement, values)
    const state = parseState(rows[0] ?? [])
    requireKept(state)
    const events = rows.flatMap((fields) => {
      const row = fields.slice(STATE_FIELDS)
      return row[0] === null ? [] : [row as EventRow]
    })
    return { state, events }
  }

  /** Where none are kept, that is said of whatever cursor. */
  async function parseCursor<T>(after: Cursor | undefined, parse: (after: Cursor) => T) {
    try {
      return after === undefined ? undefined : parse(after)
    } catch (error) {
      requireKept(await askState())
      throw error
    }
  }

  return {
    async read(query) {
      const { after, limit } = query
      const place = await parseCursor(after, parseFeedCursor)
      const values = [place?.number ?? null, limit, PIECE, ...selectionOf(query)]
      const { state, events } = await askPiece(FEED_PAGE, values)
      const { runs, oldest, newest, isWaiting } = state
      // control: postgres-events-forgotten
      if (place !== undefined && (place.number < oldest - 1 || !isOfFeed(place, runs, newest))) {
        throw eventsForgotten(renderFeedCursor(oldest - 1, runs))
      }
      const isFull = events.length === limit
      const lookedAt = Math.min((place?.number ?? oldest - 1) + PIECE, newest)
      const next = isFull ? (events.at(-1)?.[0] ?? lookedAt) : lookedAt
      return {
        events: events.map((row) => eventOf(row, runs)),
        next: renderFeedCursor(next, runs),
        isFull,
        isAtEnd: next === newest,
        isWaiting,
      }
    },

    async readBack(query) {
      const { after, limit, reason } = query
      const number = await parseCursor(after, parseListCursor)
      const values = [number ?? null, limit, HISTORY_PIECE, ...selectionOf(query), reason ?? null]
      const { state, events } = await askPiece(FEED_HISTORY, values)
      const { runs, oldest, newest, isWaiting } = state
      const isFull = events.length === limit
      const lookedAt = Math.max(oldest, (number ?? newest + 1) - HISTORY_PIECE)
      const last = isFull ? (events.at(-1)?.[0] ?? lookedAt) : lookedAt
      return {
        events: events.map((row) => eventOf(row, runs)),
        next: last <= oldest ? undefined : String(last),
        isFull,
        isWaiting,
      }
    },

    async newest() {
      const state = await askState()
      requireKept(state)
      return { cursor: renderFeedCursor(state.newest, state.runs), isWaiting: state.isWaiting }
    },

    async look() {
      const state = await askState()
      return state.runs.length === 0 ? undefined : state
    },
  }
}

/** So many fields stand before an event, or before the moment of the oldest. */
const STATE_FIELDS = 4

function parseState(fields: readonly unknown[]): FeedState {
  const [runs, isWaiting, oldest, newest] = fields as [string | null, boolean, number, number]
  return { runs: parseRuns(runs ?? ''), isWaiting, oldest, newest }
}

function parseRuns(text: string): FeedRun[] {
  if (text === '') return []
  return text.split(',').map((run) => {
    const [name = '', after] = run.split(' ')
    return { name, after: Number(after) }
  })
}

function requireKept({ runs }: FeedState): void {
  if (runs.length === 0) throw eventsNotKept()
}

function selectionOf(query: Pick<FeedQuery, 'type' | 'sub' | 'session' | 'app'>): unknown[] {
  const { type, sub, session, app } = query
  return [type?.slice('session.'.length) ?? null, sub ?? null, session ?? null, app ?? null]
}

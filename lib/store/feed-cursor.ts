/**
 * The cursors of a feed whose events have numbers that go on by one. Storage can be set back: a file is
 * replaced by an older one, a power cut or a fail-over undoes what was written last. So the feed has runs,
 * and a number is that of an event only within its run; a cursor names both.
 */
import { CoatcheckError } from '../base/errors.ts'
import type { Cursor } from './selection.ts'

/** It has written the events after this number, up to the `after` of the next run. */
export type FeedRun = { readonly name: string; readonly after: number }

/** The last event that a cursor stands behind, in its run. */
export type Place = { readonly number: number; readonly run: string }

/** The cursor behind an event, or behind none: 0. */
export function renderFeedCursor(number: number, runs: readonly FeedRun[]): Cursor {
  const run = runs.findLast(({ after }) => after < number) ?? runs[0]
  return `${number}-${run?.name ?? ''}`
}

const CURSOR = /^(\d{1,15})-([\w-]{1,21})$/

/** Throws `invalid_argument` for what is no cursor of any feed of this store. */
export function parseFeedCursor(cursor: Cursor): Place {
  const [, digits, run] = CURSOR.exec(cursor) ?? []
  if (digits !== undefined && run !== undefined) return { number: Number(digits), run }
  throw new CoatcheckError(
    'invalid_argument',
    'Cannot read the cursor of the feed: it must be that of an event, or the "next" of a page',
  )
}

/** Whether the place was in this feed, forgotten or not; `newest`: the number of its newest event. */
export function isOfFeed(place: Place, runs: readonly FeedRun[], newest: number): boolean {
  const index = runs.findIndex(({ name }) => name === place.run)
  if (index === -1) return false
  // Of the oldest run that is known, older events were rendered with its name, too.
  const from = index === 0 ? 0 : (runs[index]?.after ?? 0)
  return place.number >= from && place.number <= (runs[index + 1]?.after ?? newest)
}

export function eventsNotKept(): CoatcheckError {
  return new CoatcheckError(
    'events_not_kept',
    'Cannot read events: none are kept',
    {},
    { setting: 'maxEvents' },
  )
}

/** `oldest`: the cursor after which all is kept. */
export function eventsForgotten(oldest: Cursor): CoatcheckError {
  return new CoatcheckError(
    'events_forgotten',
    `Cannot go on after this event: what came after it may be forgotten; list the sessions, then go ` +
      `on after "${oldest}"`,
    { oldest },
    { setting: 'keepEventsMs' },
  )
}

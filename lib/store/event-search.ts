/** Looks for what happened, the newest first, piece by piece; the same for every store. */
import { CoatcheckError } from '../base/errors.ts'
import type { BrowseStore, EventPage, EventQuery } from './browse-store.ts'
import type { FeedEvent } from './feed-store.ts'

/** `isLast`: the page is full, or nothing is left. */
export type EventPiece = EventPage & { readonly isLast: boolean }

/** Searches at the same time: one whose client has gone goes on all the same. */
const MOST_SEARCHES = 32

/** Reads at most `mostPieces` for a page. Rejects with `overloaded` where too many search. */
export function createEventSearch(
  readPiece: (query: EventQuery) => Promise<EventPiece>,
  mostPieces: number,
): BrowseStore['events'] {
  let searches = 0

  async function search(query: EventQuery): Promise<EventPage> {
    const events: FeedEvent[] = []
    let { after } = query
    for (let piece = 1; piece <= mostPieces; piece++) {
      const page = await readPiece({ ...query, after, limit: query.limit - events.length })
      events.push(...page.events)
      after = page.next
      // control: events-from-beginning
      if (isBeginning(events.at(-1), query.session)) after = undefined
      if (page.isLast || after === undefined) break
    }
    return { events, next: after }
  }

  return async (query) => {
    // control: searches-bounded
    if (searches >= MOST_SEARCHES) throw tooManySearches()
    searches++
    try {
      return await search(query)
    } finally {
      searches--
    }
  }
}

function tooManySearches(): CoatcheckError {
  return new CoatcheckError(
    'overloaded',
    `Cannot search what happened now: ${MOST_SEARCHES} searches are under way`,
  )
}

/** Whether nothing can have happened to the session before: most began lately, and the search ends there. */
function isBeginning(event: FeedEvent | undefined, id: string | undefined): boolean {
  if (event === undefined || id === undefined) return false
  if (event.type === 'session.renewed') return event.renewedAs === id
  return event.type === 'session.created' && event.session === id
}

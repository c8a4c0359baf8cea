/** The feed backwards, for who looks around. */
import type { BrowseStore, EventQuery } from '../../store/browse-store.ts'
import { createEventSearch } from '../../store/event-search.ts'
import { readFailure } from '../connection/failures.ts'
import type { FeedPages } from './pages.ts'

/** Of so many pieces of the feed, which are a million events, one search looks at each. */
const MOST_PIECES = 50

/** `place`: gives committed events their places. */
export function createHistory(
  pages: Pick<FeedPages, 'readBack'>,
  place: () => Promise<void>,
): BrowseStore['events'] {
  async function readPiece(query: EventQuery) {
    const page = await pages.readBack(query)
    // Only who begins with the newest wants those that have no place yet.
    if (query.after !== undefined || !page.isWaiting) return page
    await place().catch((error: unknown) => {
      throw readFailure(error)
    })
    return await pages.readBack(query)
  }

  return createEventSearch(async (query) => {
    const page = await readPiece(query)
    return { ...page, isLast: page.isFull }
  }, MOST_PIECES)
}

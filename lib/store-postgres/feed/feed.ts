/** The feed of this server: what it has told itself it knows at once, what others have within a second. */
import { unlessUnderWay } from '../../base/unless-under-way.ts'
import type { FeedEvent, FeedRetention, FeedStore } from '../../store/feed-store.ts'
import type { StoreCounts } from '../../store/store-counts.ts'
import type { Connection } from '../connection/connection.ts'
import { readFailure, writeFailure } from '../connection/failures.ts'
import type { OnTold } from '../tables/events.ts'
import type { FeedPages } from './pages.ts'
import { forgetEvents } from './retention.ts'

/** Pieces that one read looks at: with a filter, few events may fit. */
const MOST_PIECES = 20

export type Feed = {
  readonly store: FeedStore
  /** To be told of events that are committed, by when they happened. */
  readonly onTold: OnTold
  /** Wakes those who watch if there was something told since; to be called before it is acknowledged. */
  wake(): void
  /** To be called once a second: for what others have told. */
  look(): Promise<void>
  /** Forgets what is past the limits; as `look`. */
  sweep(now: number): Promise<void>
  /** As of about a second ago, and with what this server has told since. */
  counts(): StoreCounts['events']
}

export type FeedParts = {
  readonly pages: FeedPages
  /** Gives committed events their places. */
  readonly place: () => Promise<void>
  readonly connection: Pick<Connection, 'ask'>
  readonly retention: FeedRetention
}

export function createFeed({ pages, place, connection, retention }: FeedParts): Feed {
  const watchers = new Set<() => void>()
  const counts = { written: 0, kept: 0, oldestAt: undefined as number | undefined }
  let newest: number | undefined
  let hasNews = false

  function wakeAll(): void {
    hasNews = false
    for (const wake of watchers) wake()
  }

  async function placeForReader(): Promise<void> {
    await place().catch((error: unknown) => {
      throw readFailure(error)
    })
  }

  async function look(): Promise<void> {
    let state = await pages.look()
    if (state?.isWaiting === true) {
      await place()
      state = await pages.look()
    }
    counts.kept = state === undefined ? 0 : state.newest - state.oldest + 1
    counts.oldestAt = state?.oldestAt
    const isNewer = newest !== undefined && state !== undefined && state.newest !== newest
    newest = state?.newest
    if (isNewer || hasNews) wakeAll()
  }

  const store: FeedStore = {
    async read(query) {
      const events: FeedEvent[] = []
      let { after } = query
      let hasPlaced = false
      for (let piece = 1; piece <= MOST_PIECES; piece++) {
        const page = await pages.read({ ...query, after, limit: query.limit - events.length })
        events.push(...page.events)
        after = page.next
        if (page.isFull) break
        if (!page.isAtEnd) continue
        if (hasPlaced || !page.isWaiting) break
        await placeForReader()
        hasPlaced = true
      }
      return { events, next: after ?? '' }
    },

    async newest() {
      const { cursor, isWaiting } = await pages.newest()
      if (!isWaiting) return cursor
      await placeForReader()
      return (await pages.newest()).cursor
    },

    watch(wake) {
      // Each has its own, though two may give the same function.
      const own = (): void => wake()
      watchers.add(own)
      return () => void watchers.delete(own)
    },
  }

  return {
    store,
    onTold(moments) {
      if (moments.length === 0) return
      hasNews = true
      counts.written += moments.length
      counts.kept += moments.length
      counts.oldestAt ??= moments[0]
    },
    wake() {
      if (hasNews) wakeAll()
    },
    look: unlessUnderWay(look),
    async sweep(now) {
      await place().catch((error: unknown) => {
        throw writeFailure(error)
      })
      await forgetEvents(connection, now, retention)
      await look()
    },
    counts: () => ({ ...counts }),
  }
}

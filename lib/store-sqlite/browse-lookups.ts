/** `BrowseStore` for the main thread: in pieces, so that everything else goes first. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BrowseStore, UserSummary } from '../store/browse-store.ts'
import { createEventSearch } from '../store/event-search.ts'
import { type Browser, parseUserCursor, renderUserCursor } from './browse.ts'
import type { ReadGuard } from './database/sqlite-errors.ts'
import type { EventHistory } from './event-history.ts'
import type { Touches } from './touches.ts'
import type { WriteQueue } from './writer/write-queue.ts'

export type BrowseParts = {
  readonly browser: Browser
  readonly history: EventHistory
  readonly guard: ReadGuard
  readonly queue: Pick<WriteQueue, 'sentAnswered'>
  readonly touches: Pick<Touches, 'seenAt'>
  readonly elapsedMs: () => number
}

/** For so long a page of users holds up everything else. */
const SLICE_MS = 2

/** Of so many pieces of the feed, which are a million events, one search looks at each in a turn of its own. */
const MOST_PIECES = 200

export function createBrowse(parts: BrowseParts): BrowseStore {
  const { browser, history, guard, queue, touches, elapsedMs } = parts
  const { seenAt } = touches

  let lastTurn = Promise.resolve()

  /** One piece of all searches together in each turn of the event loop. */
  function ownTurn(): Promise<void> {
    return (lastTurn = lastTurn.then(() => nextTurn()))
  }

  const search = createEventSearch(async (query) => {
    await ownTurn()
    return guard.read(() => history.read(query))
  }, MOST_PIECES)

  /** As for `Store.list`: what is missing from the page must not be found after it. */
  async function read<T>(page: () => T): Promise<T> {
    const found = guard.read(page)
    await queue.sentAnswered()
    return found
  }

  return {
    newest: (query, now) => read(() => browser.newest(query, now, seenAt)),
    ofUsers: (query, now) => read(() => browser.ofUsers(query, now, seenAt)),
    idsFrom: (query, now) => read(() => browser.idsFrom(query, now, seenAt)),

    async events(query) {
      const page = await search(query)
      await queue.sentAnswered()
      return page
    },

    async users(query, now) {
      const users: UserSummary[] = []
      let after = query.after === undefined ? undefined : parseUserCursor(query.after)
      let endsAt = elapsedMs() + SLICE_MS
      async function rest(): Promise<void> {
        if (elapsedMs() < endsAt) return
        await nextTurn()
        endsAt = elapsedMs() + SLICE_MS
      }

      while (users.length < query.limit) {
        const sub = guard.read(() => browser.nextUser(query, after))
        if (sub === undefined) break
        after = sub
        let user: UserSummary = { sub, sessions: 0, isMore: false, since: Infinity, lastSeenAt: 0 }
        for (let from: number | undefined = 0; from !== undefined;) {
          // control: users-yield
          await rest()
          const start: number = from
          const which = { app: query.app, sub }
          const added = guard.read(() => browser.addSessions(user, which, start, now, seenAt))
          user = added.user
          from = added.last
        }
        if (user.sessions > 0) users.push(user)
      }
      const isFull = users.length === query.limit && after !== undefined
      await queue.sentAnswered()
      return { users, next: isFull ? renderUserCursor(after ?? '') : undefined }
    },
  }
}

/** The feed as the main thread reads it. */
import type { FeedEvent, FeedStore } from '../store/feed-store.ts'
import type { Cursor } from '../store/selection.ts'
import type { ReadGuard } from './database/sqlite-errors.ts'
import type { EventReader, KeptEvents } from './event-reader.ts'
import type { WriteQueue } from './writer/write-queue.ts'

export type FeedParts = {
  readonly reader: Pick<EventReader, 'read' | 'newest' | 'kept'>
  readonly guard: ReadGuard
  readonly queue: Pick<WriteQueue, 'sentAnswered'>
  /** Drops hot sessions that a command has ended in the file. */
  readonly noteOutsideChanges: () => void
  readonly takeTurn: () => Promise<unknown>
}

const NONE_KEPT: KeptEvents = { kept: 0, oldestAt: undefined }

/** Pieces that one read looks at, each in a turn of its own: with a filter, few events may fit. */
const MOST_PIECES = 20

export type Feed = FeedStore & {
  /** Tells those who watch that there may be new events. */
  wake(): void
  /** For metrics, which are told of none where the file cannot be read. */
  kept(): KeptEvents
}

export function createFeed(parts: FeedParts): Feed {
  const { reader, guard, queue, noteOutsideChanges, takeTurn } = parts
  const watchers = new Set<() => void>()

  return {
    async read(query) {
      const events: FeedEvent[] = []
      let after = query.after
      for (let piece = 1; ; piece++) {
        const limit = query.limit - events.length
        const page = guard.read(() => reader.read({ ...query, after, limit }))
        events.push(...page.events)
        after = page.next
        if (page.isLast || piece === MOST_PIECES) break
        await takeTurn()
      }
      await settle()
      return { events, next: after }
    },

    async newest(): Promise<Cursor> {
      const cursor = guard.read(() => reader.newest())
      await settle()
      return cursor
    },

    watch(wake) {
      // Each has its own, though two may give the same function.
      const own = (): void => wake()
      watchers.add(own)
      return () => void watchers.delete(own)
    },

    kept() {
      try {
        return guard.read(() => reader.kept())
      } catch {
        return NONE_KEPT
      }
    },

    wake() {
      for (const wake of watchers) wake()
    },
  }

  /** What was read may be newer than the hot sessions: who is told of an end must not find it live. */
  async function settle(): Promise<void> {
    noteOutsideChanges()
    // control: feed-before-hot
    await queue.sentAnswered()
  }
}

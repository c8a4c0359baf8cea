/** The store's reads: from the hot sessions, else from the file, and never older than an answered write. */
import { type Found, isLive } from '../session/session.ts'
import type { Store } from '../store/store.ts'
import type { ReadGuard } from './database/sqlite-errors.ts'
import type { HotSessions } from './memory.ts'
import type { Reader } from './reader.ts'
import type { Touches } from './touches.ts'
import type { WriteQueue } from './writer/write-queue.ts'

export type LookupParts = {
  readonly reader: Pick<Reader, 'find' | 'list' | 'countAfter'>
  readonly guard: ReadGuard
  readonly hot: HotSessions
  readonly queue: Pick<WriteQueue, 'isEmpty' | 'allAnswered' | 'sentAnswered'>
  readonly touches: Pick<Touches, 'seenAt'>
  readonly elapsedMs: () => number
  /** Waits for a turn of the event loop that no other long read has. */
  readonly takeTurn: () => Promise<unknown>
}

/** For so long a count holds up everything else, and then lets it go first. */
const COUNT_SLICE_MS = 2

export function createLookups(parts: LookupParts): Pick<Store, 'find' | 'list' | 'count'> & {
  /** Of ids that were asked for: those at hand, and those that were not. */
  readonly lookups: { readonly hit: number; readonly miss: number }
} {
  const { reader, guard, hot, queue, touches, elapsedMs, takeTurn } = parts
  const { seenAt } = touches
  const lookups = { hit: 0, miss: 0 }

  function findNow(id: string, now: number): Found {
    const known = hot.get(id)
    // control: hot-expiry
    const isHot = known !== undefined && isLive(known, now)
    if (isHot) {
      lookups.hit++
      return { state: 'live', session: known }
    }
    lookups.miss++
    const found = guard.read(() => reader.find(id, now, seenAt(id)))
    if (found.state === 'live') hot.add(found.session)
    return found
  }

  /** Whether the session has only expired, which a write that is on its way may have prevented. */
  function hasExpired(id: string, found: Found): boolean {
    // Its end may be forgotten at once (`keepEndedMs`); a session that is written to is hot.
    if (found.state !== 'ended') return hot.get(id) !== undefined
    const { reason } = found.tombstone
    return reason === 'idle_timeout' || reason === 'lifetime'
  }

  return {
    lookups,
    find(id, now) {
      const found = findNow(id, now)
      if (found.state === 'live' || queue.isEmpty() || !hasExpired(id, found)) return found
      // A write that was asked in time may keep the session alive or lengthen its lifetime. Once told
      // that a session has ended, nobody may find it live.
      return queue.allAnswered().then(() => findNow(id, now))
    },
    async list(query, now) {
      const page = guard.read(() => reader.list(query, now, seenAt))
      // The page may be newer than the hot sessions until the writer's answer arrives: a session that
      // is missing from the page must not be found after it.
      await queue.sentAnswered()
      return page
    },
    async count(which, now) {
      let count = 0
      for (let after: number | undefined = 0; after !== undefined;) {
        // control: count-yields
        await takeTurn()
        const from: number = after
        const endsAt = elapsedMs() + COUNT_SLICE_MS
        const goesOn = (): boolean => elapsedMs() < endsAt
        const counted = guard.read(() => reader.countAfter(from, which, now, seenAt, goesOn))
        count += counted.count
        after = counted.last
      }
      // As for a list: whoever is not counted is not found after it.
      await queue.sentAnswered()
      return count
    },
  }
}

import type { HotSessions } from './memory.ts'
import { MINTED, type RequestKind, type WriteAnswer, type WriteRequest } from './writer/protocol.ts'

type Updates = {
  readonly [Kind in RequestKind]?: (request: WriteRequest<Kind>, answer: WriteAnswer<Kind>) => void
}

/** Updates the hot sessions with each acknowledged write, so that every read after it shows it. */
export function createHotUpdates(
  hot: HotSessions,
): <Kind extends RequestKind>(request: WriteRequest<Kind>, answer: WriteAnswer<Kind>) => void {
  const updates: Updates = {
    insert({ session, seenAt }, { evicted }) {
      // A minted id that was not in use cannot be hot.
      if (seenAt !== MINTED) hot.remove(session.id)
      hot.remove(...evicted)
    },
    change({ id }, changed) {
      if (changed.state !== 'live') return hot.remove(id)
      if (changed.evicted !== undefined) hot.remove(...changed.evicted)
      // control: renewed-not-hot
      if (changed.session.id !== id) return hot.remove(id)
      hot.update(id, changed.session)
    },
    // control: ended-not-hot
    end({ id }) {
      // control: read-end-2
      hot.remove(id)
    },
    end_many(_, { ids }) {
      hot.remove(...ids)
    },
  }
  return (request, answer) => updates[request.kind]?.(request, answer)
}

import type { HotSessions } from './memory.ts'
import { MINTED, type RequestKind, type WriteAnswer, type WriteRequest } from './writer/protocol.ts'

type Updates = {
  readonly [Kind in RequestKind]?: (request: WriteRequest<Kind>, answer: WriteAnswer<Kind>) => void
}

/**
 * Updates the hot sessions with each acknowledged write, so that every read after it shows it. `touch` is
 * told of activity that a write has left to be noted; `onEvent`, that it has written an event.
 */
export function createHotUpdates(
  hot: HotSessions,
  touch: (id: string, now: number) => void,
  onEvent: () => void = () => {},
): <Kind extends RequestKind>(request: WriteRequest<Kind>, answer: WriteAnswer<Kind>) => void {
  const updates: Updates = {
    insert({ session, seenAt }, { evicted }) {
      // A minted id that was not in use cannot be hot.
      if (seenAt !== MINTED) hot.remove(session.id)
      hot.remove(...evicted)
      onEvent()
    },
    change({ id, now }, changed) {
      if (changed.state !== 'live') return hot.remove(id)
      // control: unwritten-activity
      if (changed.isUnwritten) return touch(id, now)
      // It is there where the session got another `sub`.
      if (changed.evicted !== undefined) {
        hot.remove(...changed.evicted)
        onEvent()
      }
      if (changed.session.id !== id) {
        onEvent()
        // control: renewed-not-hot
        return hot.remove(id)
      }
      hot.update(id, changed.session)
    },
    // control: ended-not-hot
    end({ id }) {
      // control: read-end-2
      hot.remove(id)
      onEvent()
    },
    end_many(_, { ids }) {
      hot.remove(...ids)
      onEvent()
    },
  }
  return (request, answer) => updates[request.kind]?.(request, answer)
}

/** One stream of events: where its reader is, and what it is to get next. */
import type { Cursor } from '../../store/selection.ts'
import { renderPlace } from './event-json.ts'

export type EventStream = {
  /** The next bytes, once there are some; undefined once the stream has ended. One call at a time. */
  next(): Promise<Uint8Array | undefined>
  /** There may be events to read. */
  wake(): void
  /** Nothing has been sent for a while. */
  breakSilence(): void
  /** Ends the stream; a reader that has not taken what was sent is cut off. */
  end(): void
  /** The reader has gone. */
  close(): void
}

/** Events as bytes, none where none fit; `mayGoOn`: there may be more behind `next`. */
export type Chunk = {
  readonly bytes: Uint8Array
  readonly next: Cursor
  readonly mayGoOn: boolean
}

export type EventStreamParts = {
  /** What was read to open it, and is its beginning. */
  readonly first: Chunk
  /** Reads on; rejects where that is not possible any more. */
  readonly read: (after: Cursor) => Promise<Chunk>
  /** Waits for a turn of the event loop. */
  readonly takeTurn: () => Promise<void>
  readonly cut: () => void
  readonly onEnd: () => void
}

/** Milliseconds until a client that has lost its connection comes again. */
const RETRY_MS = 1_000

const encoder = new TextEncoder()

export function createEventStream(parts: EventStreamParts): EventStream {
  const { first, read, takeTurn, cut, onEnd } = parts
  let ready: Uint8Array | undefined = startWith(first)
  let after = first.next
  let hasNews = first.mayGoOn
  let isEnded = false
  let isPulled = false
  let isSilent = false
  let stopWaiting: (() => void) | undefined

  function close(): void {
    if (isEnded) return
    isEnded = true
    onEnd()
    stopWaiting?.()
  }

  function end(): void {
    if (!isEnded && !isPulled) cut()
    close()
  }

  /** Waits for news, silence or the end. */
  async function wait(): Promise<void> {
    await new Promise<void>((resolve) => (stopWaiting = resolve))
    stopWaiting = undefined
  }

  async function pull(): Promise<Uint8Array | undefined> {
    isSilent = false
    for (;;) {
      if (!isSilent && !hasNews && !isEnded) await wait()
      if (isEnded) return undefined
      await takeTurn()
      if (isSilent) return encoder.encode(`:\n${renderPlace(after)}`)
      hasNews = false
      const chunk = await read(after)
      hasNews ||= chunk.mayGoOn
      after = chunk.next
      if (chunk.bytes.length > 0) return chunk.bytes
    }
  }

  return {
    async next() {
      if (ready !== undefined && !isEnded) {
        const bytes = ready
        ready = undefined
        return bytes
      }
      isPulled = true
      try {
        return await pull()
      } catch {
        // Its client comes again, and is told why it cannot go on.
        close()
        return undefined
      } finally {
        isPulled = false
      }
    },
    wake() {
      hasNews = true
      stopWaiting?.()
    },
    breakSilence() {
      isSilent = true
      stopWaiting?.()
    },
    end,
    close,
  }
}

function startWith({ bytes, next }: Chunk): Uint8Array {
  const start = encoder.encode(`retry: ${RETRY_MS}\n\n`)
  return Buffer.concat([start, bytes.length > 0 ? bytes : encoder.encode(renderPlace(next))])
}

/**
 * Reads the feed of a server as server-sent events, and connects again whenever that ends. Reads only
 * what is asked for: while a receiver is slow, the stream waits, and a server that cuts it then is
 * asked again later.
 */
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { RelayCounts } from '../relay-counts.ts'
import { RelayError } from '../relay-error.ts'
import { runAfter, wait } from '../wait.ts'
import { type FeedEvent, readFeedEvent } from '../webhook/message.ts'
import { type ConnectFeed, reasonOf } from './feed-connection.ts'
import { FeedFault } from './feed-fault.ts'
import { createSseParser, type SseItem } from './sse-parser.ts'

/** `cursor`: where to go on once the item is dealt with. */
export type FeedItem =
  | { readonly kind: 'event'; readonly cursor: string; readonly event: FeedEvent }
  /** Nothing up to here is for this relay. */
  | { readonly kind: 'passed'; readonly cursor: string }
  /** The feed has forgotten events that had not been read; this is the oldest place that is left. */
  | { readonly kind: 'forgotten'; readonly cursor: string }

/**
 * Goes on until the signal is given; without `after` it begins with what happens next. Throws a
 * `RelayError` for what no further attempt mends.
 */
export type ReadFeed = (
  after: string | undefined,
  signal: AbortSignal,
) => AsyncGenerator<FeedItem, void, void>

/** The server sends a comment every 15 s. */
const SILENCE_MS = 45_000

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000

export function createReadFeed(deps: {
  readonly connect: ConnectFeed
  readonly clock: Clock
  readonly log: Log
  readonly counts: Pick<RelayCounts, 'connected'>
  /** From 0 to 1. */
  readonly random: () => number
}): ReadFeed {
  const { connect, clock, log, counts, random } = deps

  return async function* readFeed(after, signal) {
    let cursor = after
    let faults = 0
    while (!signal.aborted) {
      try {
        const answer = await connect(cursor, signal)
        if (answer.kind === 'forgotten') {
          if (answer.oldest === cursor) throw new FeedFault('the feed has forgotten its own oldest')
          cursor = requireCursor(answer.oldest)
          yield { kind: 'forgotten', cursor }
          continue
        }
        counts.connected(true)
        log.info('feed_connected', { after: cursor ?? '' })
        for await (const item of itemsOf(answer.response)) {
          faults = 0
          if (item === undefined) continue
          cursor = item.cursor
          yield item
        }
        throw new FeedFault('the server has ended the stream')
      } catch (error) {
        if (error instanceof RelayError) throw error
        counts.connected(false)
        if (signal.aborted) return
        const waitMs = Math.min(FIRST_WAIT_MS * 2 ** faults++, LONGEST_WAIT_MS)
        const reason = error instanceof FeedFault ? error.message : reasonOf(error)
        log.warn('feed_disconnected', { reason, retryInMs: waitMs })
        await wait(clock, waitMs * (1 + random() / 10), signal)
      }
    }
  }

  /** Undefined for a sign of life. */
  async function* itemsOf(response: IncomingMessage): AsyncGenerator<FeedItem | undefined> {
    const parser = createSseParser()
    const decoder = new TextDecoder()
    const chunks: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]()
    try {
      for (;;) {
        // Only while it is asked for: what came meanwhile waits in a buffer.
        const stopTimer = runAfter(clock, SILENCE_MS, () => {
          response.destroy(new FeedFault(`nothing came for ${SILENCE_MS / 1_000} s`))
        })
        const { done, value } = await chunks.next().finally(stopTimer)
        if (done === true) return
        yield undefined
        for (const item of parser.push(decoder.decode(value, { stream: true }))) {
          yield readItem(item)
        }
      }
    } finally {
      response.destroy()
    }
  }
}

/**
 * Of a cursor and of an event's id; those of a feed have some twenty. Both must fit into one slot of the
 * cursor's file, where a character takes up to six bytes, and a cursor into a URL.
 */
const MOST_ID_CHARACTERS = 256

function requireCursor(cursor: string): string {
  if (cursor === '') throw new FeedFault('an event came without an id')
  requireBoundedId(cursor)
  return cursor
}

function requireBoundedId(id: string): void {
  // control: feed-id-bound
  if (id.length > MOST_ID_CHARACTERS) throw new FeedFault('an id is too long to be one of a feed')
}

function readItem(item: SseItem): FeedItem {
  requireCursor(item.id)
  if (item.kind === 'id') return { kind: 'passed', cursor: item.id }
  const event = readFeedEvent(parse(item.data))
  if (event === undefined) throw new FeedFault('something came that is no event of a feed')
  requireBoundedId(event.id)
  return { kind: 'event', cursor: item.id, event }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

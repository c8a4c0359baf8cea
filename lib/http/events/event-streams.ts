/**
 * The streams of events that are open. Each is pulled by its reader: what a reader does not take is not
 * read from the store, and costs nothing.
 */
import type { Clock } from '../../base/clock.ts'
import { CoatcheckError } from '../../base/errors.ts'
import type { FeedQuery, FeedStore } from '../../store/feed-store.ts'
import { createPartTime } from '../server/turn-taking.ts'
import { renderBlock, type ShowId } from './event-json.ts'
import { type Chunk, createEventStream, type EventStream } from './event-stream.ts'

export type EventStreams = {
  /**
   * Opens a stream of the events that fit the query. Rejects as `FeedStore.read` does, and with
   * `overloaded` where too many are open.
   */
  open(query: StreamQuery, reader: StreamReader): Promise<EventStream>
  /** How many are open, and how many may be. */
  count(): number
  readonly limit: number
  /** Ends all streams, and opens none any more. */
  stop(): void
}

export type StreamQuery = Omit<FeedQuery, 'limit'>

export type StreamReader = {
  readonly showId: ShowId
  /** What the reader has shown; of those who have shown the same, one is asked about. */
  readonly key: string
  /** Whether the reader may still read. Asked about once a second. */
  readonly isAdmitted: () => Promise<boolean>
  /** Closes the connection of a reader that does not take what was sent. */
  readonly cut: () => void
}

export type EventStreamsOptions = {
  readonly feed: FeedStore
  readonly clock: Clock
  readonly maxEventStreams: number
}

/** Proxies close a connection on which nothing comes for a minute. */
const HEARTBEAT_MS = 15_000
const ADMISSION_MS = 1_000

/** Events of one chunk, about 20 KB: the most that waits in memory for a reader that is slow. */
const CHUNK_EVENTS = 100

/** Streams have a third of the main thread at most. */
const REST_SHARE = 2

const encoder = new TextEncoder()

export function createEventStreams(options: EventStreamsOptions): EventStreams {
  const { feed, clock, maxEventStreams } = options
  const streams = new Map<EventStream, StreamReader>()
  /** Those that are about to open. */
  let opening = 0
  let stopWatching: (() => void) | undefined
  let isStopped = false
  /** What was read last: most streams that are woken together want the same. */
  let shared: { readonly key: string; readonly chunk: Promise<Chunk> } | undefined
  // A thousand streams that are woken at once hold nobody up.
  const inTurn = createPartTime(REST_SHARE)
  // control: streams-in-turn
  const takeTurn = () => new Promise<void>((resolve) => inTurn(resolve))

  function read(query: StreamQuery, showId: ShowId): Promise<Chunk> {
    const key = JSON.stringify(query)
    if (shared?.key === key) return shared.chunk
    const chunk = readChunk(feed, query, showId)
    shared = { key, chunk }
    return chunk
  }

  function watch(): () => void {
    const all = streams.keys.bind(streams)
    const stops = [
      feed.watch(() => {
        shared = undefined
        // control: streams-woken
        for (const stream of all()) stream.wake()
      }),
      clock.every(HEARTBEAT_MS, () => {
        for (const stream of all()) stream.breakSilence()
      }),
      clock.every(ADMISSION_MS, () => {
        const byKey = Map.groupBy(streams, ([, { key }]) => key)
        for (const group of byKey.values()) void endUnlessAdmitted(group)
      }),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }

  function restIfIdle(): void {
    if (streams.size + opening > 0) return
    stopWatching?.()
    stopWatching = shared = undefined
  }

  function refusal(): CoatcheckError | undefined {
    if (isStopped) return new CoatcheckError('overloaded', `${NOT_OPENED}: the server is stopping`)
    // control: max-event-streams
    if (streams.size + opening < maxEventStreams) return undefined
    const why = `${maxEventStreams} are open; close one, or raise the limit`
    return new CoatcheckError('overloaded', `${NOT_OPENED}: ${why}`, {}, LIMIT)
  }

  async function openStream(query: StreamQuery, reader: StreamReader): Promise<EventStream> {
    // Watches from before the first read on, or what comes in between would be noticed late.
    stopWatching ??= watch()
    shared = undefined
    const first = await read(query, reader.showId)
    const stream = createEventStream({
      first: { ...first, mayGoOn: true },
      read: (after) => read({ ...query, after }, reader.showId),
      takeTurn,
      cut: reader.cut,
      onEnd() {
        streams.delete(stream)
        restIfIdle()
      },
    })
    streams.set(stream, reader)
    if (isStopped) stream.end()
    return stream
  }

  return {
    async open(query, reader) {
      const refused = refusal()
      if (refused !== undefined) throw refused
      opening++
      try {
        return await openStream(query, reader)
      } finally {
        opening--
        restIfIdle()
      }
    },
    count: () => streams.size,
    limit: maxEventStreams,
    stop() {
      isStopped = true
      for (const stream of streams.keys()) stream.end()
    },
  }
}

const NOT_OPENED = 'Cannot open a stream of events'
const LIMIT = { setting: 'maxEventStreams' } as const

async function readChunk(feed: FeedStore, query: StreamQuery, showId: ShowId): Promise<Chunk> {
  const { events, next } = await feed.read({ ...query, limit: CHUNK_EVENTS })
  const { type, sub, session, app, after } = query
  const isFiltered = [type, sub, session, app].some((choice) => choice !== undefined)
  return {
    bytes: encoder.encode(events.map((event) => renderBlock(event, showId)).join('')),
    next,
    mayGoOn: isFiltered ? next !== after : events.length === CHUNK_EVENTS,
  }
}

/** Of readers with the same key, and so with the same rights. */
async function endUnlessAdmitted(
  group: readonly (readonly [EventStream, StreamReader])[],
): Promise<void> {
  // Where that cannot be told now, the next look tells.
  const isAdmitted = await group[0]?.[1].isAdmitted().catch(() => true)
  // control: revoked-stream-ends
  if (isAdmitted === true) return
  for (const [stream] of group) stream.end()
}

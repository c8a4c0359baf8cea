/**
 * The stream of numbers: one message a second, made once and shared by all who look. Whoever does not
 * take a message misses it; the next one has all that counts.
 */
import { CoatcheckError } from '../base/errors.ts'
import type { Points } from '../metrics/points.ts'
import type { Dashboards, Viewer } from '../service/dashboards.ts'
import type { FeedStore } from '../store/feed-store.ts'
import type { Cursor } from '../store/selection.ts'
import { PAGE_HEADERS } from './answers.ts'

export type Live = {
  /** Rejects with `overloaded` where too many look. For `HEAD` it takes nobody's place. */
  open(viewer: Viewer, method: string): Response
  /** Closes all of them, and opens none any more. */
  close(): void
}

export type LiveDeps = {
  readonly points: Pick<Points, 'all' | 'watch'>
  readonly feed: Pick<FeedStore, 'watch' | 'newest'>
  readonly dashboards: Pick<Dashboards, 'isLive'>
}

export const MOST_STREAMS = 32

type Stream = {
  readonly viewer: Viewer
  send(bytes: Uint8Array): void
  close(): void
}

const encoder = new TextEncoder()

export function createLive({ points, feed, dashboards }: LiveDeps): Live {
  const streams = new Set<Stream>()
  let stopWatching: (() => void) | undefined
  let isClosed = false
  let mayHaveNews = false
  /** The newest event that whoever looks knows of; undefined where none are kept. */
  let newest: Cursor | undefined

  function watch(): void {
    void readNewest().then((cursor) => (newest = cursor))
    const stopPoints = points.watch((point) => {
      sendAll(`event: point\ndata: ${JSON.stringify(point)}\n\n`)
      if (mayHaveNews) void tellNews()
      mayHaveNews = false
      void closeLoggedOut()
    })
    const stopFeed = feed.watch(() => (mayHaveNews = true))
    stopWatching = () => {
      stopPoints()
      stopFeed()
    }
  }

  /** Made once, and shared by all. */
  function sendAll(text: string): void {
    const bytes = encoder.encode(text)
    for (const stream of streams) stream.send(bytes)
  }

  function readNewest(): Promise<Cursor | undefined> {
    return feed.newest().catch(() => undefined)
  }

  /** A feed may wake for nothing; and of news nobody here tells what they are: an app sees its own alone. */
  async function tellNews(): Promise<void> {
    const cursor = await readNewest()
    if (cursor === newest) return
    newest = cursor
    sendAll('event: news\ndata:\n\n')
  }

  /** Nobody goes on looking whose key was revoked, or whose time is up. */
  async function closeLoggedOut(): Promise<void> {
    for (const stream of streams) {
      // control: live-logged-out
      if (!(await dashboards.isLive(stream.viewer).catch(() => true))) stream.close()
    }
  }

  function forget(stream: Stream): void {
    if (!streams.delete(stream) || streams.size > 0) return
    stopWatching?.()
    stopWatching = undefined
  }

  return {
    open(viewer, method) {
      // Nobody would read the stream, nor end it.
      // control: live-head
      if (method === 'HEAD') return new Response(null, { headers: STREAM_HEADERS })
      // control: live-streams
      if (isClosed || streams.size >= MOST_STREAMS) {
        throw new CoatcheckError(
          'overloaded',
          `Cannot show moving numbers here: ${MOST_STREAMS} dashboards show them already; reload the page ` +
            'to see those of now',
        )
      }
      let stream: Stream | undefined
      const body = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            stream = {
              viewer,
              send(bytes) {
                // Behind a reader who does not read, messages would pile up.
                if ((controller.desiredSize ?? 0) > 0) controller.enqueue(bytes)
              },
              close() {
                if (stream !== undefined) forget(stream)
                try {
                  controller.close()
                } catch {
                  // The reader has gone at the same moment.
                }
              },
            }
            streams.add(stream)
            controller.enqueue(encoder.encode(`retry: 3000\n\n${renderAll(points.all())}`))
          },
          cancel() {
            if (stream !== undefined) forget(stream)
          },
        },
        { highWaterMark: 4 },
      )
      if (streams.size === 1) watch()
      return new Response(body, { headers: STREAM_HEADERS })
    },

    close() {
      isClosed = true
      for (const stream of streams) stream.close()
    },
  }
}

function renderAll(points: ReturnType<Points['all']>): string {
  return `event: points\ndata: ${JSON.stringify(points)}\n\n`
}

const STREAM_HEADERS = {
  ...PAGE_HEADERS,
  'Content-Type': 'text/event-stream',
  // A stream ends when it must, and then the connection does.
  Connection: 'close',
  // nginx would gather some kilobytes before it passes them on.
  'X-Accel-Buffering': 'no',
}

/** `/events`: what has happened to sessions, by pages and as a stream, for back ends. */
import { CoatcheckError } from '../../base/errors.ts'
import type { ApiKeys } from '../../service/api-keys.ts'
import { isWithin } from '../../session/api-key.ts'
import { FEED_EVENT_TYPES, type FeedEventType, type FeedStore } from '../../store/feed-store.ts'
import type { Cursor } from '../../store/selection.ts'
import { readBearer } from '../access/shown-token.ts'
import { callersApp, callersIdShape, fullIdFor, isCallersId, shownId } from '../access/app-ids.ts'
import { answerJson, SAFE_HEADERS } from '../answer/answer.ts'
import { operations } from '../api.ts'
import { queryNames } from '../api-parts.ts'
import type { AppContext } from '../app-env.ts'
import { renderEvent, type ShowId } from '../events/event-json.ts'
import type { EventStream } from '../events/event-stream.ts'
import type { EventStreams, StreamQuery, StreamReader } from '../events/event-streams.ts'
import { badQuery, readPageSize, readParameters, readSub } from '../request/parameters.ts'
import { prefersType, type Query, readHeader } from '../request/request.ts'
import type { Handlers } from './routes.ts'

export type EventsDeps = {
  readonly feed: FeedStore
  readonly streams: EventStreams
  readonly apiKeys: ApiKeys
}

const NAMES = queryNames(operations.listEvents)
const STREAM_TYPE = 'text/event-stream'

/** Words in place of a cursor. */
const FROM_OLDEST = '0'
const FROM_NOW = 'now'

export function createEvents({ feed, streams, apiKeys }: EventsDeps): Pick<Handlers, 'listEvents'> {
  async function answerPage(c: AppContext, query: StreamQuery, limit: number): Promise<Response> {
    const page = await feed.read({ ...query, limit }).catch(refuseCursor)
    const events = page.events.map((event) => renderEvent(event, (id) => shownId(c, id)))
    return answerJson(200, `{"events":[${events.join(',')}],"next":${JSON.stringify(page.next)}}`)
  }

  async function answerStream(c: AppContext, query: StreamQuery): Promise<Response> {
    if (c.req.method === 'HEAD') {
      await feed.read({ ...query, limit: 1 }).catch(refuseCursor)
      return new Response(null, { headers: STREAM_HEADERS })
    }
    const stream = await streams.open(query, readerOf(c)).catch(refuseCursor)
    return new Response(bodyOf(stream), { headers: STREAM_HEADERS })
  }

  function readerOf(c: AppContext): StreamReader {
    const key = readBearer(c) ?? ''
    const app = callersApp(c)
    const showId: ShowId = (id) => shownId(c, id)
    return {
      key,
      showId,
      async isAdmitted() {
        const backEnd = await apiKeys.find(key)
        return backEnd !== undefined && isWithin(backEnd.scope, 'read') && backEnd.app === app
      },
      cut: () => void c.env.outgoing.destroy(),
    }
  }

  /** The place to go on from; undefined for the oldest event. */
  async function readAfter(c: AppContext, query: Query, isStream: boolean) {
    // The browser's, which comes again with the address that it began with.
    const last = isStream ? readHeader(c, 'last-event-id') : undefined
    const given: Cursor | undefined = last ?? query.get('after')
    if (given === FROM_NOW || (given === undefined && isStream)) return await feed.newest()
    return given === FROM_OLDEST ? undefined : given
  }

  return {
    async listEvents(c) {
      const query = readParameters(c, NAMES)
      const isStream = prefersType(c, STREAM_TYPE, 'application/json')
      const limit = readPageSize(query)
      const asked: StreamQuery = {
        app: callersApp(c),
        sub: readSub(query),
        session: readSession(c, query),
        type: readType(query),
        after: await readAfter(c, query, isStream),
      }
      return isStream ? await answerStream(c, asked) : await answerPage(c, asked, limit)
    },
  }
}

const STREAM_HEADERS = {
  ...SAFE_HEADERS,
  'Content-Type': STREAM_TYPE,
  // A stream ends when it must, and then the connection does: nothing else can come on it.
  Connection: 'close',
  // nginx would gather some kilobytes before it passes them on.
  'X-Accel-Buffering': 'no',
}

/** Nothing is read ahead of the reader. */
function bodyOf(stream: EventStream): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await stream.next()
        if (bytes === undefined) controller.close()
        else controller.enqueue(bytes)
      },
      cancel: () => stream.close(),
    },
    // control: streams-pulled
    { highWaterMark: 0 },
  )
}

function readType(query: Query): FeedEventType | undefined {
  const type = query.get('type')
  const found = FEED_EVENT_TYPES.find((one) => one === type)
  if (type === undefined || found !== undefined) return found
  throw badQuery(`?type= must be one of ${FEED_EVENT_TYPES.join(', ')}`)
}

/** The full id of the session. */
function readSession(c: AppContext, query: Query): string | undefined {
  const id = query.get('session')
  if (id === undefined) return undefined
  if (isCallersId(c, id)) return fullIdFor(c, id)
  throw badQuery(`?session= must be the id of a session, ${callersIdShape(c)}`)
}

function refuseCursor(error: unknown): never {
  if (!(error instanceof CoatcheckError && error.code === 'invalid_argument')) throw error
  throw badQuery(
    '?after=, or Last-Event-ID, must be the "id" of an event, the "next" of a page, 0 for the oldest ' +
      'event that is kept, or now',
  )
}

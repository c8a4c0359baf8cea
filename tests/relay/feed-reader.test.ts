import { getEventListeners } from 'node:events'
import type { RequestListener } from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../../lib/base/clock.ts'
import { createLog } from '../../lib/base/log.ts'
import { readAddressOrSocket } from '../../lib/relay/address.ts'
import { createConnectFeed, type FeedChoice } from '../../lib/relay/feed/feed-connection.ts'
import { createReadFeed, type FeedItem } from '../../lib/relay/feed/feed-reader.ts'
import { readNewestSlot, renderSlot } from '../../lib/relay/state/cursor-slots.ts'
import { createRelayCounts } from '../../lib/relay/relay-counts.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { eventOf } from '../kit/relay/feed-events.ts'
import { startReceiver } from '../kit/relay/receiver.ts'

const test = suite('reader of a feed')

const KEY = 'ck_a-key-that-must-be-in-no-log'
const ALL: FeedChoice = { type: undefined, sub: undefined }

test('a key that the server refuses is the end, and is not in the message', async () => {
  for (const status of [401, 403]) {
    const { refusal } = await readFrom((_, response) => {
      response.writeHead(status).end(problem('api_key_required'))
    })
    assert.match(refusal, `the server refuses the API key (${status} api_key_required)`)
    assert.not.match(refusal, KEY)
  }
})

test('a server that keeps no events is the end', async () => {
  const { refusal } = await readFrom((_, response) => {
    response.writeHead(404).end(problem('events_not_kept'))
  })
  assert.match(refusal, 'the server keeps no events (--max-events 0)')
})

test('a cursor that the server does not understand is the end, with its own words', async () => {
  const { refusal } = await readFrom((_, response) => {
    response.writeHead(400).end(problem('bad_request'))
  })
  assert.match(refusal, 'Cannot read the feed: detail of bad_request')
})

test('the feed is asked for what is wanted, with the key, from the cursor on', async () => {
  const { requests } = await readFrom(stream(blockOf(9)), {
    after: '8-run&x',
    choice: { type: 'session.ended', sub: 'ädä & co' },
    take: 1,
  })
  const [{ path = '', headers = {} } = {}] = requests
  const { pathname, searchParams } = new URL(path, 'http://x')
  assert.is(pathname, '/events')
  assert.equal(Object.fromEntries(searchParams), {
    type: 'session.ended',
    sub: 'ädä & co',
    after: '8-run&x',
  })
  assert.is(headers['accept'], 'text/event-stream')
  assert.is(headers['authorization'], `Bearer ${KEY}`)
})

test('a server below a path of a proxy is asked there', async () => {
  const { requests } = await readFrom(stream(blockOf(9)), { path: '/sessions/', take: 1 })
  assert.is(requests[0]?.path, '/sessions/events')
})

test('events and places come in their order, however the bytes are cut', async () => {
  const bytes = Buffer.from(`:\nid: 1-run\n\n${blockOf(2, 'ädä 😀')}${blockOf(3)}`)
  const { items } = await readFrom(
    (_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      const write = (at: number): void => {
        if (at === bytes.length) return
        response.write(bytes.subarray(at, at + 7), () =>
          setImmediate(write, Math.min(at + 7, bytes.length)),
        )
      }
      write(0)
    },
    { take: 3 },
  )
  assert.equal(items, [
    { kind: 'passed', cursor: '1-run' },
    { kind: 'event', cursor: '2-run', event: { ...eventOf(2), sub: 'ädä 😀' } },
    { kind: 'event', cursor: '3-run', event: eventOf(3) },
  ])
})

test('a stream that ends is taken up again after the last event, with longer and longer waits', async () => {
  let count = 0
  const { items, requests, lines, waits } = await readFrom(
    (request, response) => {
      count++
      if (count === 1) return stream(blockOf(1))(request, response)
      if (count < 8) return response.writeHead(503).end()
      stream(blockOf(2))(request, response)
    },
    { take: 2 },
  )
  assert.equal(cursorsOf(items), ['1-run', '2-run'])
  const asked = requests.map(({ path }) => new URL(path, 'http://x').searchParams.get('after'))
  assert.equal(asked, [null, ...Array<string>(7).fill('1-run')])
  assert.equal(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  const told = lines.map(({ event, reason }) => reason ?? event)
  assert.equal(told.slice(0, 3), [
    'feed_connected',
    'the server has ended the stream',
    'status 503',
  ])
  assert.not.match(JSON.stringify(lines), KEY)
})

test('a server that is away is asked again, and what answers in its place is no feed', async () => {
  let count = 0
  const { items, lines } = await readFrom(
    (request, response) => {
      count++
      if (count === 1) return request.socket.destroy()
      if (count === 2) return response.end('<h1>It works!</h1>')
      if (count === 3) return response.writeHead(302, { Location: '/' }).end()
      if (count === 4) return stream('id: 1-run\ndata: {"no":"event"}\n\n')(request, response)
      if (count === 5) return stream('data: {}\n\n')(request, response)
      if (count === 6) return stream('x'.repeat(70_000))(request, response)
      if (count === 7) return stream(`id: ${'7'.repeat(257)}\n\n`)(request, response)
      stream(blockOf(2))(request, response)
    },
    { take: 1 },
  )
  assert.equal(cursorsOf(items), ['2-run'])
  assert.equal(
    lines.filter(({ event }) => event === 'feed_disconnected').map(({ reason }) => reason),
    [
      'ECONNRESET',
      'the answer is no stream of events',
      'status 302',
      'something came that is no event of a feed',
      'an event came without an id',
      'an event is too long to be one of a feed',
      'an id is too long to be one of a feed',
    ],
  )
})

test('an event that could not be sent is a fault of the server, and the feed is asked again', async () => {
  const [, data = ''] = /data: (.*)/.exec(blockOf(1)) ?? []
  const block = (text: string) => `id: 1-run\ndata: ${text}\n\n`
  const { items, faults } = await readFaults([
    block(data.replace('1-run', '\\ud800')),
    block(data.replace('}', `,"more":${'{"0":'.repeat(1e4)}1${'}'.repeat(1e4)}}`)),
  ])
  assert.equal(cursorsOf(items), ['2-run'])
  assert.equal(faults, Array<string>(2).fill('something came that is no event of a feed'))
})

test('an event with an id that its server never makes is a fault of that server', async () => {
  const { items, faults } = await readFaults([
    blockOf(1).replaceAll('"1-run"', JSON.stringify('7'.repeat(60_000))),
    blockOf(1).replaceAll('"1-run"', JSON.stringify('7'.repeat(257))),
  ])
  assert.equal(cursorsOf(items), ['2-run'])
  assert.equal(faults, Array<string>(2).fill('an id is too long to be one of a feed'))
})

test('the longest id that is taken fits into the file of the cursor, whatever is in it', async () => {
  for (const character of ['\u0001', '"', '7', 'ä', '語']) {
    const id = character.repeat(256)
    const block = `id: ${id}\ndata: ${JSON.stringify({ ...eventOf(1), id })}\n\n`
    const { items } = await readFrom(stream(block))
    const [item] = items
    assert.ok(item?.kind === 'event')
    const failing = { event: item.event.id, since: 8.64e15, attempts: Number.MAX_SAFE_INTEGER }
    const slot = { turn: Number.MAX_SAFE_INTEGER, state: { after: item.cursor, failing } }
    assert.equal(readNewestSlot(Buffer.concat([renderSlot(slot), renderSlot(slot)])), slot)
  }
})

test('a place from which the feed would go on has the bounds of an id', async () => {
  let count = 0
  const { items, lines } = await readFrom((request, response) => {
    if (++count > 1) return stream(blockOf(2))(request, response)
    response.writeHead(410).end(problem('events_forgotten', { oldest: '9'.repeat(257) }))
  })
  assert.equal(cursorsOf(items), ['2-run'])
  assert.is(lines[0]?.['reason'], 'an id is too long to be one of a feed')
})

test('events that were forgotten are told, and it goes on from the oldest', async () => {
  const { items, requests } = await readFrom(
    (request, response) => {
      if (request.url?.includes('after=3-run') === true) {
        response.writeHead(410).end(problem('events_forgotten', { oldest: '90-run' }))
      } else stream(blockOf(91))(request, response)
    },
    { after: '3-run', take: 2 },
  )
  assert.equal(items, [
    { kind: 'forgotten', cursor: '90-run' },
    { kind: 'event', cursor: '91-run', event: eventOf(91) },
  ])
  assert.is(requests[1]?.path, '/events?after=90-run')
})

test('a stream on which nothing comes for 45 seconds is dead; a comment is a sign of life', async () => {
  const clock = createFakeClock()
  let silences = 0
  const watched: Clock = {
    now: clock.now,
    every(ms, run) {
      if (ms === 45_000) silences++
      return clock.every(ms, run)
    },
  }
  let count = 0
  const reading = readFrom(
    async (request, response) => {
      count++
      if (count === 2) return stream(blockOf(2))(request, response)
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write(':\n\n')
      for (const seen of [2, 3]) {
        await until(() => silences === seen)
        clock.advance(44_999)
        response.write(':\n\n')
      }
      await until(() => silences === 4)
      clock.advance(45_000)
    },
    { take: 1, clock: watched, advance: clock.advance },
  )
  const { items, lines } = await reading
  assert.equal(cursorsOf(items), ['2-run'])
  assert.is(lines[1]?.['reason'], 'nothing came for 45 s')
})

test('hours without a server leave nothing behind that listens for the stop', async () => {
  const stopping = new AbortController()
  let count = 0
  await readFrom(
    (request, response) => {
      count++
      if (count < 20) request.socket.destroy()
      else stream(blockOf(1))(request, response)
    },
    { signal: stopping.signal },
  )
  await until(() => getEventListeners(stopping.signal, 'abort').length === 0)
})

test('a stop ends it at once, whatever it waits for', async () => {
  for (const answer of [
    (() => {}) as RequestListener,
    stream(':\n\n'),
    ((_, response) => response.writeHead(503).end()) as RequestListener,
  ]) {
    const stopping = new AbortController()
    const reading = readFrom(answer, { take: 1, signal: stopping.signal, advance: () => {} })
    await new Promise((resolve) => setTimeout(resolve, 20))
    stopping.abort()
    assert.equal((await reading).items, [])
  }
})

test.run()

type ReadOptions = {
  readonly after?: string
  readonly choice?: FeedChoice
  readonly path?: string
  readonly take?: number
  readonly signal?: AbortSignal
  readonly clock?: Clock
  /** Called when the reader waits for so long: by default time goes on by as much. */
  readonly advance?: (ms: number) => void
}

/** Reads so many items from a server that answers so. */
async function readFrom(answer: RequestListener, options: ReadOptions = {}) {
  const { after, choice = ALL, path = '', take = 1 } = options
  const { signal = new AbortController().signal } = options
  const ownClock = createFakeClock()
  const { clock = ownClock, advance = ownClock.advance } = options
  const server = await startReceiver(answer)
  const lines: Record<string, unknown>[] = []
  const waits: number[] = []
  const log = createLog({
    clock,
    write(text) {
      const line: Record<string, unknown> = JSON.parse(text)
      lines.push(line)
      const { retryInMs } = line
      if (typeof retryInMs !== 'number') return
      waits.push(retryInMs)
      setImmediate(() => advance(retryInMs))
    },
  })
  const address = readAddressOrSocket(server.url + path, '--from')
  const readFeed = createReadFeed({
    connect: createConnectFeed({ address, apiKey: KEY, choice, clock }),
    counts: createRelayCounts(clock),
    ...{ clock, log, random: () => 0 },
  })
  const items: FeedItem[] = []
  let refusal = ''
  try {
    for await (const item of readFeed(after, signal)) {
      items.push(item)
      if (items.length === take) break
    }
  } catch (error) {
    refusal = String(error)
  } finally {
    server.close()
  }
  return { items, refusal, lines, waits, requests: server.received }
}

/** Why the feed was asked again, where it says each of these first, and then the event number 2. */
async function readFaults(texts: readonly string[]) {
  let count = 0
  const { items, lines } = await readFrom(
    (request, response) => stream(texts[count++] ?? blockOf(2))(request, response),
    { take: 1 },
  )
  const told = lines.filter(({ event }) => event === 'feed_disconnected')
  return { items, faults: told.map(({ reason }) => reason) }
}

function stream(text: string): RequestListener {
  return (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' }).end(text)
  }
}

function blockOf(number: number, sub?: string): string {
  const event = { ...eventOf(number), ...(sub !== undefined && { sub }) }
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

function problem(code: string, facts: object = {}): string {
  return JSON.stringify({ code, detail: `detail of ${code}`, ...facts })
}

function cursorsOf(items: readonly FeedItem[]): string[] {
  return items.map(({ cursor }) => cursor)
}

/** Lets the event loop turn until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

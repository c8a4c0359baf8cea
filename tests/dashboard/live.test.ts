/** The stream of moving numbers: one message a second for all, and who gets it. */
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MOST_STREAMS } from '../../lib/dashboard/live.ts'
import type { Point } from '../../lib/metrics/point.ts'
import { refusalOf } from '../kit/process/open-server.ts'
import { openDashboard } from '../kit/clients/dashboard.ts'
import { MINUTE } from '../kit/store/limits.ts'

const test = suite('dashboard: live')

type Server = ReturnType<typeof openDashboard>

test('who has not logged in gets no stream', async () => {
  const { request } = openDashboard({ hasPoints: true })
  assert.is(await refusalOf(await request('GET /dashboard/live')), '401 api_key_required')
})

test('a stream begins with the last five minutes, and goes on with each second', async () => {
  const server = openDashboard({ hasPoints: true })
  server.clock.advance(10 * MINUTE)
  const stream = await open(server)
  const [first] = await stream.take(1)
  assert.is(first?.event, 'points')
  const points = pointsOf(first?.data)
  assert.is(points.length, 300)
  assert.is(points.at(-1)?.at, server.clock.now())

  await server.request('PUT /session/a', { body: '1' })
  await server.request('GET /healthz')
  server.clock.advance(1_000)
  const [next] = await stream.take(1)
  const point = pointOf(next?.data)
  assert.equal([next?.event, point.created, point.sessions], ['point', 1, 1])
  await stream.cancel()
})

test('what happens to sessions is told once a second, without what it was', async () => {
  const server = openDashboard({ hasPoints: true })
  const stream = await open(server)
  await stream.take(1)
  for (let n = 0; n < 3; n++) await server.request('PUT /session/a', { body: '1' })
  server.clock.advance(1_000)
  const [point, news] = await stream.take(2)
  assert.equal([point?.event, news?.event, news?.data], ['point', 'news', ''])
  server.clock.advance(1_000)
  server.clock.advance(1_000)
  assert.equal(
    (await stream.take(2)).map(({ event }) => event),
    ['point', 'point'],
  )
  await stream.cancel()
})

test('one too many is refused, and has its place once another is gone', async () => {
  const server = openDashboard({ hasPoints: true })
  const cookie = await server.logIn()
  const streams = []
  for (let n = 0; n < MOST_STREAMS; n++) streams.push(await open(server, cookie))
  const refused = await server.request('GET /dashboard/live', { cookie })
  assert.is(refused.status, 503)
  assert.is(await refusalOf(refused), '503 overloaded')
  await streams[0]?.cancel()
  const again = await open(server, cookie)
  await again.cancel()
  for (const stream of streams.slice(1)) await stream.cancel()
})

test('HEAD takes no place', async () => {
  const server = openDashboard({ hasPoints: true })
  const cookie = await server.logIn()
  for (let n = 0; n <= MOST_STREAMS; n++) {
    const answer = await server.request('HEAD /dashboard/live', { cookie })
    assert.equal([answer.status, answer.headers.get('content-type')], [200, 'text/event-stream'])
  }
  const stream = await open(server, cookie)
  await stream.cancel()
})

test('a stream ends once its key is revoked, and with the log-out; the others go on', async () => {
  const server = openDashboard({ hasPoints: true })
  const { store, clock, post } = server
  const other = await open(server)
  const revoked = await open(server, await server.logIn(await server.makeKey('ada')))
  const cookie = await server.logIn(await server.makeKey('eve', 'read'))
  const left = await open(server, cookie)
  for (const stream of [other, revoked, left]) await stream.take(1)
  await store.keys.revoke('ada', clock.now())
  await post('/dashboard/logout', {}, cookie)
  clock.advance(1_000)
  for (const stream of [revoked, left]) assert.is(await endsSoon(stream), true)
  await turn()
  clock.advance(1_000)
  assert.is((await other.take(2)).length, 2)
  await other.cancel()
})

test('a stream keeps nobody logged in', async () => {
  const server = openDashboard({ hasPoints: true })
  const stream = await open(server)
  await stream.take(1)
  for (let minute = 0; minute < 30; minute++) {
    for (let second = 0; second < 60; second++) server.clock.advance(1_000)
    await turn()
  }
  const rest = await stream.rest()
  assert.ok(rest < 40, `${rest} messages were kept for a reader who took none`)
})

test('a stop ends all streams, and none is opened any more', async () => {
  const server = openDashboard({ hasPoints: true })
  const cookie = await server.logIn()
  const stream = await open(server, cookie)
  await stream.take(1)
  server.dashboard.close()
  assert.equal(await stream.take(1), [])
  const refused = await server.request('GET /dashboard/live', { cookie })
  assert.is(await refusalOf(refused), '503 overloaded')
})

test.run()

async function endsSoon(stream: { rest(): Promise<number> }): Promise<boolean> {
  const later = async (): Promise<false> => {
    for (let turns = 0; turns < 50; turns++) await turn()
    return false
  }
  return await Promise.race([stream.rest().then(() => true), later()])
}

type Message = { readonly event: string; readonly data: string }

async function open(server: Server, cookie?: string) {
  const answer = await server.request('GET /dashboard/live', {
    cookie: cookie ?? (await server.logIn()),
  })
  assert.is(answer.status, 200)
  assert.is(answer.headers.get('content-type'), 'text/event-stream')
  const reader = answer.body?.getReader()
  if (reader === undefined) throw new Error('The stream has no body')
  let text = ''
  let isDone = false

  async function read(): Promise<void> {
    const { done, value } = await reader!.read()
    isDone = done
    if (value !== undefined) text += new TextDecoder().decode(value)
  }

  return {
    /** The next messages; fewer where the stream has ended. */
    async take(count: number): Promise<Message[]> {
      const messages: Message[] = []
      while (messages.length < count) {
        const end = text.indexOf('\n\n')
        if (end === -1) {
          if (isDone) break
          await read()
          continue
        }
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        const event = /^event: (.*)$/m.exec(block)?.[1]
        const data = /^data: ?(.*)$/m.exec(block)?.[1] ?? ''
        if (event !== undefined) messages.push({ event, data })
      }
      return messages
    },
    /** How many there still are, up to the end. */
    async rest(): Promise<number> {
      while (!isDone) await read()
      return text.split('\n\n').length - 1
    },
    cancel: () => reader.cancel(),
  }
}

function pointsOf(data = '[]'): readonly Point[] {
  return JSON.parse(data)
}

function pointOf(data = '{}'): Point {
  return JSON.parse(data)
}

/** `GET /events` as a stream. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { FeedQuery } from '../../../lib/store/feed-store.ts'
import { hashSecret } from '../../../lib/session/token.ts'
import { openApps } from '../../kit/clients/apps.ts'
import { openBackEnd } from '../../kit/clients/back-end.ts'
import { followStream } from '../../kit/clients/event-stream.ts'
import { problemOf, refusalOf, type Request } from '../../kit/process/open-server.ts'
import { DAY, HOUR } from '../../kit/store/limits.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('event streams')

const ACCEPT = { accept: 'text/event-stream' }

test('a stream tells its type, and that nobody may keep or gather it', async () => {
  const { ask } = openBackEnd()
  const answer = await ask('GET /events', { headers: ACCEPT })
  assert.is(answer.status, 200)
  const names = ['content-type', 'cache-control', 'x-accel-buffering', 'connection', 'vary']
  assert.equal(
    names.map((name) => answer.headers.get(name)),
    [
      'text/event-stream',
      'no-store',
      'no',
      'close',
      'Cookie, Authorization, Session-Token, Accept',
    ],
  )
  await answer.body?.cancel()
})

test('who does not prefer a stream gets a page', async () => {
  const { ask } = openBackEnd()
  for (const accept of ['*/*', 'application/json, text/event-stream;q=0.5', 'text/html']) {
    const answer = await ask('GET /events', { headers: { accept } })
    assert.is(answer.headers.get('content-type'), 'application/json', accept)
  }
})

test('a stream begins with the time to come again and its place, then tells what happens', async () => {
  const { ask, create } = openBackEnd()
  await create()
  const { next } = JSON.parse(await (await ask('GET /events')).text())
  const stream = await open(ask)
  assert.equal(await stream.next(), { retry: '1000' })
  assert.equal(await stream.next(), { id: next })
  const { id } = await create({ claims: { sub: 'ada' } })
  const block = await stream.next()
  assert.is(block?.event, 'session.created')
  assert.equal(JSON.parse(block?.data ?? ''), {
    ...{ id: block?.id, type: 'session.created', at: '2026-01-01T00:00:00.000Z' },
    ...{ session: id, sub: 'ada' },
  })
  await ask(`DELETE /sessions/${id}`)
  assert.is((await stream.nextEvent())?.reason, 'revoked')
  await stream.close()
})

test('Last-Event-ID goes on where the client was, whatever the address says', async () => {
  const { ask, create } = openBackEnd()
  const ids: string[] = []
  for (let n = 0; n < 4; n++) ids.push((await create()).id)
  const { events } = JSON.parse(await (await ask('GET /events')).text())
  const from = async (query: string, last?: string) => {
    const stream = await open(ask, query, last)
    const event = await stream.nextEvent()
    await stream.close()
    return event?.session
  }
  assert.is(await from('?after=0'), ids[0])
  assert.is(await from(`?after=${events[1].id}`), ids[2])
  assert.is(await from('?after=0', events[0].id), ids[1])
  assert.is(await from('?after=now', events[2].id), ids[3])
  assert.is(await from('', '0'), ids[0])
})

test('a stream that is far behind gets each event once, in order', async () => {
  const { ask, store, clock } = openBackEnd()
  for (let n = 0; n < 450; n++) {
    await store.insert(sessionOf(n, clock.now()))
  }
  const stream = await open(ask, '?after=0')
  for (let n = 0; n < 450; n++) {
    assert.is((await stream.nextEvent())?.session, `session-number-${n}`)
  }
  await stream.close()
})

test('filters and apps hold for streams', async () => {
  const { of } = await openApps()
  const shop = await open(of('shop').ask, '?after=0&sub=ada')
  const all = await open(of(undefined).ask, '?after=0&type=session.ended')
  const other = await of('shop-b').create({ claims: { sub: 'ada' } })
  await of('shop').create({ claims: { sub: 'eve' } })
  const mine = await of('shop').create({ claims: { sub: 'ada' } })
  await of('shop-b').ask(`DELETE /sessions/${other.id}`)
  const seen = await shop.nextEvent()
  assert.equal([seen?.session, seen?.sub], [mine.id, 'ada'])
  assert.is((await all.nextEvent())?.session, `shop-b~${other.id}`)
  await shop.close()
  await all.close()
})

test('silence is broken each 15 s, with the place that a filter has come to', async () => {
  const { ask, create, clock } = openBackEnd()
  const stream = await open(ask, '?sub=nobody')
  await stream.next()
  const before = await stream.next()
  await create({ claims: { sub: 'ada' } })
  const waiting = stream.next()
  await turns(20)
  clock.advance(14_999)
  assert.is(await isSettled(waiting), false)
  clock.advance(1)
  const { next } = JSON.parse(await (await ask('GET /events?after=now')).text())
  assert.equal(await waiting, { comment: '', id: next })
  assert.is.not(before?.id, next)
  await stream.close()
})

test('a stream ends within a second once its key is revoked, or is that of another app', async () => {
  const { ask, request, store, clock } = openBackEnd()
  const key = 'ck_the-key-that-is-revoked'
  const kept = { hash: hashSecret(key), name: 'k', scope: 'read', createdAt: 0 } as const
  await store.keys.add({ ...kept, revokedAt: null })
  const stream = await open((line, more) => request(line, { ...more, key }))
  const other = await open(ask)
  for (const one of [stream, stream, other, other]) await one.next()
  let hasEnded = false
  void stream.next().then((event) => (hasEnded = event === undefined))
  const others = other.next()
  await store.keys.revoke('k', clock.now())
  clock.advance(1_000)
  await until(() => hasEnded)
  assert.is(await isSettled(others), false)
  await other.close()
})

test('a reader that takes nothing is cut off where its stream must end', async () => {
  const { streams, store } = openBackEnd()
  let cuts = 0
  const reader = { key: '', showId: String, isAdmitted: async () => true, cut: () => cuts++ }
  const all = { after: undefined, type: undefined, sub: undefined, session: undefined }
  const blocked = await streams.open({ ...all, app: undefined }, reader)
  await blocked.next()
  const waiting = await streams.open({ ...all, app: undefined }, reader)
  await waiting.next()
  const next = waiting.next()
  streams.stop()
  assert.is(cuts, 1)
  assert.is(await next, undefined)
  assert.is(await blocked.next(), undefined)
  assert.is(streams.count(), 0)
  await store.close()
})

test('for a reader that takes nothing, nothing is read', async () => {
  const { ask, create, store, clock } = openBackEnd()
  for (let n = 0; n < 500; n++) await store.insert(sessionOf(n, clock.now()))
  let reads = 0
  const { read } = store.feed
  Object.assign(store.feed, { read: (query: FeedQuery) => (reads++, read(query)) })
  const answer = await ask('GET /events?after=0', { headers: ACCEPT })
  for (let n = 0; n < 3; n++) await create()
  await turns(50)
  // The one that has told whether the stream can be opened.
  assert.is(reads, 1)
  await answer.body?.cancel()
})

test('only so many streams are open, and one that is closed makes room', async () => {
  const { ask, streams } = openBackEnd({ maxEventStreams: 2 })
  const one = await open(ask)
  const two = await open(ask)
  const refused = await ask('GET /events', { headers: ACCEPT })
  assert.equal([refused.status, refused.headers.get('retry-after')], [503, '1'])
  const { code, detail } = await problemOf(refused)
  assert.is(code, 'overloaded')
  assert.match(detail, /2 are open; close one, or raise the limit \(--max-event-streams\)/)
  // Pages, and HEAD, are no streams.
  assert.is((await ask('GET /events')).status, 200)
  const head = await ask('HEAD /events', { headers: ACCEPT })
  assert.equal([head.status, head.headers.get('content-type')], [200, 'text/event-stream'])
  assert.is(streams.count(), 2)
  await one.close()
  const three = await open(ask)
  await two.close()
  await three.close()
  assert.is(streams.count(), 0)
})

test('a stop ends each stream, and no other is opened', async () => {
  const { ask, streams } = openBackEnd()
  const all = await Promise.all([open(ask), open(ask, '?after=0')])
  const ends = all.map(async (stream) => {
    while ((await stream.next()) !== undefined);
  })
  await turns(5)
  streams.stop()
  await Promise.all(ends)
  assert.is(streams.count(), 0)
  const refused = await ask('GET /events', { headers: ACCEPT })
  assert.is(await refusalOf(refused), '503 overloaded')
})

test('a stream that retention has overtaken ends, and its client is told when it comes again', async () => {
  const { ask, create, store, clock } = openBackEnd({ feed: { keepEventsMs: HOUR } })
  for (let n = 0; n < 250; n++) {
    await store.insert(sessionOf(n, clock.now()))
  }
  const stream = await open(ask, '?after=0')
  const first = await stream.nextEvent()
  clock.advance(2 * HOUR)
  await create()
  await store.sweep(clock.now())
  let last = first?.id ?? ''
  for (let event = await stream.nextEvent(); event; event = await stream.nextEvent())
    last = event.id
  const again = await ask('GET /events', { headers: { ...ACCEPT, 'last-event-id': last } })
  assert.is(await refusalOf(again), '410 events_forgotten')
})

test('a store that fails ends the streams', async () => {
  const { ask, create, store } = openBackEnd()
  const stream = await open(ask)
  await stream.next()
  await stream.next()
  Object.assign(store.feed, { read: () => Promise.reject(new Error('as the test wants it')) })
  const waiting = stream.next()
  await create()
  assert.is(await waiting, undefined)
})

test.run()

function sessionOf(n: number, now: number) {
  return sessionAt(now, { id: `session-number-${n}`, idleTimeoutMs: DAY, lifetimeMs: DAY })
}

async function open(ask: Request, query = '', last?: string) {
  const headers = { ...ACCEPT, ...(last === undefined ? {} : { 'last-event-id': last }) }
  const answer = await ask(`GET /events${query}`, { headers })
  if (answer.status !== 200) throw new Error(await answer.text())
  return followStream(answer)
}

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** Streams rest in between, for as long as what they did took. */
async function until(holds: () => boolean): Promise<void> {
  for (const limit = performance.now() + 10_000; performance.now() < limit;) {
    if (holds()) return
    await turns(1)
  }
  throw new Error('what was waited for did not come within 10 s')
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let isDone = false
  void promise.then(() => (isDone = true))
  await turns(20)
  return isDone
}

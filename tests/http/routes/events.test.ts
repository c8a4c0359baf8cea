/** `GET /events` by pages. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashSecret } from '../../../lib/session/token.ts'
import { openApps } from '../../kit/clients/apps.ts'
import { openBackEnd } from '../../kit/clients/back-end.ts'
import type { EventBody } from '../../kit/clients/event-stream.ts'
import { problemOf, refusalOf, type Request } from '../../kit/process/open-server.ts'
import { HOUR } from '../../kit/store/limits.ts'

const test = suite('events')

const TIME = '2026-01-01T00:00:00.000Z'
const STREAM = { headers: { accept: 'text/event-stream' } }

type PageBody = { readonly events: readonly EventBody[]; readonly next: string }

test('a query that is none of the feed is refused, and says what it may be', async () => {
  const { ask } = openBackEnd()
  const wrong: [query: string, word: RegExp][] = [
    ['limit=0', /integer from 1 to 1000/],
    ['limit=1001', /integer from 1 to 1000/],
    ['type=session.changed', /session\.created, session\.renewed/],
    ['type=', /one of session/],
    ['sub=', /it is empty/],
    ['session=', /1 to 128/],
    ['session=a%0Ab', /1 to 128/],
    ['session=%20', /1 to 128/],
    ['subs=ada', /parameters after, limit, type, sub, session/],
    ['after=', /"id" of an event/],
    ['after=yesterday', /0 for the oldest/],
    ['after=-1', /Last-Event-ID/],
    ['after=1&after=2', /given twice/],
  ]
  for (const [query, words] of wrong) {
    for (const more of [{}, STREAM]) {
      const answer = await ask(`GET /events?${query}`, more)
      assert.is(answer.status, 400, query)
      const { code, detail } = await problemOf(answer)
      assert.is(code, 'bad_request')
      assert.match(detail, words, query)
    }
  }
  const asked = await ask('GET /events', {
    headers: { accept: 'text/event-stream', 'last-event-id': 'nonsense' },
  })
  assert.is(await refusalOf(asked), '400 bad_request')
})

test('a key is needed, of a scope that reads', async () => {
  const { request, store, clock } = openBackEnd()
  for (const scope of ['read', 'metrics'] as const) {
    const hash = hashSecret(`ck_the-key-of-the-scope-${scope}`)
    await store.keys.add({ hash, name: scope, scope, createdAt: clock.now(), revokedAt: null })
  }
  for (const more of [{}, STREAM]) {
    assert.is(await refusalOf(await request('GET /events', more)), '401 api_key_required')
    const metrics = { ...more, key: 'ck_the-key-of-the-scope-metrics' }
    assert.is(await refusalOf(await request('GET /events', metrics)), '403 insufficient_scope')
  }
  const read = await request('GET /events', { key: 'ck_the-key-of-the-scope-read' })
  assert.is(read.status, 200)
})

test('a page tells what has happened, in its order, and where to go on', async () => {
  const { ask, create, clock } = openBackEnd()
  const { id } = await create()
  const body = '{"claims":{"sub":"ada"}}'
  const { id: next } = JSON.parse(await (await ask(`PATCH /sessions/${id}`, { body })).text())
  clock.advance(1_500)
  await ask(`DELETE /sessions/${next}`)
  const page = await pageOf(ask, '')
  const [first = '', second = '', third = '', fourth = ''] = page.events.map((event) => event.id)
  assert.equal(page, {
    events: [
      { id: first, type: 'session.created', at: TIME, session: id },
      { id: second, type: 'session.assigned', at: TIME, session: id, sub: 'ada' },
      { id: third, type: 'session.renewed', at: TIME, session: id, sub: 'ada', renewedAs: next },
      {
        ...{ id: fourth, type: 'session.ended', at: '2026-01-01T00:00:01.500Z', session: next },
        ...{ sub: 'ada', reason: 'revoked' },
      },
    ],
    next: fourth,
  })
  assert.equal((await pageOf(ask, '?after=0')).events, page.events)
  assert.equal((await pageOf(ask, `?after=${second}`)).events, page.events.slice(2))
  assert.equal(await pageOf(ask, `?after=${first}&limit=1`), {
    events: page.events.slice(1, 2),
    next: second,
  })
  assert.equal(await pageOf(ask, `?after=${fourth}`), { events: [], next: fourth })
  assert.equal(await pageOf(ask, '?after=now'), { events: [], next: fourth })
})

test('filters can be combined', async () => {
  const { ask, create } = openBackEnd()
  const { id } = await create({ claims: { sub: 'ada' } })
  await create({ claims: { sub: 'eve' } })
  await ask('DELETE /sessions?all=true')
  const of = async (query: string) =>
    (await pageOf(ask, query)).events.map(({ type, sub }) => `${type.slice(8)} ${sub}`)
  assert.equal(await of('?sub=ada'), ['created ada', 'ended ada'])
  assert.equal((await of('?type=session.ended')).toSorted(), ['ended ada', 'ended eve'])
  assert.equal(await of('?type=session.ended&sub=eve'), ['ended eve'])
  assert.equal(await of(`?session=${id}`), ['created ada', 'ended ada'])
  assert.equal(await of(`?session=${id}&type=session.renewed`), [])
})

test("a key of an app sees its app's events, with ids of its own", async () => {
  const { of } = await openApps()
  const ids = new Map<string, string>()
  for (const app of ['shop', 'shop-b'] as const) {
    const { id } = await of(app).create({ claims: { sub: 'ada' } })
    const renewed = await of(app).ask(`POST /sessions/${id}/renew`)
    const { id: next } = JSON.parse(await renewed.text())
    ids.set(app, `${id} ${next}`)
  }
  for (const app of ['shop', 'shop-b'] as const) {
    const [id = '', next = ''] = ids.get(app)?.split(' ') ?? []
    const { events } = await pageOf(of(app).ask, '')
    assert.equal(
      events.map(({ type, session, renewedAs }) => [type, session, renewedAs]),
      [
        ['session.created', id, undefined],
        ['session.renewed', id, next],
      ],
    )
    assert.is((await pageOf(of(app).ask, `?session=${next}`)).events.length, 1)
    assert.is((await pageOf(of(undefined).ask, `?session=${app}~${next}`)).events.length, 1)
    assert.is(
      await refusalOf(await of(app).ask(`GET /events?session=shop~${id}`)),
      '400 bad_request',
    )
  }
  const all = (await pageOf(of(undefined).ask, '')).events.map(({ session }) => session)
  const [id = ''] = ids.get('shop')?.split(' ') ?? []
  assert.ok(all.includes(`shop~${id}`))
  assert.equal((await pageOf(of('s').ask, '')).events, [])
})

test('a cursor from before what is kept is 410, and tells where to go on', async () => {
  const { ask, create, store, clock } = openBackEnd({ feed: { keepEventsMs: HOUR } })
  await create()
  await create()
  const [first] = (await pageOf(ask, '')).events
  clock.advance(2 * HOUR)
  await create()
  await store.sweep(clock.now())
  const kept = (await pageOf(ask, '')).events
  for (const more of [{}, STREAM]) {
    const answer = await ask(`GET /events?after=${first?.id}`, more)
    assert.is(answer.status, 410)
    const problem: { code: string; oldest: string; detail: string } = JSON.parse(
      await answer.text(),
    )
    assert.is(problem.code, 'events_forgotten')
    assert.match(problem.detail, /list the sessions, then go on after .* \(--keep-events\)/)
    assert.equal((await pageOf(ask, `?after=${problem.oldest}`)).events, kept)
  }
})

test('a server that keeps no events says so', async () => {
  const { ask, create } = openBackEnd({ feed: { maxEvents: 0 } })
  await create()
  for (const line of ['GET /events', 'GET /events?after=0', 'GET /events?after=now']) {
    for (const more of [{}, STREAM]) {
      const answer = await ask(line, more)
      assert.is(answer.status, 404)
      const { code, detail } = await problemOf(answer)
      assert.is(code, 'events_not_kept')
      assert.match(detail, /\(--max-events\)/)
    }
  }
})

test('nothing of a session but its user is told', async () => {
  const { ask, create } = openBackEnd()
  const { id, token = '' } = await create({
    data: { secret: 'of-the-data' },
    claims: { sub: 'ada', role: 'of-the-claims' },
    device: { userAgent: 'of-the-device' },
  })
  await ask(`POST /sessions/${id}/renew`)
  const text = await (await ask('GET /events')).text()
  assert.not.match(text, /of-the-|secret|hash/i)
  assert.not.ok(text.includes(token.split('.')[1] ?? ''))
})

test('HEAD is answered as GET is, without a body', async () => {
  const { ask } = openBackEnd()
  const answer = await ask('HEAD /events')
  assert.equal([answer.status, await answer.text()], [200, ''])
  assert.is(answer.headers.get('content-type'), 'application/json')
  assert.is((await ask('HEAD /events?after=1-nobody')).status, 410)
})

test.run()

async function pageOf(ask: Request, query: string): Promise<PageBody> {
  const answer = await ask(`GET /events${query}`)
  if (answer.status !== 200) throw new Error(await answer.text())
  const page: PageBody = JSON.parse(await answer.text())
  return page
}

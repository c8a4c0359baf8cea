import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listenRaw, parseAnswer, rawRequest } from '../../kit/clients/raw-http.ts'
import { openBackEnd } from '../../kit/clients/back-end.ts'
import {
  API_KEY,
  codeOf,
  cookieOf,
  openServer,
  problemOf,
  refusalOf,
  type Request,
} from '../../kit/process/open-server.ts'
import { DAY, HOUR, MINUTE } from '../../kit/store/limits.ts'

const test = suite('/_clock')

test('without a test clock the path is 404 like any other, and neither named nor documented', async () => {
  const { request } = openServer()
  const nothing = await problemOf(await request('GET /nothing'))
  for (const line of ['GET /_clock', 'POST /_clock', 'PUT /_clock', 'GET /_clock/']) {
    const answer = await request(line, { body: '{"advance":1}' })
    assert.is(answer.status, 404, line)
    assert.equal(await problemOf(answer), nothing, line)
  }
  assert.not.match(nothing.detail, '_clock')
  assert.not.match(await (await request('GET /openapi.json')).text(), '_clock')
})

test('with one the path is named and documented', async () => {
  const { request } = openServer({ hasTestClock: true })
  assert.match((await problemOf(await request('GET /nothing'))).detail, '/_clock')
  assert.match(await (await request('GET /openapi.json')).text(), '"/_clock"')
  const refused = await request('DELETE /_clock')
  assert.equal([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD, POST'])
})

test('a page of another origin does not move it, whatever it calls its body', async () => {
  const { request, clock } = openServer({ hasTestClock: true })
  const now = clock.now()
  for (const headers of [
    { 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    // Another port is another origin.
    { host: '127.0.0.1:7377', origin: 'http://127.0.0.1:8080' },
  ]) {
    const answer = await request('POST /_clock', { body: '{"advance":60}', headers })
    assert.is(await refusalOf(answer), '403 cross_origin', JSON.stringify(headers))
  }
  assert.is(clock.now(), now)
  const origin = 'http://127.0.0.1:7377'
  const own = { host: '127.0.0.1:7377', origin }
  const moved = await request('POST /_clock', { body: '{"advance":60}', headers: own, origin })
  assert.is(moved.status, 200)
})

test('a name that somebody else may have given this address is refused: DNS rebinding', async () => {
  const { request, clock } = openServer({ hasTestClock: true })
  const now = clock.now()
  for (const host of ['rebind.example:7377', 'localhost.example.com', '127.0.0.1.example.com']) {
    const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }
    for (const line of ['GET /_clock', 'POST /_clock']) {
      const { code, detail } = await problemOf(
        await request(line, { body: '{"advance":60}', headers }),
      )
      assert.is(code, 'bad_request', `${line} ${host}`)
      assert.match(detail, 'its Host must be an IP address, localhost')
    }
  }
  assert.is(clock.now(), now)
  for (const host of [
    'localhost:7377',
    '127.0.0.1:7377',
    '[::1]:7377',
    'coatcheck',
    'a.localhost',
  ]) {
    assert.is((await request('GET /_clock', { headers: { host } })).status, 200, host)
  }
})

test('what a proxy passes on is refused: whoever is behind it is not on this machine', async () => {
  const { request, clock } = openServer({ hasTestClock: true, trustedProxies: ['192.0.2.1'] })
  const now = clock.now()
  for (const [name, value] of [
    ['x-forwarded-for', '203.0.113.7'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-host', 'localhost'],
    ['forwarded', 'for=203.0.113.7'],
    ['via', '1.1 proxy'],
    ['x-real-ip', '203.0.113.7'],
  ] as const) {
    const answer = await request('POST /_clock', {
      body: '{"advance":60}',
      headers: { host: 'localhost', [name]: value },
    })
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'bad_request', name)
    assert.match(detail, `the header "${name}" says that a proxy passed it on`)
  }
  assert.is(clock.now(), now)
})

test('a body says by how many seconds, or is told what it must be, and moves nothing', async () => {
  const { request, clock } = openServer({ hasTestClock: true })
  const now = clock.now()
  for (const [body, got] of [
    ['', 'there is none'],
    ['{}', 'it is empty'],
    ['3600', 'it is no object'],
    ['null', 'it is no object'],
    ['[3600]', 'it is no object'],
    ['{"advance":"3600"}', '"advance" is no number'],
    ['{"advance":null}', '"advance" is no number'],
    ['{"advance":-1}', '"advance" is -1, and the clock never goes back'],
    ['{"advance":1.5}', '"advance" is 1.5'],
    ['{"advance":315360001}', '"advance" is 315360001'],
    ['{"advance":1e400}', '"advance" is Infinity'],
    ['{"advance":60,"to":1}', 'it has "to"'],
    ['{"seconds":60}', 'it has "seconds"'],
  ] as const) {
    const { status, code, detail } = await problemOf(await request('POST /_clock', { body }))
    assert.equal([status, code], [422, 'invalid_argument'], body)
    const wanted =
      'Cannot move the clock: the body must say by how many seconds, as in {"advance":3600}, an ' +
      `integer from 0 to 315360000; ${got}`
    assert.is(detail, wanted)
  }
  assert.is(await refusalOf(await request('POST /_clock', { body: '{' })), '400 invalid_json')
  assert.is(clock.now(), now)
})

test('it does not go beyond the years that have four digits', async () => {
  const { request, clock } = openServer({ hasTestClock: true })
  clock.set(Date.UTC(9_895, 0, 1))
  const body = '{"advance":315360000}'
  const { code, detail } = await problemOf(await request('POST /_clock', { body }))
  assert.is(code, 'invalid_argument')
  assert.match(detail, 'it may show 9900-01-01T00:00:00.000Z at most')
  assert.is(clock.now(), Date.UTC(9_895, 0, 1))
  assert.equal(await advance(request, 4 * 365 * 86_400), { ended: 0, removed: 0 })
})

test('it moves, ends what has expired at its own moment, and forgets the end in time', async () => {
  const { request, clock } = openServer({ hasTestClock: true, idleTimeoutMs: 30 * MINUTE })
  const began = clock.now()
  const cookie = cookieOf(await request('PUT /session/user', { body: '"ada"' }))
  const now = await request('GET /_clock')
  assert.equal(JSON.parse(await now.text()), { now: new Date(began).toISOString() })

  assert.equal(await advance(request, 1_799), { ended: 0, removed: 0 })
  assert.is((await request('GET /session/user?touch=false', { cookie })).status, 200)
  assert.equal(await advance(request, 2), { ended: 1, removed: 0 })
  const { code, reason, endedAt } = await problemOf(await request('GET /session', { cookie }))
  assert.equal([code, reason], ['session_ended', 'idle_timeout'])
  assert.is(endedAt, new Date(began + 30 * MINUTE).toISOString())

  assert.equal(await advance(request, 86_400), { ended: 0, removed: 1 })
  assert.is(await codeOf(await request('GET /session', { cookie })), 'session_not_found')
})

test('activity that is on its way is written before anything is ended', async () => {
  const { request, store, clock, database } = openServer({ hasTestClock: true })
  const cookie = cookieOf(await request('PUT /session/user', { body: '"ada"' }))
  await advance(request, 1_200)
  await request('GET /session/user', { cookie })
  assert.equal(await advance(request, 1_200), { ended: 0, removed: 0 })
  const seenAt = Number(database.prepare('select last_seen_at from sessions').pluck().get())
  assert.is(clock.now() - seenAt, 20 * MINUTE)
  assert.is(store.counts().touched, 1)
  assert.equal(await advance(request, 600), { ended: 1, removed: 0 })
})

test('the lifetime ends a session that is busy', async () => {
  const { request, clock } = openServer({ hasTestClock: true, lifetimeMs: HOUR })
  const began = clock.now()
  const cookie = cookieOf(await request('PUT /session/user', { body: '"ada"' }))
  for (let n = 0; n < 3; n++) {
    assert.equal(await advance(request, 1_000), { ended: 0, removed: 0 })
    assert.is((await request('GET /session/user', { cookie })).status, 200)
  }
  assert.equal(await advance(request, 1_000), { ended: 1, removed: 0 })
  const { reason, endedAt } = await problemOf(await request('GET /session', { cookie }))
  assert.equal([reason, endedAt], ['lifetime', new Date(began + HOUR).toISOString()])
})

test('0 only writes and sweeps', async () => {
  const { request, clock } = openServer({ hasTestClock: true })
  await request('PUT /session/user', { body: '"ada"' })
  clock.advance(HOUR)
  const now = clock.now()
  assert.equal(await advance(request, 0), { ended: 1, removed: 0 })
  assert.is(clock.now(), now)
})

test('two at the same time both move it, and each session ends once', async () => {
  const { request, clock } = openServer({ hasTestClock: true })
  const began = clock.now()
  for (let n = 0; n < 5; n++) await request('PUT /session/user', { body: '"ada"' })
  const swept = await Promise.all([advance(request, 1_000), advance(request, 1_000)])
  assert.is(clock.now(), began + 2_000_000)
  assert.is(
    swept.reduce((sum, { ended }) => sum + ended, 0),
    5,
  )
})

test('limits of rates, the cookie and the count of active users go with it', async () => {
  const { ask, request } = openBackEnd({ hasTestClock: true, createRate: 1 })
  const created = await request('PUT /session/user', { body: '"ada"' })
  assert.is(created.status, 204)
  const refused = await request('PUT /session/user', { body: '"ada"' })
  assert.is(await refusalOf(refused), '429 create_rate_exceeded')
  await advance(request, 60)
  assert.is((await request('PUT /session/user', { body: '"ada"' })).status, 204)

  const active = async () => JSON.parse(await (await ask('GET /active?within=60')).text()).sessions
  assert.is(await active(), 2)
  await advance(request, 600)
  assert.is(await active(), 0)

  const cookie = cookieOf(created)
  const permanent = await request('PATCH /session', { cookie, body: '{"permanent":true}' })
  const maxAgeOf = (answer: Response) =>
    Number(/Max-Age=(\d+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1])
  const before = maxAgeOf(permanent)
  await advance(request, DAY / 1_000)
  const renewed = await request('POST /session/renew', { cookie })
  assert.is(maxAgeOf(renewed), before - DAY / 1_000)
})

test('each move is told in the log', async () => {
  const { request, logged } = openServer({ hasTestClock: true })
  await request('PUT /session/user', { body: '"ada"' })
  await advance(request, 3_600)
  const [swept, moved] = logged.map((line) => JSON.parse(line))
  assert.is(swept.event, 'swept')
  const { event, seconds, ended, removed } = moved
  assert.equal([event, seconds, ended, removed], ['test_clock_moved', 3_600, 1, 0])
})

test('over a socket, with an API key beside it or none', async () => {
  const { send, stop } = await listenRaw({ hasTestClock: true })
  for (const headers of [[], [`Authorization: Bearer ${API_KEY}`]]) {
    const answer = await send(rawRequest('POST /_clock', headers, '{"advance":60}'))
    assert.is(parseAnswer(answer).status, 200)
  }
  const get = parseAnswer(await send(rawRequest('GET /_clock')))
  assert.equal(JSON.parse(get.body), { now: '2026-01-01T00:02:00.000Z' })
  await stop()
})

test.run()

/** Moves the clock; what has been ended and removed by that. */
async function advance(request: Request, seconds: number) {
  const answer = await request('POST /_clock', { body: JSON.stringify({ advance: seconds }) })
  assert.is(answer.status, 200)
  const { now, ...swept }: { now: string; ended: number; removed: number } = JSON.parse(
    await answer.text(),
  )
  assert.match(now, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  return swept
}

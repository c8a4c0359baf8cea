import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBackEnd } from '../../kit/clients/back-end.ts'
import { listenRaw, parseAnswer, rawRequest } from '../../kit/clients/raw-http.ts'
import { API_KEY, problemOf, refusalOf } from '../../kit/process/open-server.ts'
import { hashSecret } from '../../../lib/session/token.ts'
import { DAY, MINUTE } from '../../kit/store/limits.ts'

const test = suite('/active')

test('GET /active needs an API key, which may read', async () => {
  const { request, store, clock } = openBackEnd()
  assert.is(await refusalOf(await request('GET /active')), '401 api_key_required')
  assert.is(await refusalOf(await request('GET /active/more')), '401 api_key_required')
  for (const [scope, status] of [
    ['read', 200],
    ['metrics', 403],
  ] as const) {
    const key = `ck_a-key-of-the-scope-${scope}`
    const made = { hash: hashSecret(key), name: scope, scope, createdAt: clock.now() }
    await store.keys.add({ ...made, revokedAt: null })
    assert.is((await request('GET /active', { key })).status, status)
  }
})

test('within is seconds in whole minutes, from one to sixty, or it is told what it must be', async () => {
  const { ask } = openBackEnd()
  for (const within of ['60', '120', '300', '3600', '0300']) {
    assert.is((await ask(`GET /active?within=${within}`)).status, 200, within)
  }
  const wrong = ['0', '59', '61', '90', '3601', '3660', '-300', '300.0', '5m', '', '3e2', '1e999']
  for (const within of [...wrong, '9'.repeat(30)]) {
    const { code, detail } = await problemOf(await ask(`GET /active?within=${within}`))
    assert.is(code, 'bad_request', within)
    assert.match(detail, '?within= must be seconds in whole minutes, from 60 to 3600, such as 300')
    assert.match(
      detail,
      /^\d+$/.test(within) && within.length < 17 ? `; got ${within}` : '; got so',
    )
  }
  for (const query of ['?withing=60', '?within=60&sub=ada', '?within=60&within=120']) {
    assert.is(await refusalOf(await ask(`GET /active${query}`)), '400 bad_request', query)
  }
  const { detail } = await problemOf(await ask('GET /active?withing=60'))
  assert.match(detail, 'it may have the parameters within; it has another one')
})

test('other methods are 405, and HEAD is as GET', async () => {
  const { ask } = openBackEnd()
  const refused = await ask('DELETE /active')
  assert.equal([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD'])
  assert.is((await ask('HEAD /active')).status, 200)
})

test('GET /active counts users and sessions that were used within the time', async () => {
  const { ask, request, create, clock, metrics } = openBackEnd()
  const ada = await create({ claims: { sub: 'ada' } })
  await create({ claims: { sub: 'ada' } })
  await create({ claims: { sub: 'bob' } })
  await request('PUT /session/cart', { body: '["tea"]' })
  const since = new Date(clock.now()).toISOString()
  const counted = { within: 300, users: 2, sessions: 4, since }
  assert.equal(JSON.parse(await (await ask('GET /active?within=300')).text()), counted)
  assert.equal(JSON.parse(await (await ask('GET /active')).text()), counted)
  const text = metrics.render('prometheus')
  assert.match(text, '\ncoatcheck_active_users{within="300"} 2\n')
  assert.match(text, '\ncoatcheck_active_sessions{within="300"} 4\n')

  clock.advance(10 * MINUTE)
  assert.equal(await activeOf(ask), [0, 0])
  // A look that is none, and one that is.
  await request('GET /session/cart?touch=false', { cookie: ada.cookie })
  clock.advance(1_000)
  assert.equal(await activeOf(ask), [0, 0])
  await request('GET /session/cart?default=0', { cookie: ada.cookie })
  clock.advance(1_000)
  assert.equal(await activeOf(ask), [1, 1])
  const answer = JSON.parse(await (await ask('GET /active')).text())
  assert.is(answer.since, new Date(clock.now() - 5 * MINUTE - 2_000).toISOString())
})

test('a key of an app counts the active of its app alone', async () => {
  const { ask, request, store, clock } = openBackEnd()
  const key = 'ck_the-key-of-the-shop-alone'
  const made = {
    hash: hashSecret(key),
    name: 'shop',
    scope: 'all',
    createdAt: clock.now(),
  } as const
  await store.keys.add({ ...made, app: 'shop', revokedAt: null })
  const inShop: typeof ask = (line, more) => request(line, { key, ...more })
  await ask('POST /sessions', { body: '{"claims":{"sub":"ada"}}' })
  await ask('POST /sessions', { body: '{"claims":{"sub":"bob"}}' })
  assert.equal(await activeOf(inShop), [0, 0])
  await inShop('POST /sessions', { body: '{"claims":{"sub":"ada"}}' })
  await inShop('POST /sessions')
  assert.equal(await activeOf(inShop), [1, 2])
  assert.equal(await activeOf(ask), [3, 4])
})

test('an app whose activity is not kept is told so, and when to ask again', async () => {
  const { ask, request, store, clock } = openBackEnd()
  const key = 'ck_the-key-of-the-shop-alone'
  const made = {
    hash: hashSecret(key),
    name: 'shop',
    scope: 'all',
    createdAt: clock.now(),
  } as const
  await store.keys.add({ ...made, app: 'shop', revokedAt: null })
  for (let n = 0; n < 16; n++) {
    await ask(`PUT /sessions/app-${n}~an-id-of-16-characters`, { body: '{}' })
  }
  await request('POST /sessions', { key })
  const refused = await request('GET /active', { key })
  assert.is(await refusalOf(refused), '503 overloaded')
  assert.is(refused.headers.get('retry-after'), '60')
  clock.advance(DAY)
  await request('POST /sessions', { key })
  assert.equal(await activeOf((line) => request(line, { key })), [0, 1])
})

test('over a socket: a log-in is active at once, a read about a second later', async () => {
  const { send, clock, stop } = await listenRaw()
  const auth = `Authorization: Bearer ${API_KEY}`
  const active = async () => {
    const { status, body } = parseAnswer(await send(rawRequest('GET /active?within=60', [auth])))
    const { users, sessions } = JSON.parse(body)
    return [status, users, sessions]
  }
  assert.equal(await active(), [200, 0, 0])
  const body = '{"claims":{"sub":"ada"}}'
  const made = parseAnswer(await send(rawRequest('POST /sessions', [auth], body)))
  assert.is(made.status, 201)
  assert.equal(await active(), [200, 1, 1])
  clock.advance(10 * MINUTE)
  assert.equal(await active(), [200, 0, 0])
  const { token } = JSON.parse(made.body)
  await send(rawRequest('GET /session', [`Cookie: sid=${token}`]))
  clock.advance(1_000)
  assert.equal(await active(), [200, 1, 1])
  await stop()
})

test.run()

/** Users and sessions. */
async function activeOf(ask: (line: string) => Promise<Response>): Promise<number[]> {
  const { users, sessions } = JSON.parse(await (await ask('GET /active?within=300')).text())
  return [users, sessions]
}

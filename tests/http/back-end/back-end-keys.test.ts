import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashSecret } from '../../../lib/session/token.ts'
import { bodyOf, openBackEnd, rowsOf } from '../../kit/clients/back-end.ts'
import {
  API_KEY,
  type Ask,
  openServer,
  problemOf,
  refusalOf,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('API keys')

const WRONG_KEY = `ck_${'w'.repeat(43)}`
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']
const PATHS = [
  '/sessions',
  '/sessions/',
  '/sessions?sub=ada',
  '/sessions?all=true',
  '/sessions?limit=none',
  '/sessions/ID',
  '/sessions/ID/',
  '/sessions/ID/user',
  '/sessions/ID/none',
  '/sessions/ID/none?default=1',
  '/sessions/ID/renew',
  '/sessions/ID/a/b',
  '/sessions//ID',
  '/sessions/%ff',
]

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

/** Whatever somebody could show instead of a key; `TOKEN` is the token of a live session. */
const NO_KEYS: readonly Ask[] = [
  {},
  ...[
    WRONG_KEY,
    'ck_',
    'ck_short',
    API_KEY.slice(0, -1),
    `${API_KEY}x`,
    `${API_KEY}=`,
    `${API_KEY}.`,
    `"${API_KEY}"`,
    `${API_KEY}, ${API_KEY}`,
    `${WRONG_KEY} ${API_KEY}`,
    API_KEY.toUpperCase(),
    API_KEY.slice(3),
    `ck_${'k'.repeat(5_000)}`,
    'ck___proto__constructortoString',
    hashSecret(API_KEY),
    `ck_${hashSecret(API_KEY)}`,
    'TOKEN',
    'ck_TOKEN',
  ].map((key) => ({ key })),
  ...[
    API_KEY,
    `Token ${API_KEY}`,
    `ApiKey ${API_KEY}`,
    `Bearer${API_KEY}`,
    `Bearer:${API_KEY}`,
    `Bearer token=${API_KEY}`,
    'Bearer',
    basic(`${API_KEY}:`),
    basic(`:${API_KEY}`),
    basic(`ada:${API_KEY}`),
  ].map((authorization) => ({ headers: { authorization } })),
  ...['x-api-key', 'api-key', 'x-authorization', 'proxy-authorization', 'coatcheck-key'].flatMap(
    (name) => [{ headers: { [name]: API_KEY } }, { headers: { [name]: `Bearer ${API_KEY}` } }],
  ),
  ...[`sid=${API_KEY}`, `authorization=Bearer ${API_KEY}`, 'sid=TOKEN'].map((cookie) => ({
    cookie,
  })),
]

test('without a key every method and path of /sessions is 401, and says nothing of sessions', async () => {
  const server = openBackEnd()
  const { id } = await server.create({ data: { user: 'ada' }, claims: { sub: 'ada' } })
  const before = rowsOf(server)
  const bodies = new Set<string>()
  for (const method of METHODS) {
    for (const path of PATHS) {
      for (const shown of [id, 'unknown-unknown-unknown']) {
        const line = `${method} ${path.replace('ID', shown)}`
        const answer = await server.request(line, bodyFor(method))
        assert.is(answer.status, 401, line)
        assert.is(answer.headers.get('www-authenticate'), 'Bearer realm="coatcheck"', line)
        assert.is(answer.headers.get('etag'), null, line)
        assert.is(answer.headers.get('set-cookie'), null, line)
        if (method !== 'HEAD') bodies.add(await answer.text())
      }
    }
  }
  assert.is(bodies.size, 1)
  assert.match([...bodies][0] ?? '', '"code":"api_key_required"')
  assert.equal(rowsOf(server), before)
})

test('nothing but the key itself, as a bearer, opens /sessions', async () => {
  const server = openBackEnd()
  const { id, token = '' } = await server.create({ claims: { sub: 'ada' } })
  const before = rowsOf(server)
  for (const [number, shown] of NO_KEYS.entries()) {
    const ask: Ask = JSON.parse(JSON.stringify(shown).replace('TOKEN', token))
    for (const line of ['GET /sessions', `GET /sessions/${id}`, 'DELETE /sessions?all=true']) {
      const answer = await server.request(line, { ...ask, peer: `10.0.0.${number}` })
      assert.is(await refusalOf(answer), '401 api_key_required', JSON.stringify(shown))
      assert.is(answer.headers.get('www-authenticate'), 'Bearer realm="coatcheck"')
    }
  }
  assert.equal(rowsOf(server), before)
})

test('a key in the query or in the body opens nothing', async () => {
  const server = openBackEnd()
  const body = JSON.stringify({ key: API_KEY, authorization: `Bearer ${API_KEY}` })
  for (const name of ['key', 'api_key', 'apikey', 'access_token', 'token', 'authorization']) {
    for (const value of [API_KEY, `Bearer%20${API_KEY}`]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const line = `${method} /sessions?all=true&${name}=${value}`
        const answer = await server.request(line, method === 'GET' ? {} : { body })
        assert.is(await refusalOf(answer), '401 api_key_required', line)
      }
    }
  }
  assert.equal(rowsOf(server), [])
})

test('a wrong key is the same answer for a session that is there and one that is not', async () => {
  const { request, create } = openBackEnd()
  const { id } = await create()
  const shown: string[] = []
  for (const path of [id, 'unknown-unknown-unknown', '%ff', `${id}/user`]) {
    const answer = await request(`GET /sessions/${path}`, { key: WRONG_KEY })
    shown.push(JSON.stringify([answer.status, [...answer.headers], await answer.text()]))
  }
  assert.is(new Set(shown).size, 1, shown.join('\n'))
})

test('a wrong key beside a good cookie on /session is 401, and nothing is done', async () => {
  const server = openServer()
  const cookie = await signIn(server.request, { a: 1 })
  const before = rowsOf(server)
  for (const [number, key] of [WRONG_KEY, 'ck_', 'ck_short', `${API_KEY}x`].entries()) {
    const peer = `10.0.0.${number}`
    for (const [line, body] of [
      ['GET /session'],
      ['GET /session/a?default=1'],
      ['PUT /session/a', '2'],
      ['PATCH /session', '{"data":{"a":2}}'],
      ['PATCH /session', '{"claims":{"sub":"eve"}}'],
      ['POST /session/renew'],
      ['DELETE /session'],
    ] as const) {
      const answer = await server.request(line, { key, cookie, peer, ...(body && { body }) })
      assert.is(answer.headers.get('set-cookie'), null)
      assert.is(await refusalOf(answer), '401 api_key_required', `${line} ${key}`)
    }
  }
  assert.equal(rowsOf(server), before)
})

test('a wrong key and no cookie creates no session', async () => {
  const server = openServer()
  const answer = await server.request('PUT /session/a', { key: WRONG_KEY, body: '1' })
  assert.is(await refusalOf(answer), '401 api_key_required')
  assert.equal(rowsOf(server), [])
})

test('the eleventh wrong key that an address sends at once is 429, one a second is taken', async () => {
  const { request, clock } = openServer()
  const fail = async () => await request('GET /sessions', { key: WRONG_KEY })
  for (let n = 0; n < 10; n++) assert.is((await fail()).status, 401)
  for (const passedMs of [0, 999]) {
    clock.advance(passedMs)
    const answer = await fail()
    assert.is(answer.headers.get('retry-after'), '1')
    assert.is(await refusalOf(answer), '429 too_many_failures')
  }
  clock.advance(1)
  assert.is(await refusalOf(await fail()), '401 api_key_required')
  assert.is(await refusalOf(await fail()), '429 too_many_failures')
  clock.advance(10_000)
  for (let n = 0; n < 10; n++) assert.is((await fail()).status, 401)
  assert.is((await fail()).status, 429)
})

test('wrong keys count together, wherever they are shown and whatever they are', async () => {
  const { request } = openServer()
  const lines = ['GET /sessions', 'GET /session', 'PUT /session/a', 'DELETE /sessions?all=true']
  for (let n = 0; n < 10; n++) {
    const answer = await request(lines[n % 4] ?? '', { key: `ck_${n}` })
    assert.is(answer.status, 401)
  }
  for (const line of lines) {
    const answer = await request(line, { key: WRONG_KEY })
    assert.is(await refusalOf(answer), '429 too_many_failures', line)
  }
})

test('wrong keys of one address keep no other out, and no right key', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (let n = 0; n < 30; n++) await request('GET /sessions', { key: WRONG_KEY, peer: '10.0.0.1' })
  const statusOf = async (line: string, ask: Ask) => (await request(line, ask)).status

  assert.is(await statusOf('GET /sessions', { key: WRONG_KEY, peer: '10.0.0.1' }), 429)
  assert.is(await statusOf('GET /sessions', { key: WRONG_KEY, peer: '10.0.0.2' }), 401)
  assert.is(await statusOf('GET /sessions', { key: API_KEY, peer: '10.0.0.1' }), 200)
  assert.is(await statusOf('GET /sessions', { peer: '10.0.0.1' }), 401)
  assert.is(await statusOf('GET /session', { cookie, peer: '10.0.0.1' }), 200)
})

test('no header gives a client another address to fail from; a trusted proxy does', async () => {
  const statuses = async (trustedProxies: readonly string[]) => {
    const { request } = openServer({ trustedProxies })
    const found = new Set<number>()
    for (let n = 0; n < 20; n++) {
      const headers = { 'x-forwarded-for': `10.9.9.${n}`, forwarded: `for=10.9.9.${n}` }
      found.add((await request('GET /sessions', { key: WRONG_KEY, headers })).status)
    }
    return [...found]
  }
  assert.equal(await statuses([]), [401, 429])
  assert.equal(await statuses(['192.0.2.1']), [401])
})

test('a request without a key counts for nothing', async () => {
  const { request } = openServer()
  for (let n = 0; n < 30; n++) assert.is((await request('GET /sessions')).status, 401)
  assert.is((await request('GET /sessions', { key: WRONG_KEY })).status, 401)
})

test('no key and no part of it is in an answer or in the log, which names the address', async () => {
  const { request, logged, clock } = openServer()
  const keys = [WRONG_KEY, `${API_KEY}x`, 'ck_zzzz-zzzz', `ck_${'q'.repeat(50)}\t`]
  for (const key of keys) {
    for (const line of ['GET /sessions', 'GET /session', 'POST /sessions']) {
      const answer = await request(line, { key, headers: { 'x-api-key': key } })
      const all = JSON.stringify([...answer.headers]) + (await answer.text())
      assert.not.match(all, /wwww|zzzz|qqqq|the-key-of/)
      clock.advance(1_000)
    }
  }
  assert.ok(logged.length > 0)
  for (const line of logged) {
    assert.not.match(line, /wwww|zzzz|qqqq|the-key-of|ck_/)
    const { level, event, client } = JSON.parse(line)
    assert.equal([level, event, client], ['warn', 'api_key_refused', '192.0.2.1'])
  }
})

test('a right key leaves no line in the log', async () => {
  const { ask, logged } = openBackEnd()
  await ask('POST /sessions', { body: '{}' })
  await ask('GET /sessions')
  assert.equal(logged, [])
})

test('the scheme is taken in any case, with any space behind it', async () => {
  const { request } = openServer()
  for (const scheme of ['Bearer ', 'bearer ', 'BEARER  ', 'Bearer \t ']) {
    const headers = { authorization: `${scheme}${API_KEY}` }
    assert.is((await request('GET /sessions', { headers })).status, 200, scheme)
  }
})

test('a key that the store keeps is in force at once beside the others, until it is revoked', async () => {
  const { request, store, database, clock } = openServer()
  const key = `ck_${'n'.repeat(43)}`
  const statusOf = async (shown: string) => (await request('GET /sessions', { key: shown })).status
  assert.is(await statusOf(key), 401)

  const createdAt = clock.now()
  await store.keys.add({
    hash: hashSecret(key),
    name: 'next',
    scope: 'all',
    createdAt,
    revokedAt: null,
  })
  assert.equal([await statusOf(key), await statusOf(API_KEY)], [200, 200])

  database.prepare('update api_keys set revoked_at = ?').run(clock.now())
  assert.equal([await statusOf(key), await statusOf(API_KEY)], [401, 200])
})

test('a key that is revoked in the store is refused, wherever else it is still configured', async () => {
  const { ask, store, clock } = openBackEnd()
  const now = clock.now()
  await store.keys.add({
    hash: hashSecret(API_KEY),
    name: 'old',
    scope: 'all',
    createdAt: now,
    revokedAt: now,
  })
  assert.is(await refusalOf(await ask('GET /sessions')), '401 api_key_required')
})

test('a key beside a cookie on /session says who asks, and the cookie which session', async () => {
  const { ask, request } = openBackEnd()
  const cookie = await signIn(request, { a: 1 })
  const seen = await bodyOf(await ask('GET /session', { cookie }))
  assert.equal(seen.data, { a: 1 })
  assert.is(await refusalOf(await ask('GET /session')), '404 session_not_found')
  const { detail } = await problemOf(await request('GET /sessions'))
  assert.match(detail, 'send Authorization: Bearer ck_')
})

test.run()

function bodyFor(method: string): Ask {
  return ['GET', 'HEAD'].includes(method) ? {} : { body: '{"claims":{"sub":"eve"}}' }
}

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OPERATIONS } from '../../../lib/http/api.ts'
import { isWithin, KEY_SCOPES, type KeyScope } from '../../../lib/session/api-key.ts'
import { hashSecret } from '../../../lib/session/token.ts'
import { openBackEnd } from '../../kit/clients/back-end.ts'
import {
  API_KEY,
  type Ask,
  problemOf,
  type ServerOptions,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('back end: scopes of API keys')

test('a wider scope has the narrower ones in it, and a scope that nobody knows has none', () => {
  const table = KEY_SCOPES.map((scope) => KEY_SCOPES.map((needed) => isWithin(scope, needed)))
  assert.equal(table, [
    [true, true, true],
    [false, true, true],
    [false, false, true],
  ])
  const unknown: string = 'everything'
  assert.is(isWithin(unknown as KeyScope, 'metrics'), false)
})

test('a key may do on each operation of the table what its scope says, and no more', async () => {
  const { request, create, addKey } = openKeys()
  const keys = {
    all: await addKey('all'),
    read: await addKey('read'),
    metrics: await addKey('metrics'),
  }
  const { id } = await create()
  const rows = OPERATIONS.filter(
    ({ who, path }) => who === 'back_end' && path.startsWith('/sessions'),
  )
  assert.ok(rows.length > 10)
  for (const { method, path } of rows) {
    const target = path.replace(':id', id).replace(':key', 'a')
    const line = `${method} ${target}${target === '/sessions' && method === 'DELETE' ? '?sub=nobody' : ''}`
    const reads = method === 'GET'
    assert.equal(await isRefused(line, keys.metrics), true, `${line} metrics`)
    assert.equal(await isRefused(line, keys.read), !reads, `${line} read`)
    assert.equal(await isRefused(line, keys.all), false, `${line} all`)
  }

  async function isRefused(line: string, key: string): Promise<boolean> {
    const answer = await request(line, { key, ...bodyFor(line) })
    if (answer.status !== 403) return false
    assert.is((await problemOf(answer)).code, 'insufficient_scope')
    return true
  }
})

test('a key that reads says how the browser came: over https a plain cookie opens nothing', async () => {
  const { request, addKey } = openKeys()
  const key = await addKey('read')
  const cookie = await signIn(request, { user: 'ada' })
  assert.is((await request('GET /session', { key, cookie })).status, 200)
  const headers = { 'x-forwarded-proto': 'https' }
  const answer = await request('GET /session', { key, cookie, headers })
  assert.is(answer.status, 404)
  assert.equal(answer.headers.getSetCookie(), [])
  // Without a key that is in force the header is anybody's.
  assert.is((await request('GET /session', { cookie, headers })).status, 200)
})

test('HEAD and OPTIONS are reads; a method that does not exist here needs no more than its kind', async () => {
  const { request, addKey } = openKeys()
  const key = await addKey('read')
  assert.is((await request('HEAD /sessions', { key })).status, 200)
  assert.is((await request('OPTIONS /sessions', { key })).status, 405)
  assert.is((await request('POST /sessions/x', { key })).status, 403)
  assert.is((await request('PURGE /sessions', { key })).status, 403)
})

test('what asks by another way for a write is a read all the same', async () => {
  const { request, create, addKey, store, clock } = openKeys()
  const key = await addKey('read')
  const { id } = await create()
  for (const headers of [
    { 'x-http-method-override': 'DELETE' },
    { 'x-http-method': 'DELETE' },
    { 'x-method-override': 'DELETE' },
  ]) {
    assert.is((await request(`GET /sessions/${id}?_method=DELETE`, { key, headers })).status, 200)
  }
  assert.is((await store.find(id, clock.now())).state, 'live')
})

test('the refusal says what the key may, what this needs, and how to get it', async () => {
  const { request, addKey } = openKeys()
  const answer = await request('DELETE /sessions?all=true', { key: await addKey('read', 'board') })
  assert.is(
    answer.headers.get('www-authenticate'),
    'Bearer realm="coatcheck", error="insufficient_scope", scope="all"',
  )
  const problem = await problemOf(answer)
  assert.is(
    problem.detail,
    'Cannot do this with the API key "board": it may only read (scope read), and this needs a key of ' +
      'the scope all; "coatcheck key new NAME --scope all" makes one',
  )
  assert.is(problem.scope, 'all')
})

test('a read by a key that may only read is no activity, whatever the query says', async () => {
  const { request, create, addKey, clock } = openKeys({ idleTimeoutMs: 60_000 })
  const reading = await addKey('read')
  const { id } = await create({ data: { a: 1 } })
  clock.advance(50_000)
  for (const line of [`GET /sessions/${id}`, `GET /sessions/${id}/a?touch=true`]) {
    assert.is((await request(line, { key: reading })).status, 200)
  }
  clock.advance(20_000)
  assert.is((await request(`GET /sessions/${id}`, { key: API_KEY })).status, 410)
})

test('beside a cookie the rights are those of the key: less than the holder has by himself', async () => {
  const { request, addKey } = openKeys()
  const cookie = await signIn(request, { a: 1 })
  const [read, metrics] = [await addKey('read'), await addKey('metrics')]
  assert.is((await request('GET /session', { key: read, cookie })).status, 200)
  assert.is((await request('PUT /session/a', { key: read, cookie, body: '2' })).status, 403)
  assert.is((await request('DELETE /session', { key: read, cookie })).status, 403)
  assert.is((await request('GET /session', { key: metrics, cookie })).status, 403)
  assert.is((await request('PUT /session/a', { cookie, body: '2' })).status, 204)
})

test('a refused scope is no wrong key: however many, the right ones are not limited', async () => {
  const { request, addKey } = openKeys()
  const key = await addKey('metrics')
  for (let n = 0; n < 30; n++) {
    assert.is((await request('GET /sessions', { key })).status, 403)
  }
  assert.is((await request('GET /sessions', { key: `ck_${'w'.repeat(43)}` })).status, 401)
})

test('a narrow key that is revoked is no key', async () => {
  const { request, addKey, store } = openKeys()
  const key = await addKey('read', 'board')
  assert.is((await request('GET /sessions', { key })).status, 200)
  await store.keys.revoke('board', 1)
  assert.is((await request('GET /sessions', { key })).status, 401)
  assert.is((await request('DELETE /sessions?all=true', { key })).status, 401)
})

test('where the store knows a configured key by a scope, that scope counts', async () => {
  const { request, addKey } = openKeys()
  await addKey('read', 'narrowed', API_KEY)
  assert.is((await request('DELETE /sessions?all=true', { key: API_KEY })).status, 403)
})

test.run()

function openKeys(options: ServerOptions = {}) {
  const server = openBackEnd(options)
  let made = 0

  async function addKey(scope: KeyScope, name = `key-${++made}`, given?: string): Promise<string> {
    const key = given ?? `ck_${name.padEnd(43, 'x')}`
    const { store, clock } = server
    const createdAt = clock.now()
    const kept = { hash: hashSecret(key), name, scope, createdAt, revokedAt: null }
    assert.is(await store.keys.add(kept), true)
    return key
  }

  return { ...server, addKey }
}

function bodyFor(line: string): Ask {
  return line.startsWith('GET') || line.startsWith('DELETE') ? {} : { body: '{}' }
}

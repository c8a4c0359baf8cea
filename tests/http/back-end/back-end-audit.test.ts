import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashSecret } from '../../../lib/session/token.ts'
import {
  API_KEY,
  openServer,
  type ServerOptions,
  sessionOf,
} from '../../kit/process/open-server.ts'

const test = suite('audit of back ends')

const SHOP = 'ck_the-key-of-the-shop-aaaaaaaaaa'
const READER = 'ck_the-key-of-who-reads-aaaaaaaaa'
const WRONG = 'ck_wwwwwwwwwwwwwwwwwwwwwwwwwwwwww'

test('the end of one session tells who, from where, and which', async () => {
  const { create, request, lines } = await openAudited()
  const id = await create({ sub: 'ada' })
  await request(`DELETE /sessions/${id}`, { key: SHOP, peer: '192.0.2.7' })
  assert.equal(lines(), [
    {
      time: '2026-01-01T00:00:00.000Z',
      level: 'info',
      event: 'sessions_ended',
      by: 'shop',
      client: '192.0.2.7',
      id,
      ended: 1,
    },
  ])
})

test('the end of all of a user tells how many, and which one stays', async () => {
  const { create, request, lines } = await openAudited()
  await create({ sub: 'ada' })
  await create({ sub: 'ada' })
  const except = await create({ sub: 'ada' })
  await request(`DELETE /sessions?sub=ada&except=${except}`, { key: SHOP })
  const { by, sub, except: stays, ended, more } = lines()[0] ?? {}
  assert.equal([by, sub, stays, ended, more], ['shop', 'ada', except, 2, false])
})

test('of a key with an app, the app and full ids are told', async () => {
  const { store, clock, request, lines } = await openAudited()
  const key = 'ck_the-key-of-one-app-aaaaaaaaaaaa'
  const made = { hash: hashSecret(key), name: 'one', scope: 'all', app: 'one' } as const
  await store.keys.add({ ...made, createdAt: clock.now(), revokedAt: null })
  const begin = async () => {
    return (await sessionOf(await request('POST /sessions', { key, body: '{}' }))).id
  }
  const [first, second] = [await begin(), await begin()]
  await request(`DELETE /sessions/${first}`, { key })
  await request(`DELETE /sessions?all=true&except=${second}`, { key })
  assert.equal(
    lines().map(({ by, app, id, except, ended }) => [by, app, id, except, ended]),
    [
      ['one', 'one', `one~${first}`, undefined, 1],
      ['one', 'one', undefined, `one~${second}`, 0],
    ],
  )
})

test("the end of everybody's sessions says that it was of all", async () => {
  const { create, request, lines } = await openAudited()
  await create({ sub: 'ada' })
  await create({ sub: 'bob' })
  await request('DELETE /sessions?all=true', { key: API_KEY })
  const { by, all, ended, sub } = lines()[0] ?? {}
  assert.equal([by, all, ended, sub], ['configured', true, 2, undefined])
})

test('a back end that logs a holder out by the cookie is told of, a holder is not', async () => {
  const { request, lines } = await openAudited()
  for (const key of [undefined, SHOP]) {
    const begun = await request('PUT /session/a', { body: '1' })
    const cookie = begun.headers.getSetCookie()[0]?.split(';', 1)[0] ?? ''
    const ask = { cookie, ...(key !== undefined && { key }) }
    const { id } = await sessionOf(await request('GET /session', { cookie }))
    await request('DELETE /session', ask)
    assert.equal(
      lines().map((line) => [line['by'], line['id']]),
      key === undefined ? [] : [['shop', id]],
    )
  }
})

test('what ends nothing is not told as an end', async () => {
  const { create, request, lines } = await openAudited()
  const id = await create({ sub: 'ada' })
  await request(`DELETE /sessions/${id}`, { key: SHOP, headers: { 'If-Match': '"99"' } })
  await request('DELETE /sessions/no-session-has-this-id', { key: SHOP })
  await request('DELETE /sessions', { key: SHOP })
  assert.equal(lines(), [])
})

test('a scope that is too small is told with the name of the key', async () => {
  const { request, lines } = await openAudited()
  const answer = await request('DELETE /sessions?all=true', { key: READER, peer: '192.0.2.7' })
  assert.is(answer.status, 403)
  const { level, event, by, client, scope, needed, method } = lines()[0] ?? {}
  assert.equal(
    [level, event, by, client, scope, needed, method],
    ['warn', 'scope_refused', 'reader', '192.0.2.7', 'read', 'all', 'DELETE'],
  )
})

test('wrong keys are told by network, and counted', async () => {
  const { request, lines, log } = await openAudited()
  for (let n = 0; n < 7; n++) await request('GET /sessions', { key: WRONG, peer: `2001:db8::${n}` })
  log.flush()
  assert.equal(
    lines().map(({ event, client, leftOut }) => [event, client, leftOut]),
    [
      ['api_key_refused', '2001:db8:0:0::/64', undefined],
      ['api_key_refused', '2001:db8:0:0::/64', 6],
    ],
  )
})

test('behind a proxy that is trusted, the address is the one that it tells', async () => {
  const { create, request, lines } = await openAudited({ trustedProxies: ['192.0.2.0/24'] })
  const id = await create({ sub: 'ada' })
  const headers = { 'X-Forwarded-For': '203.0.113.9' }
  await request(`DELETE /sessions/${id}`, { key: SHOP, headers })
  assert.is(lines()[0]?.['client'], '203.0.113.9')
})

test('the word of a back end about its client is not the address that its own acts came from', async () => {
  const { create, request, lines } = await openAudited()
  const id = await create({ sub: 'ada' })
  const headers = { 'X-Forwarded-For': '203.0.113.9', Forwarded: 'for=203.0.113.9' }
  await request(`DELETE /sessions/${id}`, { key: READER, headers })
  await request(`DELETE /sessions/${id}`, { key: SHOP, headers })
  assert.equal(
    lines().map(({ event, client }) => [event, client]),
    [
      ['scope_refused', '192.0.2.1'],
      ['sessions_ended', '192.0.2.1'],
    ],
  )
})

test('no key, token, claim or value is in a line, and a hostile sub forges none', async () => {
  const { create, request, logged } = await openAudited()
  const sub = 'a\u2028{"event":"forged"}\r\n\u001b[31m'
  const id = await create({ sub, role: 'claimed-role' }, { word: 'secret-word' })
  await request(`DELETE /sessions?sub=${encodeURIComponent(sub)}`, { key: SHOP })
  await request(`DELETE /sessions/${id}`, { key: READER })
  await request(`DELETE /sessions/${id}`, { key: WRONG })
  assert.is(logged.length, 3)
  for (const line of logged) {
    assert.not.match(line, /ck_|the-key-of|wwww|claimed-role|secret-word/)
    assert.match(line, /^[^\p{Cc}\p{Zl}\p{Zp}]*\n$/u)
  }
  assert.is(JSON.parse(logged[0] ?? '')['sub'], sub)
})

test.run()

type Line = Readonly<Record<string, unknown>>

async function openAudited(options: ServerOptions = {}) {
  const server = openServer(options)
  const { request, store, clock, logged } = server
  const made = { createdAt: clock.now(), revokedAt: null } as const
  await store.keys.add({ hash: hashSecret(SHOP), name: 'shop', scope: 'all', ...made })
  await store.keys.add({ hash: hashSecret(READER), name: 'reader', scope: 'read', ...made })

  return {
    ...server,
    lines: () => logged.map((line): Line => JSON.parse(line)),
    async create(claims: object, data: object = {}): Promise<string> {
      const body = JSON.stringify({ claims, data })
      return (await sessionOf(await request('POST /sessions', { key: SHOP, body }))).id
    },
  }
}

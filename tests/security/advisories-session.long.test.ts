// One test for each advisory of a session library, by its number: the like cannot happen here. None
// was found for express-session itself, so its dependency and the libraries around it stand here.
import crypto from 'node:crypto'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOf, cookieFor, endingOf, openBackEnd, rowsOf } from '../kit/clients/back-end.ts'
import { cookieOf, openServer, refusalOf, sessionOf, signIn } from '../kit/process/open-server.ts'
import { listenRaw, parseAnswer, rawRequest, readToEnd } from '../kit/clients/raw-http.ts'

const test = suite('advisories about sessions')

const DAY = 86_400_000

// cookie-signature before 1.0.4, of express-session, compared signatures until the first difference.
test('CVE-2016-1000236: a secret and a key are compared in constant time, whatever was shown', async () => {
  const { request, create } = openBackEnd()
  const { id, token = '' } = await create()
  const right = token.slice(id.length + 1)
  const other = right.startsWith('A') ? 'B' : 'A'
  for (const secret of [
    right,
    `${other}${right.slice(1)}`,
    `${right.slice(0, -1)}.`,
    '',
    'x'.repeat(43),
  ]) {
    const cookie = cookieFor(`${id}.${secret}`)
    assert.is(await comparisonsOf(() => request('GET /session', { cookie })), 1, secret)
  }
  const unknown = cookieFor(`${'x'.repeat(21)}.${right}`)
  assert.is(await comparisonsOf(() => request('GET /session', { cookie: unknown })), 1)
})

// Rack before 2.0.8 looked a session up by the whole of what the cookie held, in an index whose
// time tells how much of it was right.
test('CVE-2019-16782: what a session is looked up by is public, and its secret is in no index', async () => {
  const { request, create, database } = openBackEnd()
  const { id, token = '', cookie } = await create({ claims: { sub: 'ada' } })
  const secret = token.slice(id.length + 1)
  assert.is((await request('GET /session', { cookie })).status, 200)
  assert.is((await request('GET /session', { cookie: cookieFor(id) })).status, 404)
  assert.not.match(JSON.stringify(database.serialize().toString('latin1')), secret)
  const indices = database
    .prepare(`select name from sqlite_schema where type = 'index' and sql like '%secret%'`)
    .all()
  assert.equal(indices, [])
})

// @fastify/session before 10.9.0 computed the expiry of a session with a maxAge anew when it was read.
test('CVE-2024-35220: a session with Max-Age dies at its time, however often it is shown', async () => {
  const { request, clock, database } = openServer()
  const cookie = cookieOf(await request('PATCH /session', { body: '{"permanent":true}' }))
  for (let day = 0; day < 30; day++) {
    clock.advance(DAY)
    assert.is((await request('GET /session', { cookie })).status, 200)
  }
  clock.advance(DAY)
  for (let attempt = 0; attempt < 3; attempt++) {
    assert.is(
      await endingOf(await request('GET /session', { cookie })),
      '410 session_ended lifetime',
    )
  }
  assert.is(
    database.prepare('select count(*) from sessions where sweep_at > ?').pluck().get(clock.now()),
    0,
  )
})

// @fastify/secure-session before 7.3.0 kept all in the cookie, which a log-out does not reach.
test('CVE-2024-31999: a cookie that was copied before the log-out opens nothing after it', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  assert.is((await request('DELETE /session', { cookie })).status, 204)
  for (const line of [
    'GET /session',
    'GET /session/user',
    'POST /session/renew',
    'DELETE /session',
  ]) {
    assert.is(await refusalOf(await request(line, { cookie })), '410 session_ended', line)
  }
  assert.is((await request('GET /verify', { cookie })).status, 401)
})

// Passport before 0.6.0 and @fastify/passport before 2.3.0 kept a session's id through the log-in.
test('CVE-2022-25896, CVE-2023-29019: whoever planted a session is not logged in with its victim', async () => {
  const { ask, request } = openBackEnd()
  const planted = await signIn(request, { cart: ['tea'] })
  const body = '{"claims":{"sub":"ada"}}'
  const login = await ask('PATCH /session', { cookie: planted, body })
  const cookie = cookieOf(login)
  assert.not.equal(cookie, planted)
  assert.equal((await sessionOf(await request('GET /session', { cookie }))).claims, { sub: 'ada' })
  assert.is(
    await endingOf(await request('GET /session', { cookie: planted })),
    '410 session_ended renewed',
  )

  // And from one user to the next, and back to nobody.
  for (const claims of ['{"sub":"eve"}', '{"sub":null}']) {
    const before = cookieOf(
      await ask('PATCH /session', { cookie: await signIn(request, {}), body }),
    )
    const after = await ask('PATCH /session', { cookie: before, body: `{"claims":${claims}}` })
    assert.not.equal(cookieOf(after), '', claims)
    assert.is((await request('GET /session', { cookie: before })).status, 410, claims)
  }
})

// Flask before 2.3.2 left out "Vary: Cookie" where it only refreshed the cookie; before 3.1.3 where
// only a key was looked for. Hono's cache before 4.11.7 and 4.12.18 passed over such headers.
test('CVE-2023-30861, CVE-2026-27205, CVE-2026-24472, CVE-2026-44457: no answer about a session is for a cache', async () => {
  const { request, ask } = openBackEnd()
  const cookie = cookieOf(await request('PATCH /session', { body: '{"permanent":true}' }))
  const { id } = await sessionOf(await request('GET /session', { cookie }))
  for (const [line, more] of [
    ['HEAD /session', {}],
    ['HEAD /session/a', {}],
    ['GET /session', {}],
    ['GET /session/a?default=0', {}],
    ['PUT /session/a', { body: '1' }],
    ['PUT /session/a', { body: 'no JSON' }],
    ['PATCH /session', { body: '{"permanent":false}' }],
    ['PATCH /session', { body: '{"permanent":true}' }],
    ['GET /verify', {}],
    ['GET /cookies', {}],
    ['GET /cookies/a', {}],
    ['PUT /cookies/a', { body: '{"value":"1"}' }],
    ['GET /sessions', {}],
    ['PUT /none', {}],
    ['POST /session/renew', {}],
    ['GET /session', {}],
    ['DELETE /session', {}],
  ] as const) {
    assertUncached(line, await request(line, { cookie, ...more }))
  }
  assertUncached('GET /sessions', await ask('GET /sessions'))
  assertUncached('GET /sessions/ID', await ask(`GET /sessions/${id}`))
})

// Flask-Caching up to 1.10.1 unpickled what its store held, and so ran it.
test('CVE-2021-33026: what the store holds is data, whoever has written it there', async () => {
  const { request, database } = openServer()
  const pickled = "cos\nsystem\n(S'true'\ntR."
  const cookie = await signIn(request, { a: pickled })
  assert.is(await (await request('GET /session/a', { cookie })).json(), pickled)
  const hostile =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toJSON":"x"}'
  database.prepare('update sessions set data = ?').run(hostile)
  for (const body of ['{"merge":{"__proto__":{"polluted":2}}}', '{"increment":1}']) {
    await request('PATCH /session/__proto__', { cookie, body })
  }
  assert.is((await request('GET /session', { cookie })).status, 200)
  assert.is(Reflect.get({}, 'polluted'), undefined)
})

// rack-session before 2.1.1 wrote back at a request's end the session that it had read at its start.
test('CVE-2025-46336: a request that began before the log-out does not bring the session back', async () => {
  const server = await listenRaw()
  const put = parseAnswer(await server.send(rawRequest('PUT /session/user', [], '"ada"')))
  const [cookie = ''] = (put.headers.get('set-cookie') ?? '').split(';')
  const slow = await server.open()
  slow.write(rawRequest('PUT /session/b', [`Cookie: ${cookie}`], '"late"').slice(0, -1))
  // What came on another connection later is answered, so the server has read this one's headers.
  const headers = [`Cookie: ${cookie}`]
  assert.is(parseAnswer(await server.send(rawRequest('GET /session', headers))).status, 200)
  assert.is(parseAnswer(await server.send(rawRequest('DELETE /session', headers))).status, 204)
  const answered = readToEnd(slow)
  slow.write('"')
  const late = parseAnswer(await answered)
  slow.destroy()
  if (!slow.closed) await once(slow, 'close')

  assert.is(parseAnswer(await server.send(rawRequest('GET /session', headers))).status, 410)
  // A write with a dead token begins another session, and nothing of the old one is in it.
  assert.is(late.status, 204)
  const [fresh = ''] = (late.headers.get('set-cookie') ?? '').split(';')
  assert.not.equal(fresh, cookie)
  const read = await server.send(rawRequest('GET /session', [`Cookie: ${fresh}`]))
  assert.equal(JSON.parse(parseAnswer(read).body).data, { b: 'late' })
  await server.stop()
})

// rack-session before 2.1.2 read a cookie that it could not decrypt as if it were data.
test('CVE-2026-39324: a cookie that opens nothing is never read as a session', async () => {
  const { request } = openServer()
  const data = { user: 'admin', claims: { sub: 'root' } }
  const json = JSON.stringify(data)
  const values = [
    encodeURIComponent(json),
    ...(['base64', 'base64url', 'hex'] as const).map((as) => Buffer.from(json).toString(as)),
    `s:${Buffer.from(json).toString('base64url')}.${'x'.repeat(43)}`,
    `${Buffer.from(json).toString('base64url')}--${'0'.repeat(40)}`,
    `${'x'.repeat(21)}.${'y'.repeat(43)}`,
    'BAh7BkkiCXVzZXIGOgZFVEkiCmFkbWluBjsAVA==',
  ]
  for (const value of values) {
    const cookie = `sid=${value}`
    assert.is((await request('GET /session', { cookie })).status, 404, value)
    const written = await request('PUT /session/a', { cookie, body: '1' })
    const session = await sessionOf(await request('GET /session', { cookie: cookieOf(written) }))
    assert.equal([session.data, session.claims], [{ a: 1 }, {}], value)
  }
})

// Django before 1.8.3 kept a record for each session key that anybody made up, and before 1.8.4 one
// for each log-out of nobody.
test('CVE-2015-5143, CVE-2015-5963: neither a made-up token nor a log-out of nobody leaves a row', async () => {
  const server = openServer()
  const before = rowsOf(server)
  for (let n = 0; n < 200; n++) {
    const cookie = cookieFor(`${String(n).padStart(21, 'x')}.${'y'.repeat(43)}`)
    for (const line of [
      'GET /session',
      'DELETE /session',
      'POST /session/clear',
      'POST /session/renew',
      'GET /verify',
      'DELETE /session/a?default=1',
    ]) {
      await server.request(line, { cookie })
    }
    await server.request('DELETE /session')
  }
  assert.equal(rowsOf(server), before)
})

// tower-sessions 0.12.0 tells a store to create apart from to save, since a save overwrote a session
// that had the id already; 0.12.1 the same for a renewed id.
test('tower-sessions 0.12.0, 0.12.1: what is created never takes the place of what is there', async () => {
  const { ask, store, clock, create } = openBackEnd()
  const { id } = await create({ data: { of: 'ada' } })
  const found = await store.find(id, clock.now())
  if (found.state !== 'live') throw new Error('There is no session')
  const { inserted } = await store.insert({ ...found.session, data: '{"of":"eve"}' })
  assert.is(inserted, false)
  const body = '{"data":{"of":"eve"}}'
  const put = await ask(`PUT /sessions/${id}`, { body, headers: { 'if-none-match': '*' } })
  assert.is(await refusalOf(put), '412 precondition_failed')
  assert.equal((await bodyOf(await ask(`GET /sessions/${id}`))).data, { of: 'ada' })
})

// tower-sessions 0.4.3: its stores in memory gave out a session that had expired but was still there;
// 0.12.2: a change of the expiry did not reach the cookie's Max-Age.
test('tower-sessions 0.4.3, 0.12.2: no sweep is needed for a death, and the cookie learns of a change', async () => {
  const { request, clock, database } = openServer({ idleTimeoutMs: 60_000 })
  const cookie = await signIn(request, { a: 1 })
  const lasting = await request('PATCH /session', { cookie, body: '{"permanent":true}' })
  assert.match(lasting.headers.get('set-cookie') ?? '', `; Max-Age=${31 * 86_400}`)
  await request('PATCH /session', { cookie, body: '{"permanent":false}' })
  clock.advance(60_000)
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 1)
  assert.is(
    await endingOf(await request('GET /session', { cookie })),
    '410 session_ended idle_timeout',
  )
})

test.run()

function assertUncached(line: string, { status, headers }: Response): void {
  const what = `${line} is ${status}`
  assert.is(headers.get('cache-control'), 'no-store', what)
  assert.is(headers.get('vary'), 'Cookie, Authorization, Session-Token, Accept', what)
}

/** How often the run asks for a comparison in constant time. */
async function comparisonsOf(run: () => Promise<unknown>): Promise<number> {
  const { timingSafeEqual } = crypto
  let count = 0
  crypto.timingSafeEqual = (...pair) => {
    count++
    return timingSafeEqual(...pair)
  }
  syncBuiltinESMExports()
  try {
    await run()
    return count
  } finally {
    crypto.timingSafeEqual = timingSafeEqual
    syncBuiltinESMExports()
  }
}

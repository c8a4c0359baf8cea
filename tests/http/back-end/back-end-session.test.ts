import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  bodyOf,
  cookieFor,
  endingOf,
  jsonPatch,
  openBackEnd,
  type Opened,
  rowsOf,
} from '../../kit/clients/back-end.ts'
import { type Ask, problemOf, refusalOf, sessionOf } from '../../kit/process/open-server.ts'

const test = suite('/sessions/:id')

const UNKNOWN = 'unknown-unknown-unknown'

/** A request of each kind on one session, by the line behind its path. */
const READS = ['GET ', 'HEAD ', 'GET /a', 'HEAD /a']
const WRITES: readonly (readonly [method: string, below: string, ask: Ask])[] = [
  ['PUT', '/a', { body: '1' }],
  ['PATCH', '/a', { body: '{"increment":1}' }],
  ['PATCH', '/list', { body: '{"append":1}' }],
  ['PATCH', '/map', { body: '{"merge":{"a":1}}' }],
  ['DELETE', '/a', {}],
  ['PATCH', '', { body: '{"data":{"b":1}}' }],
  ['PATCH', '', { body: '{"permanent":true}' }],
  ['PATCH', '', { body: '{"claims":{"sub":"eve"}}' }],
  ['PATCH', '', jsonPatch([{ op: 'add', path: '/claims/sub', value: 'eve' }])],
  ['POST', '/clear', {}],
  ['POST', '/renew', {}],
  ['DELETE', '', {}],
]

/** A session with some data, and `on('PUT /a', …)`, which asks about it. */
async function openNamed() {
  const server = openBackEnd()
  const data = { a: 1, list: [1], map: { x: 1 } }
  const session = await server.create({ data, claims: { sub: 'ada' } })
  const on = async (line: string, ask: Ask = {}) => {
    const [method, below = ''] = line.split(' ')
    return await server.ask(`${method} /sessions/${session.id}${below}`, ask)
  }
  const dataOf = async () => (await sessionOf(await on('GET '))).data
  return { ...server, session, on, dataOf }
}

test('an unknown id is 404 to every read and every write, which create nothing', async () => {
  const server = openBackEnd()
  for (const id of [UNKNOWN, 'x', 'clear', '%2e%2e', '__proto__', 'sessions', 'a'.repeat(5_000)]) {
    for (const line of READS) {
      const [method, below] = line.split(' ')
      const answer = await server.ask(`${method} /sessions/${id}${below}`)
      assert.is(answer.status, 404, `${line} ${id}`)
    }
    for (const [method, below, ask] of WRITES) {
      const answer = await server.ask(`${method} /sessions/${id}${below}`, ask)
      assert.is(answer.headers.get('set-cookie'), null)
      assert.is(await refusalOf(answer), '404 session_not_found', `${method} ${below} ${id}`)
    }
  }
  assert.equal(rowsOf(server), [])
})

test('an id is compared as it stands: no other case, no part of it and no token is one', async () => {
  const { ask, create } = openBackEnd()
  const { id, token } = await create()
  for (const other of [
    id.slice(0, -1),
    `${id}x`,
    `${id}%20`,
    `%00${id}`,
    `${id}%00`,
    token,
    `${id}.`,
  ]) {
    assert.is(await refusalOf(await ask(`GET /sessions/${other}`)), '404 session_not_found', other)
  }
  assert.is((await ask(`GET /sessions/${swapCase(id)}`)).status, 404)
  const escaped = `%${id.charCodeAt(0).toString(16)}${id.slice(1)}`
  assert.is((await ask(`GET /sessions/${escaped}`)).status, 200)
  assert.is(await refusalOf(await ask('GET /sessions/%ff')), '400 bad_request')
})

test('an ended session is 410 with its reason to every read and every write', async () => {
  const { ask, session, on, ...server } = await openNamed()
  await on('DELETE ')
  const before = rowsOf(server)
  for (const line of READS) assert.is((await on(line)).status, 410, line)
  for (const [method, below, more] of WRITES) {
    const answer = await ask(`${method} /sessions/${session.id}${below}`, more)
    assert.is(await endingOf(answer), '410 session_ended revoked', `${method} ${below}`)
  }
  assert.equal(rowsOf(server), before)
})

test('what is told of an ended id says what a back end does next', async () => {
  const { ask, create } = openBackEnd()
  const { id } = await create()
  await ask(`DELETE /sessions/${id}`)
  const renewed = await create()
  await ask(`POST /sessions/${renewed.id}/renew`)
  for (const line of READS.concat('PUT ', 'PATCH ', 'DELETE /a')) {
    const [method = '', below = ''] = line.split(' ')
    const told = async (of: string) =>
      (await problemOf(await ask(`${method} /sessions/${of}${below}`, { body: '{}' }))).detail
    if (method === 'HEAD') continue
    assert.match(await told(id), 'POST /sessions creates another one, and PUT of this id does once')
    assert.match(await told(renewed.id), 'it was renewed and goes on under another id')
    assert.not.match(await told(id), 'cookie')
  }
})

test('each way to end has its reason', async () => {
  const { ask, request, create, clock } = openBackEnd({ keepEndedMs: 86_400_000 })
  const endOf = async ({ id }: Opened, line: string, more: Ask) => {
    assert.ok((await request(line, more)).ok, line)
    return await endingOf(await ask(`GET /sessions/${id}`))
  }
  const [left, renewed, idle, old] = [
    await create(),
    await create(),
    await create({ idleTimeout: 60 }),
    await create({ lifetime: 60 }),
  ]
  const { cookie } = left
  assert.is(await endOf(left, 'DELETE /session', { cookie }), '410 session_ended logout')
  const own = { cookie: renewed.cookie }
  assert.is(await endOf(renewed, 'POST /session/renew', own), '410 session_ended renewed')
  clock.advance(60_000)
  const read = async ({ id }: Opened) => await endingOf(await ask(`GET /sessions/${id}`))
  assert.is(await read(idle), '410 session_ended idle_timeout')
  assert.is(await read(old), '410 session_ended lifetime')
  clock.advance(86_400_000)
  assert.is(await read(old), '404 session_not_found')
})

test('GET shows what the holder sees and the device; HEAD has its headers alone', async () => {
  const { request, session, on } = await openNamed()
  const answer = await on('GET ')
  const { device, ...shown } = await bodyOf(answer)
  const { cookie } = session
  assert.equal(shown, await sessionOf(await request('GET /session', { cookie })))
  assert.equal(device, { address: '192.0.2.1' })
  const head = await on('HEAD ')
  assert.equal([head.status, await head.text()], [200, ''])
  assert.is(head.headers.get('etag'), answer.headers.get('etag'))
})

test('a key of the session can be set, read, defaulted, looked for and popped', async () => {
  const { on } = await openNamed()
  assert.is((await on('PUT /user', { body: '"ada"' })).status, 204)
  assert.is(await (await on('GET /user')).text(), '"ada"')
  assert.is(await (await on('GET /user', { headers: { accept: 'text/plain' } })).text(), 'ada')
  assert.equal([(await on('HEAD /user')).status, (await on('HEAD /none')).status], [200, 404])
  assert.is(await refusalOf(await on('GET /none')), '404 key_not_found')
  assert.is(await (await on('GET /none?default={"a":1.0}')).text(), '{"a":1.0}')
  assert.is(await (await on('DELETE /user')).text(), '"ada"')
  assert.is(await refusalOf(await on('DELETE /user')), '404 key_not_found')
  assert.is(await (await on('DELETE /user?default=0')).text(), '0')
})

test('a default stands in for a key, and for no session that has ended', async () => {
  const { on } = await openNamed()
  assert.is((await on('DELETE ')).status, 204)
  assert.is(await endingOf(await on('GET /user?default=0')), '410 session_ended revoked')
  assert.is(await endingOf(await on('DELETE /user?default=0')), '410 session_ended revoked')
})

test('with ?as=text a body is the string as it stands', async () => {
  const { on, dataOf } = await openNamed()
  await on('PUT /a?as=text', { body: 'it is "so"', headers: { 'content-type': 'text/plain' } })
  assert.is((await dataOf())['a'], 'it is "so"')
  assert.is(await (await on('GET /a?as=text')).text(), 'it is "so"')
  await on('PUT /a', { body: '{"b":1}', headers: { 'content-type': 'text/plain' } })
  assert.equal((await dataOf())['a'], { b: 1 })
})

test('PUT with If-None-Match: * sets a key that is missing and keeps one that is there', async () => {
  const { on, dataOf } = await openNamed()
  const headers = { 'if-none-match': '*' }
  assert.is((await on('PUT /new', { body: '1', headers })).status, 204)
  const again = await on('PUT /new', { body: '2', headers })
  assert.is(await refusalOf(again), '412 precondition_failed')
  assert.is((await dataOf())['new'], 1)
})

test('increment, append and merge answer the new value', async () => {
  const { on, dataOf } = await openNamed()
  assert.is(await (await on('PATCH /a', { body: '{"increment":2}' })).text(), '3')
  assert.is(await (await on('PATCH /list', { body: '{"append":2}' })).text(), '[1,2]')
  const merged = await on('PATCH /map', { body: '{"merge":{"y":2,"x":null}}' })
  assert.is(await merged.text(), '{"y":2}')
  assert.equal(await dataOf(), { a: 3, list: [1, 2], map: { y: 2 } })
})

test('PATCH merges data and claims and answers the session', async () => {
  const { on } = await openNamed()
  const body = '{"data":{"a":null,"b":2},"claims":{"roles":["admin"]}}'
  const { data, claims, token } = await bodyOf(await on('PATCH ', { body }))
  assert.equal(data, { list: [1], map: { x: 1 }, b: 2 })
  assert.equal([claims, token], [{ sub: 'ada', roles: ['admin'] }, undefined])
})

test('PATCH sets permanent and the longer limits with it', async () => {
  const { on, clock } = await openNamed()
  const { permanent, expiresAt } = await bodyOf(await on('PATCH ', { body: '{"permanent":true}' }))
  assert.is(permanent, true)
  assert.is(Date.parse(expiresAt), clock.now() + 31 * 86_400_000)
})

test('a JSON Patch reaches data, claims and permanent, all of it or nothing', async () => {
  const { on } = await openNamed()
  const steps = [
    { op: 'test', path: '/claims/sub', value: 'ada' },
    { op: 'add', path: '/claims/role', value: 'admin' },
    { op: 'move', from: '/data/a', path: '/claims/level' },
    { op: 'replace', path: '/permanent', value: true },
  ]
  const { data, claims, permanent } = await bodyOf(await on('PATCH ', jsonPatch(steps)))
  assert.equal(claims, { sub: 'ada', role: 'admin', level: 1 })
  assert.equal([data, permanent], [{ list: [1], map: { x: 1 } }, true])

  const failing = [{ op: 'remove', path: '/claims/role' }, steps[2] ?? {}]
  assert.is(await refusalOf(await on('PATCH ', jsonPatch(failing))), '422 invalid_patch')
  assert.equal((await bodyOf(await on('GET '))).claims, { sub: 'ada', role: 'admin', level: 1 })
})

test('clear empties the data and keeps the id, the token and the claims', async () => {
  const { on, request, session } = await openNamed()
  assert.is((await on('POST /clear')).status, 204)
  const seen = await sessionOf(await request('GET /session', { cookie: session.cookie }))
  assert.equal([seen.id, seen.data, seen.claims], [session.id, {}, { sub: 'ada' }])
})

test('renew answers the session with its new token and cookie; the old token is dead', async () => {
  const { on, request, session } = await openNamed()
  const answer = await on('POST /renew')
  assert.is(answer.status, 200)
  assert.is(answer.headers.get('set-cookie'), null)
  const { id, token = '', setCookie, data, createdAt } = await bodyOf(answer)
  assert.is.not(id, session.id)
  assert.is(token.split('.')[0], id)
  assert.is(setCookie, `sid=${token}; Path=/; HttpOnly; SameSite=Lax`)
  assert.equal([data, createdAt], [session.data, session.createdAt])

  assert.is((await request('GET /session', { cookie: cookieFor(token) })).status, 200)
  const old = await request('GET /session', { cookie: session.cookie })
  assert.is(await endingOf(old), '410 session_ended renewed')
  assert.is(await endingOf(await on('GET ')), '410 session_ended renewed')
})

test('DELETE is 204, sets no cookie and revokes: the holder is told so', async () => {
  const { on, request, session } = await openNamed()
  const answer = await on('DELETE ')
  assert.equal([answer.status, answer.headers.get('set-cookie')], [204, null])
  const { cookie } = session
  assert.is(await endingOf(await request('GET /session', { cookie })), '410 session_ended revoked')
})

test('every write answers an ETag that moves on, and If-Match holds it to a version', async () => {
  const { on, dataOf } = await openNamed()
  const headers = { 'if-match': '"1"' }
  const first = await on('PUT /a', { body: '2', headers })
  assert.equal([first.status, first.headers.get('etag')], [204, '"2"'])
  for (const [method, below, ask] of WRITES) {
    const stale = { ...ask, headers: { ...ask.headers, ...headers } }
    const answer = await on(`${method} ${below}`, stale)
    assert.is(await refusalOf(answer), '412 precondition_failed', `${method} ${below}`)
  }
  assert.equal(await dataOf(), { a: 2, list: [1], map: { x: 1 } })
  assert.is((await on('GET ')).headers.get('etag'), '"2"')
})

test('a read counts as activity, but not with ?touch=false', async () => {
  const { on, clock } = await openNamed()
  clock.advance(60_000)
  const lastSeenOf = async (line: string) =>
    Date.parse((await sessionOf(await on(line))).lastSeenAt)
  assert.is(await lastSeenOf('GET ?touch=false'), clock.now() - 60_000)
  assert.is(await lastSeenOf('GET '), clock.now())
})

test('no answer sets a cookie: what the browser is to have stands in the body', async () => {
  const { session, on, ask } = await openNamed()
  for (const [method, below, more] of WRITES.slice(0, 7)) {
    const answer = await ask(`${method} /sessions/${session.id}${below}`, more)
    assert.is(answer.ok, true, `${method} ${below}`)
    assert.is(answer.headers.get('set-cookie'), null, `${method} ${below}`)
  }
  assert.is((await on('POST /renew')).headers.get('set-cookie'), null)
})

test('a cookie beside the key does not choose the session: the path does', async () => {
  const { on, create, request } = await openNamed()
  const other = await create({ data: { a: 9 } })
  const { cookie } = other
  assert.is(await (await on('GET /a', { cookie })).text(), '1')
  assert.is((await on('DELETE ', { cookie })).status, 204)
  assert.is((await request('GET /session', { cookie })).status, 200)
})

test('a method that the path does not have is 405 with those it has', async () => {
  const { on } = await openNamed()
  for (const [line, allow] of [
    ['POST /a', 'GET, HEAD, PUT, PATCH, DELETE'],
    ['QUERY /renew', 'GET, HEAD, PUT, PATCH, DELETE, POST'],
  ] as const) {
    const answer = await on(line)
    assert.equal([answer.status, answer.headers.get('allow')], [405, allow], line)
  }
  for (const line of ['POST ', 'OPTIONS ']) {
    const answer = await on(line)
    const allow = answer.headers.get('allow') ?? ''
    assert.is(await refusalOf(answer), '405 method_not_allowed', line)
    // PUT on an id replaces the session, so it is a method of this path.
    assert.equal(allow.split(', ').sort(), ['DELETE', 'GET', 'HEAD', 'PATCH', 'PUT'], line)
  }
})

test('an empty key is refused as it is on /session', async () => {
  const { on } = await openNamed()
  for (const [line, ask] of [
    ['GET /'],
    ['PUT /', { body: '1' }],
    ['PATCH /', { body: '{"increment":1}' }],
    ['DELETE /'],
  ] as const) {
    assert.is(await refusalOf(await on(line, ask)), '422 invalid_key', line)
  }
})

test('what is no key is refused as it is on /session', async () => {
  const { on } = await openNamed()
  assert.is(await refusalOf(await on('GET /a/b')), '404 route_not_found')
  assert.is(await refusalOf(await on('GET /%ff')), '400 bad_request')
  assert.is((await on('PUT /a%2Fb', { body: '1' })).status, 204)
  assert.is(await (await on('GET /a%2Fb')).text(), '1')
})

test.run()

function swapCase(id: string): string {
  return id.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  )
}

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  bodyOf,
  cookieFor,
  endingOf,
  listOf,
  openBackEnd,
  rowsOf,
} from '../../kit/clients/back-end.ts'
import { API_KEY, problemOf, refusalOf } from '../../kit/process/open-server.ts'

const test = suite('PUT /sessions/:id')

const ID = 'a-session-of-my-own_1'
const LINE = `PUT /sessions/${ID}`

test('an id that cannot be seen, or not be asked for, is 422, and creates nothing', async () => {
  const server = openBackEnd()
  const wrong = [
    ...['a'.repeat(129), '%C3%A9'.repeat(129), '%20', '%20a', 'a%20', '%C2%A0a', '%E3%80%80', '.'],
    ...['..', '%2e', '%2E.', 'a%0a', '%00', 'a%09b', '%7f', '%C2%85', '%E2%80%A8', '%E2%80%8B'],
    ...[
      'a%E2%80%AEb',
      '%EF%BB%BFa',
      '~',
      '~a',
      'Shop~a',
      'a%20b~c',
      'shop~',
      'shop~.',
      'shop~%20a',
    ],
  ]
  for (const id of wrong) {
    const answer = await server.ask(`PUT /sessions/${id}`, { body: '{}' })
    assert.is(await refusalOf(answer), '422 invalid_argument', id)
    assert.is((await server.ask(`GET /sessions/${id}`)).status, 404, id)
  }
  for (const id of ['%ff', '%C0%AE', '%ED%A0%80', '%', '%zz']) {
    const answer = await server.ask(`PUT /sessions/${id}`, { body: '{}' })
    assert.is(await refusalOf(answer), '400 bad_request', id)
  }
  assert.equal(rowsOf(server), [])
})

test('an id of the form of a token or an API key is 422 without a word of it, for it would be stored', async () => {
  const server = openBackEnd()
  const { token = '' } = await server.create()
  const before = rowsOf(server)
  for (const id of [token, `shop~${token}`, API_KEY, `${'a'.repeat(21)}.${'b'.repeat(43)}`]) {
    const answer = await server.ask(`PUT /sessions/${id}`, { body: '{}' })
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'invalid_argument')
    assert.match(detail, 'it has the form of a token or an API key; send a hash of it')
    const except = await server.ask(`DELETE /sessions?sub=ada&except=${id}`)
    assert.is(await refusalOf(except), '400 bad_request')
  }
  assert.equal(rowsOf(server), before)
})

/** Ids of frameworks, as they are and in a path. */
const IDS = [
  ...[
    'a',
    '123',
    'Z'.repeat(128),
    '-_-_-_-_-_-_-_-_',
    '0123456789012345',
    'sess:abc',
    'a.b',
    '...',
  ],
  ...['user/7', 'a//b', '../etc/passwd', '/', 'active-sessions-7', '127.0.0.1|/sign-in/email'],
  ...[
    'a b',
    'a+b',
    'a%2Fb',
    '%00',
    'a?b#c',
    'a&b=c',
    'a;b,c',
    '"quoted"',
    "it's",
    'a\\b',
    '{"a":1}',
  ],
  ...[
    'é',
    'e\u0301',
    'ÀÉ',
    'ключ',
    '鍵',
    '😀',
    '😀'.repeat(128),
    'null',
    '__proto__',
    'renew',
    'clear',
  ],
  ...['count', "'; drop table sessions; --", '<script>', '$1', '*', 'ck_short', 'a.'.repeat(64)],
]

test('any other text of 1 to 128 characters is an id of its own: 201, found as it is, then 200', async () => {
  const { ask } = openBackEnd()
  for (const id of IDS) {
    const path = `/sessions/${encodeURIComponent(id)}`
    const data = { own: id }
    const answer = await ask(`PUT ${path}`, {
      body: JSON.stringify({ data, claims: { sub: 'ada' } }),
    })
    assert.equal([answer.status, answer.headers.get('location')], [201, path], id)
    assert.is(answer.headers.get('etag'), '"1"')
    const created = await bodyOf(answer)
    assert.equal([created.id, created.data], [id, data])
  }
  const { sessions } = await listOf(await ask('GET /sessions?sub=ada&limit=1000'))
  assert.equal(
    sessions.map(({ id, data }) => [id, data]),
    IDS.map((id) => [id, { own: id }]),
  )
  for (const id of IDS) {
    const path = `/sessions/${encodeURIComponent(id)}`
    assert.is((await bodyOf(await ask(`GET ${path}`))).id, id)
    assert.is(await (await ask(`GET ${path}/own`)).text(), JSON.stringify(id))
    assert.is((await ask(`PUT ${path}/more`, { body: '1' })).status, 204)
    assert.is((await ask(`POST ${path}/clear`)).status, 204)
    const again = await ask(`PUT ${path}`, { body: '{"data":{"b":1}}' })
    assert.equal([again.status, again.headers.get('etag')], [200, '"4"'], id)
  }
  const kept = encodeURIComponent('user/7')
  const ended = await ask(`DELETE /sessions?sub=ada&except=${kept}`)
  assert.equal(JSON.parse(await ended.text()), { ended: IDS.length - 1, more: false })
  assert.is((await ask(`GET /sessions/${kept}`)).status, 200)
  assert.is((await ask(`DELETE /sessions/${kept}`)).status, 204)
})

test('the id may be written with escapes', async () => {
  const { ask } = openBackEnd()
  assert.is((await ask(`PUT /sessions/%61${ID.slice(1)}`, { body: '{}' })).status, 201)
  assert.is((await ask(`GET /sessions/${ID}`)).status, 200)
})

test('it has no token, and nothing that a holder could show opens it', async () => {
  const { ask, request } = openBackEnd()
  const id = 'abcdefghijklmnopqrstu'
  const answer = await ask(`PUT /sessions/${id}`, { body: '{"claims":{"sub":"ada"}}' })
  const { token, setCookie } = await bodyOf(answer)
  assert.equal([token, setCookie, answer.headers.get('set-cookie')], [undefined, undefined, null])
  const secrets = [
    '',
    '.',
    'null',
    `.${'a'.repeat(43)}`,
    `.${'-'.repeat(43)}`,
    '.null',
    '.undefined',
  ]
  for (const secret of secrets) {
    for (const shown of [
      { cookie: cookieFor(`${id}${secret}`) },
      { headers: { authorization: `Bearer ${id}${secret}` } },
    ]) {
      assert.is(await refusalOf(await request('GET /session', shown)), '404 session_not_found')
      assert.is((await request('GET /verify', shown)).status, 401)
      await request('PUT /session/a', { ...shown, body: '1' })
      await request('DELETE /session', shown)
    }
  }
  const seen = await ask(`GET /sessions/${id}`)
  assert.equal([seen.headers.get('etag'), (await bodyOf(seen)).data], ['"1"', {}])
})

test('PUT replaces all that a body can say, and keeps id, createdAt and the count of versions', async () => {
  const { ask, create, clock } = openBackEnd({ idleTimeoutMs: 60_000, lifetimeMs: 3_600_000 })
  const { id, createdAt } = await create({
    data: { a: 1 },
    claims: { sub: 'ada', role: 'admin' },
    permanent: true,
    idleTimeout: 600,
    lifetime: 1200,
  })
  clock.advance(5_000)
  const answer = await ask(`PUT /sessions/${id}`, {
    body: '{"data":{"b":2},"claims":{"sub":"ada"}}',
  })
  const seen = await bodyOf(answer)
  assert.equal([answer.status, answer.headers.get('etag')], [200, '"2"'])
  assert.equal([seen.id, seen.createdAt], [id, createdAt])
  assert.equal([seen.data, seen.claims, seen.permanent], [{ b: 2 }, { sub: 'ada' }, false])
  assert.is(Date.parse(seen.expiresAt), clock.now() + 60_000)
  assert.is(Date.parse(seen.lifetimeEndsAt), Date.parse(createdAt) + 3_600_000)
})

test('the token of a session outlives a replacement that leaves it its user', async () => {
  const { ask, request, create } = openBackEnd()
  const { id, cookie } = await create({ data: { a: 1 }, claims: { sub: 'ada' } })
  const answer = await ask(`PUT /sessions/${id}`, {
    body: '{"data":{"a":2},"claims":{"sub":"ada"}}',
  })
  assert.is((await bodyOf(answer)).token, undefined)
  assert.is(await (await request('GET /session/a', { cookie })).text(), '2')
})

test('a replacement with another user renews: the new token is in the answer, the old one dead', async () => {
  const { ask, request, create } = openBackEnd()
  for (const [before, after] of [
    [{}, { sub: 'ada' }],
    [{ sub: 'ada' }, { sub: 'bob' }],
    [{ sub: 'ada' }, {}],
  ]) {
    const { id, cookie, createdAt } = await create({ claims: before })
    const answer = await ask(`PUT /sessions/${id}`, { body: JSON.stringify({ claims: after }) })
    const seen = await bodyOf(answer)
    assert.equal([answer.status, answer.headers.get('set-cookie')], [200, null])
    assert.is.not(seen.id, id)
    assert.is(seen.token?.split('.')[0], seen.id)
    assert.is(seen.setCookie, `sid=${seen.token}; Path=/; HttpOnly; SameSite=Lax`)
    assert.equal([seen.claims, seen.createdAt], [after, createdAt])
    const old = await request('GET /session', { cookie })
    assert.is(await endingOf(old), '410 session_ended renewed')
    assert.is(
      await endingOf(await ask(`PUT /sessions/${id}`, { body: '{}' })),
      '410 session_ended renewed',
    )
    assert.is((await request('GET /session', { cookie: cookieFor(seen.token) })).status, 200)
  }
})

test('a session that no token opens keeps its chosen id, whoever it is of', async () => {
  const { ask } = openBackEnd()
  for (const claims of ['{}', '{"sub":"ada"}', '{"sub":"bob"}', '{}']) {
    const { id, token } = await bodyOf(await ask(LINE, { body: `{"claims":${claims}}` }))
    assert.equal([id, token], [ID, undefined])
  }
  const patched = await ask(`PATCH /sessions/${ID}`, { body: '{"claims":{"sub":"eve"}}' })
  const { id, token } = await bodyOf(patched)
  assert.equal([id, token], [ID, undefined])
})

test('PUT without claims keeps them, as it keeps the device, and with {} takes them away', async () => {
  const { ask, create } = openBackEnd()
  const claims = { sub: 'ada', role: 'admin' }
  const device = { address: '203.0.113.7', userAgent: 'a browser' }
  const { id } = await create({ data: { a: 1 }, claims, device })
  const kept = await bodyOf(await ask(`PUT /sessions/${id}`, { body: '{"data":{"b":2}}' }))
  assert.equal([kept.id, kept.token], [id, undefined])
  assert.equal([kept.data, kept.claims, kept.device], [{ b: 2 }, claims, device])
  const { sessions } = await listOf(await ask('GET /sessions?sub=ada'))
  assert.equal(
    sessions.map((one) => one.id),
    [id],
  )

  await ask(LINE, { body: '{"claims":{"sub":"ada"}}' })
  const gone = await bodyOf(await ask(LINE, { body: '{"claims":{}}' }))
  assert.equal(gone.claims, {})
  const none = await bodyOf(await ask('PUT /sessions/another-id-of-mine', { body: '{}' }))
  assert.equal(none.claims, {})
})

test('If-None-Match: * creates and never replaces', async () => {
  const { ask } = openBackEnd()
  const headers = { 'if-none-match': '*' }
  assert.is((await ask(LINE, { body: '{"data":{"a":1}}', headers })).status, 201)
  const again = await ask(LINE, { body: '{"data":{"a":2}}', headers })
  assert.is(await refusalOf(again), '412 precondition_failed')
  assert.equal((await bodyOf(await ask(`GET /sessions/${ID}`))).data, { a: 1 })
})

test('If-Match: * and versions replace and never create', async () => {
  const server = openBackEnd()
  const put = async (tag: string) =>
    await server.ask(LINE, { body: '{}', headers: { 'if-match': tag } })
  for (const tag of ['*', '"1"', '"0"']) {
    assert.is(await refusalOf(await put(tag)), '412 precondition_failed', tag)
  }
  assert.equal(rowsOf(server), [])

  await server.ask(LINE, { body: '{}' })
  assert.is((await put('*')).headers.get('etag'), '"2"')
  assert.is((await put('"2"')).headers.get('etag'), '"3"')
  for (const tag of ['"2"', 'W/"2"', '"33"', '"0", "1"']) {
    assert.is(await refusalOf(await put(tag)), '412 precondition_failed', tag)
  }
  assert.is((await put('"1", "3"')).headers.get('etag'), '"4"')
  assert.is((await put('W/"4"')).headers.get('etag'), '"5"')
  assert.is(await refusalOf(await put('3')), '400 bad_request')
})

test('an id that has ended stays ended, whatever the conditions', async () => {
  const { ask, clock } = openBackEnd({ keepEndedMs: 60_000 })
  await ask(LINE, { body: '{}' })
  await ask(`DELETE /sessions/${ID}`)
  for (const headers of [
    {},
    { 'if-none-match': '*' },
    { 'if-match': '*' },
    { 'if-match': '"1"' },
  ]) {
    const answer = await ask(LINE, { body: '{"data":{"a":1}}', headers: { ...headers } })
    assert.is(await endingOf(answer), '410 session_ended revoked', JSON.stringify(headers))
  }
  clock.advance(59_999)
  assert.is((await ask(LINE, { body: '{}' })).status, 410)
  clock.advance(1)
  assert.is((await ask(LINE, { body: '{}' })).status, 201)
})

test('an id that died of its age is no free id either', async () => {
  const { ask, clock } = openBackEnd()
  await ask(LINE, { body: '{"idleTimeout":60}' })
  clock.advance(60_000)
  assert.is(await endingOf(await ask(LINE, { body: '{}' })), '410 session_ended idle_timeout')
})

test('its limits count from its creation: a shorter lifetime than its age ends it', async () => {
  const { ask, clock } = openBackEnd()
  await ask(LINE, { body: '{}' })
  clock.advance(90_000)
  await ask(LINE, { body: '{"lifetime":120}' })
  clock.advance(29_999)
  assert.is((await ask(`GET /sessions/${ID}`)).status, 200)
  clock.advance(1)
  assert.is(await endingOf(await ask(`GET /sessions/${ID}`)), '410 session_ended lifetime')
})

test('a body that is refused changes nothing of the session', async () => {
  const server = openBackEnd()
  await server.ask(LINE, { body: '{"data":{"a":1}}' })
  const before = rowsOf(server)
  for (const body of [
    '',
    '[]',
    '{"data":[]}',
    '{"claims":{"sub":1}}',
    '{"id":"b"}',
    '{"data":{"":1}}',
  ]) {
    const { status } = await server.ask(LINE, { body })
    assert.ok(status === 400 || status === 422, `${body} is ${status}`)
  }
  assert.equal(rowsOf(server), before)
})

test('20 back ends that create one id at once with If-None-Match: * are one 201 and 19 412', async () => {
  const { ask } = openBackEnd()
  const headers = { 'if-none-match': '*' }
  const asks = Array.from({ length: 20 }, () => ask(LINE, { body: '{}', headers }))
  const statuses = (await Promise.all(asks)).map(({ status }) => status).sort()
  assert.equal(statuses, [201, ...Array.from({ length: 19 }, () => 412)])
})

test.run()

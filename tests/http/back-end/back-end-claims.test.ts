import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  bodyOf,
  cookieFor,
  endingOf,
  jsonPatch,
  openBackEnd,
  rowsOf,
} from '../../kit/clients/back-end.ts'
import {
  type Ask,
  cookieOf,
  problemOf,
  refusalOf,
  sessionOf,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('claims')

const ID = 'a-session-of-my-own_1'

/** What cannot stand for a user, and how the refusal tells. */
const INVALID_SUBS: readonly (readonly [sub: string, told: string])[] = [
  ['1', 'got number'],
  ['null', 'got null'],
  ['true', 'got boolean'],
  ['{}', 'got object'],
  ['["ada"]', 'got array'],
  ['""', 'got 0 bytes'],
  [JSON.stringify('a'.repeat(256)), 'got 256 bytes'],
  [JSON.stringify('é'.repeat(128)), 'got 256 bytes'],
  ['"a\\u0000b"', 'got a control character'],
  ['"a\\nb"', 'got a control character'],
  ['"a\\r\\nSet-Cookie: sid=eve"', 'got a control character'],
  ['"a\\tb"', 'got a control character'],
  ['"a\\u007f"', 'got a control character'],
  ['" ada"', 'got a space at its start or end'],
  ['"ada "', 'got a space at its start or end'],
  ['" "', 'got a space at its start or end'],
  ['"\\u00a0ada"', 'got a space at its start or end'],
  ['"ada\\ufeff"', 'got a space at its start or end'],
  ['"\\ud83d"', 'got half a surrogate pair'],
  ['"a\\ude00b"', 'got half a surrogate pair'],
]
const VALID_SUBS = [
  'a',
  'a'.repeat(255),
  'é'.repeat(127),
  'Ada Lovelace',
  '日本',
  '😀',
  '"',
  '\\',
  '__proto__',
  '0',
  'null',
  'a%20b',
  'a,b;c=d',
]

/** A visitor with a session of its own, and the cookie that opens it. */
async function openVisitor(claims?: object) {
  const server = openBackEnd()
  const visited = await signIn(server.request, { cart: ['apple'] })
  if (claims === undefined) return { ...server, cookie: visited }
  const body = JSON.stringify({ claims })
  const answer = await server.ask('PATCH /session', { cookie: visited, body })
  return { ...server, cookie: cookieOf(answer) || visited }
}

test('a sub that cannot stand in an index and a header is 422, wherever it is written', async () => {
  const server = await openVisitor({ sub: 'ada', role: 'reader' })
  const { id } = await server.create({ claims: { sub: 'bob' } })
  const before = rowsOf(server)
  for (const [sub, told] of INVALID_SUBS) {
    const body = `{"claims":{"sub":${sub}}}`
    const headers = { 'content-type': 'application/json-patch+json' }
    const step = { body: `[{"op":"add","path":"/claims/sub","value":${sub}}]`, headers }
    const asks: readonly (readonly [line: string, ask: Ask])[] = [
      ['POST /sessions', { body }],
      [`PUT /sessions/${ID}`, { body }],
      [`PUT /sessions/${id}`, { body }],
      [`PATCH /sessions/${id}`, step],
      ['PATCH /session', { ...step, cookie: server.cookie }],
      // In a merge patch null removes, so that one is no sub there.
      ...(sub === 'null'
        ? []
        : ([
            [`PATCH /sessions/${id}`, { body }],
            ['PATCH /session', { body, cookie: server.cookie }],
          ] as const)),
    ]
    for (const [line, ask] of asks) {
      const { status, code, detail } = await problemOf(await server.ask(line, ask))
      assert.equal([status, code], [422, 'invalid_claims'], `${line} ${sub}`)
      assert.match(detail, told)
    }
  }
  assert.equal(rowsOf(server), before)
})

test('a sub of 1 to 255 bytes of printable characters is one', async () => {
  const { create, ask } = openBackEnd()
  for (const sub of VALID_SUBS) {
    const { id, claims } = await create({ claims: { sub } })
    assert.equal(claims, { sub })
    const { sessions } = (await (
      await ask(`GET /sessions?sub=${encodeURIComponent(sub)}`)
    ).json()) as { sessions: { id: string }[] }
    assert.equal(
      sessions.map((session) => session.id),
      [id],
      sub,
    )
  }
})

test('claims stay an object, and have no members of their own beside them', async () => {
  const { ask, cookie } = await openVisitor({ sub: 'ada' })
  for (const body of ['{"claims":null}', '{"claims":[]}', '{"claims":"ada"}', '{"sub":"ada"}']) {
    const answer = await ask('PATCH /session', { cookie, body })
    assert.is(await refusalOf(answer), '422 invalid_argument', body)
  }
  for (const step of [
    { op: 'remove', path: '/claims' },
    { op: 'replace', path: '/claims', value: null },
    { op: 'add', path: '/claims', value: ['ada'] },
    { op: 'add', path: '/sub', value: 'ada' },
    { op: 'add', path: '', value: { data: {}, permanent: false } },
  ]) {
    const answer = await ask('PATCH /session', { cookie, ...jsonPatch([step]) })
    assert.is(await refusalOf(answer), '422 invalid_patch', JSON.stringify(step))
  }
})

test('claims count for the size of the session', async () => {
  const { ask, create, request } = openBackEnd({ sessionLimitBytes: 1_024 })
  const { id, cookie } = await create({ claims: { b: 'x'.repeat(600) } })
  const over = JSON.stringify('x'.repeat(600))
  const put = await request('PUT /session/a', { cookie, body: over })
  assert.is(await refusalOf(put), '413 session_too_large')
  const large = JSON.stringify({ claims: { b: 'x'.repeat(1_200) } })
  const patched = await ask(`PATCH /sessions/${id}`, { body: large })
  assert.is(await refusalOf(patched), '413 session_too_large')
})

test('a holder who fills the session keeps no back end from writing claims', async () => {
  const { ask, create, request } = openBackEnd({ sessionLimitBytes: 1_024 })
  const { id, cookie } = await create({ claims: { sub: 'ada', role: 'admin' } })
  const full = JSON.stringify('x'.repeat(980))
  assert.is((await request('PUT /session/a', { cookie, body: full })).status, 204)
  const body = JSON.stringify({ claims: { role: 'suspended', reason: 'x'.repeat(600) } })
  assert.is((await ask(`PATCH /sessions/${id}`, { body })).status, 200)
  const more = await request('PUT /session/b', { cookie, body: '1' })
  assert.is(await refusalOf(more), '413 session_too_large')
  assert.is((await request('DELETE /session/a', { cookie })).status, 200)
})

test('claims nest as deep as data', async () => {
  const { ask, create } = openBackEnd({ maxDepth: 3 })
  const { id } = await create()
  for (const [value, status] of [
    ['[[[]]]', 200],
    ['[[[[]]]]', 422],
  ] as const) {
    const body = `{"claims":{"b":${value}}}`
    assert.is((await ask(`PATCH /sessions/${id}`, { body })).status, status)
    const steps = [{ op: 'add', path: '/claims/b', value: JSON.parse(value) }]
    assert.is((await ask(`PATCH /sessions/${id}`, jsonPatch(steps))).status, status)
  }
})

test('a repeated sub is one sub: no reader of the session finds another', async () => {
  const { ask, create, cookie } = await openVisitor()
  const twice = '{"sub":"eve","sub":"ada"}'
  const { id } = await create()
  const headers = { 'content-type': 'application/json-patch+json' }
  for (const [line, more] of [
    ['POST /sessions', { body: `{"claims":${twice}}` }],
    [`PUT /sessions/${ID}`, { body: `{"claims":${twice}}` }],
    [`PUT /sessions/${ID}`, { body: `{"claims":${twice}}` }],
    ['PATCH /session', { cookie, body: `{"claims":${twice}}` }],
    [
      `PATCH /sessions/${id}`,
      { headers, body: `[{"op":"add","path":"/claims","value":${twice}}]` },
    ],
  ] as const) {
    const text = await (await ask(line, more)).text()
    assert.match(text, '"claims":{"sub":"ada"}', line)
    assert.not.match(text, 'eve', line)
  }
})

test('cookie and key together write claims on /session; the cookie alone still does not', async () => {
  const { ask, request, cookie } = await openVisitor({ sub: 'ada' })
  const body = '{"data":{"seen":true},"claims":{"role":"admin"}}'
  const { claims, data } = await sessionOf(await ask('PATCH /session', { cookie, body }))
  assert.equal(
    [claims, data],
    [
      { sub: 'ada', role: 'admin' },
      { cart: ['apple'], seen: true },
    ],
  )
  assert.is(
    await refusalOf(await request('PATCH /session', { cookie, body })),
    '403 claims_read_only',
  )
})

test('a sub that is set, changed or removed on /session renews: the new token is in Set-Cookie', async () => {
  for (const [before, ask, after] of [
    [undefined, { body: '{"claims":{"sub":"ada"}}' }, { sub: 'ada' }],
    [{ sub: 'ada' }, { body: '{"claims":{"sub":"bob"}}' }, { sub: 'bob' }],
    [{ sub: 'ada' }, { body: '{"claims":{"sub":null}}' }, {}],
    [undefined, jsonPatch([{ op: 'add', path: '/claims/sub', value: 'ada' }]), { sub: 'ada' }],
    [{ sub: 'ada' }, jsonPatch([{ op: 'replace', path: '/claims', value: {} }]), {}],
    [
      { sub: 'ada' },
      jsonPatch([{ op: 'move', from: '/claims/sub', path: '/claims/was' }]),
      { was: 'ada' },
    ],
  ] as const) {
    const { ask: asBackEnd, request, cookie } = await openVisitor(before)
    const old = await sessionOf(await request('GET /session', { cookie }))
    const answer = await asBackEnd('PATCH /session', { cookie, ...ask })
    const { id, token, setCookie, data, claims } = await bodyOf(answer)
    const renewed = cookieOf(answer)
    assert.is(answer.status, 200)
    assert.is.not(id, old.id)
    assert.match(
      answer.headers.get('set-cookie') ?? '',
      /^sid=[\w-]{21}\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/,
    )
    assert.ok(renewed.startsWith(`sid=${id}.`))
    // It goes to the browser by itself: in the body it would be a copy more.
    assert.equal([token, setCookie], [undefined, undefined])
    assert.equal([data, claims], [{ cart: ['apple'] }, after])

    assert.equal(
      (await sessionOf(await request('GET /session', { cookie: renewed }))).claims,
      after,
    )
    assert.is(
      await endingOf(await request('GET /session', { cookie })),
      '410 session_ended renewed',
    )
  }
})

test('a sub that is set, changed or removed on /sessions/:id renews: the new token is in the body', async () => {
  const { ask, request, create } = openBackEnd()
  let { id, cookie } = await create({ data: { a: 1 } })
  for (const sub of ['ada', 'bob', null]) {
    const body = JSON.stringify({ claims: { sub } })
    const answer = await ask(`PATCH /sessions/${id}`, { body })
    const seen = await bodyOf(answer)
    assert.equal([answer.status, answer.headers.get('set-cookie')], [200, null])
    assert.is(seen.token?.split('.')[0], seen.id)
    assert.is(seen.setCookie, `sid=${seen.token}; Path=/; HttpOnly; SameSite=Lax`)
    assert.equal([seen.data, seen.claims], [{ a: 1 }, sub === null ? {} : { sub }])

    assert.is(
      await endingOf(await request('GET /session', { cookie })),
      '410 session_ended renewed',
    )
    assert.is(await endingOf(await ask(`GET /sessions/${id}`)), '410 session_ended renewed')
    id = seen.id
    cookie = cookieFor(seen.token)
    assert.is((await request('GET /session', { cookie })).status, 200)
  }
})

test('other claims, the same sub, and a sub in another spelling of it do not renew', async () => {
  const { ask, request, cookie } = await openVisitor({ sub: 'ada' })
  const { id } = await sessionOf(await request('GET /session', { cookie }))
  const headers = { 'content-type': 'application/json-patch+json' }
  for (const shown of [
    { body: '{"claims":{"role":"admin"}}' },
    { body: '{"claims":{"role":null}}' },
    { body: '{"claims":{"sub":"ada"}}' },
    { body: '{"claims":{"sub":"\\u0061da"}}' },
    { body: '{"claims":{"s\\u0075b":"ada"}}' },
    { body: '{"claims":{}}' },
    jsonPatch([{ op: 'replace', path: '/claims', value: { sub: 'ada', user: { sub: 'bob' } } }]),
    { headers, body: '[{"op":"replace","path":"/claims","value":{ "sub" : "ada" }}]' },
    jsonPatch([
      { op: 'replace', path: '/claims/sub', value: 'bob' },
      { op: 'replace', path: '/claims/sub', value: 'ada' },
    ]),
  ]) {
    for (const line of ['PATCH /session', `PATCH /sessions/${id}`]) {
      const answer = await ask(line, { ...shown, cookie })
      assert.is(answer.headers.get('set-cookie'), null, String(shown.body))
      const seen = await bodyOf(answer)
      assert.equal(
        [seen.id, seen.token, seen.setCookie],
        [id, undefined, undefined],
        String(shown.body),
      )
    }
  }
  assert.is((await request('GET /session', { cookie })).status, 200)
})

test('subs are told apart by each character: another case or form of one renews', async () => {
  const { ask, create } = openBackEnd()
  let { id } = await create({ claims: { sub: 'ada' } })
  for (const sub of ['Ada', 'ADA', '\u00e9', 'e\u0301', '1', '1.0']) {
    const seen = await bodyOf(
      await ask(`PATCH /sessions/${id}`, { body: JSON.stringify({ claims: { sub } }) }),
    )
    assert.is.not(seen.id, id, sub)
    id = seen.id
  }
})

test('a refused change of sub renews nothing: the token, the claims and the version stay', async () => {
  const server = await openVisitor({ sub: 'ada' })
  const { ask, request, cookie } = server
  const before = rowsOf(server)
  for (const shown of [
    { body: '{"claims":{"sub":1}}' },
    { body: '{"claims":{"sub":"bob"},"data":{"":1}}' },
    { body: '{"claims":{"sub":"bob"}}', headers: { 'if-match': '"99"' } },
    jsonPatch([
      { op: 'replace', path: '/claims/sub', value: 'bob' },
      { op: 'test', path: '/data/none', value: 1 },
    ]),
  ]) {
    const answer = await ask('PATCH /session', { cookie, ...shown })
    assert.ok(answer.status >= 400 && answer.status < 500)
    assert.is(answer.headers.get('set-cookie'), null)
  }
  assert.equal(rowsOf(server), before)
  assert.is((await request('GET /verify', { cookie })).headers.get('session-sub'), 'ada')
})

test('the token of before the log-in opens nothing afterwards, and a write with it is 410', async () => {
  const { ask, request, cookie } = await openVisitor()
  const renewed = cookieOf(
    await ask('PATCH /session', { cookie, body: '{"claims":{"sub":"ada"}}' }),
  )
  const verified = await request('GET /verify', { cookie })
  assert.equal([verified.status, verified.headers.get('session-sub')], [401, ''])
  for (const asking of [request, ask]) {
    const late = await asking('PUT /session/cart', { cookie, body: '[]' })
    assert.is(late.headers.get('set-cookie'), null)
    assert.is(await endingOf(late), '410 session_ended renewed')
  }
  assert.is(await (await request('GET /session/cart', { cookie: renewed })).text(), '["apple"]')
})

test('createdAt, the limits and the device outlive a log-in', async () => {
  const { ask, create, clock } = openBackEnd()
  const opened = await create({ lifetime: 600, idleTimeout: 60, device: { address: '10.1.1.1' } })
  clock.advance(30_000)
  const answer = await ask(`PATCH /sessions/${opened.id}`, { body: '{"claims":{"sub":"ada"}}' })
  const seen = await bodyOf(answer)
  assert.equal([seen.createdAt, seen.lifetimeEndsAt], [opened.createdAt, opened.lifetimeEndsAt])
  assert.is(Date.parse(seen.expiresAt), clock.now() + 60_000)
  assert.equal(seen.device, { address: '10.1.1.1' })
})

test('claims are written byte for byte', async () => {
  const { ask, create } = openBackEnd()
  const { id } = await create()
  const claims = '{"n":12345678901234567890,"one":1.0,"__proto__":{"a":1},"constructor":1}'
  const text = await (await ask(`PATCH /sessions/${id}`, { body: `{"claims":${claims}}` })).text()
  assert.ok(text.includes(`"claims":${claims}`), text)
})

test.run()

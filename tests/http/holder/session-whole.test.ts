import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Ask,
  cookieOf,
  openServer,
  problemOf,
  refusalOf,
  sessionOf,
  signIn,
} from '../../kit/process/open-server.ts'
import { sealRows } from '../../kit/store/seal-rows.ts'

const test = suite('session as a whole')

const CLAIMS = { sub: 'ada', roles: ['reader'] }

test('reading and writing what needs a session are 404 where there is none', async () => {
  const { request } = openServer()
  for (const line of [
    'GET /session',
    'POST /session/clear',
    'POST /session/renew',
    'DELETE /session',
  ]) {
    assert.is(await refusalOf(await request(line)), '404 session_not_found', line)
  }
})

test('PATCH /session refuses a body that is no patch of a session, and changes nothing', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  const bodies = ['1', 'null', '[]', '"permanent"', '{"data":null}', '{"data":[]}', '{"data":"a"}']
  for (const body of [
    ...bodies,
    ...['{"permanent":1}', '{"permanent":null}', '{"permanent":"true"}'],
    ...['{"id":"x"}', '{"user":"ada"}', '{"data":{"a":2},"version":9}', '{"__proto__":{}}'],
  ]) {
    const answer = await request('PATCH /session', { cookie, body })
    assert.is(await refusalOf(answer), '422 invalid_argument', body)
  }
  assert.is(await refusalOf(await request('PATCH /session', { cookie })), '400 invalid_json')
  const session = await request('GET /session', { cookie })
  assert.is(session.headers.get('etag'), '"1"')

  const list = await request('PATCH /session', { cookie, body: '[{"op":"remove","path":"/data"}]' })
  assert.match((await problemOf(list)).detail, 'Content-Type: application/json-patch+json')
})

test('PATCH /session names the member that it does not know, cut short, and never its value', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const [name, shown] of [
    ['user', '"user"'],
    ['a\nb', '"a\\nb"'],
    ['k'.repeat(65), `"${'k'.repeat(63)}…"`],
    ['sub', '"sub": the user goes into {"claims":{"sub":"ada"}}'],
  ] as const) {
    const body = JSON.stringify({ [name]: 'secret' })
    const { detail } = await problemOf(await request('PATCH /session', { cookie, body }))
    assert.ok(detail.endsWith(`it has ${shown}`), detail)
  }
})

test('a step of JSON Patch says where its path must start, whatever it does', async () => {
  const { patch } = await openSession()
  for (const [step, shown] of [
    [{ op: 'add', path: '/k', value: 1 }, '/k'],
    [{ op: 'replace', path: '/k', value: 1 }, '/k'],
    [{ op: 'test', path: '/k', value: 1 }, '/k'],
    [{ op: 'remove', path: '/k/x' }, '/k/x'],
    [{ op: 'move', from: '/k', path: '/data/k' }, '/k'],
    [{ op: 'copy', from: '/data', path: '/Data' }, '/Data'],
    [{ op: 'add', path: '/', value: 1 }, '/'],
  ] as const) {
    const answer = await patch([{ op: 'test', path: '/permanent', value: false }, step])
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'invalid_patch')
    assert.match(detail, `step 1 of the patch: a path starts with /data, /claims or /permanent`)
    assert.match(detail, `got "${shown}"`)
  }
})

test('JSON Patch that is sent to a key is told where it goes, whatever its Content-Type', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const type of ['application/json-patch+json', 'application/json']) {
    const answer = await request('PATCH /session/a', {
      cookie,
      body: '[{"op":"replace","path":"/data/a","value":2}]',
      headers: { 'content-type': type },
    })
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'invalid_argument')
    assert.match(detail, 'JSON Patch goes to PATCH /session, with')
  }
})

test('PATCH /session refuses claims, alone and beside data, and takes none of it', async () => {
  const { request, database } = openServer()
  for (const body of [
    '{"claims":{"sub":"eve"}}',
    '{"data":{"a":1},"claims":{}}',
    '{"claims":{}}',
  ]) {
    assert.is(await refusalOf(await request('PATCH /session', { body })), '403 claims_read_only')
  }
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 0)

  const { ask, read } = await openSession()
  const body = '{"data":{"a":2},"permanent":true,"claims":{"sub":"eve"}}'
  assert.is(await refusalOf(await ask('PATCH /session', { body })), '403 claims_read_only')
  const { data, claims, permanent } = await read()
  assert.equal([data, claims, permanent], [{ a: 1, list: [1, 2] }, CLAIMS, false])
})

test('a JSON Patch reaches the claims by no way, and takes none of its steps', async () => {
  const { patch, read } = await openSession()
  const whole = { data: {}, claims: { sub: 'eve' }, permanent: false }
  const attempts = [
    { op: 'add', path: '/claims', value: {} },
    { op: 'add', path: '/claims/role', value: 'admin' },
    { op: 'add', path: '/claims/roles/-', value: 'admin' },
    { op: 'replace', path: '/claims', value: {} },
    { op: 'replace', path: '/claims/sub', value: 'eve' },
    { op: 'remove', path: '/claims' },
    { op: 'remove', path: '/claims/sub' },
    { op: 'move', from: '/claims/sub', path: '/data/sub' },
    { op: 'move', from: '/claims', path: '/data/claims' },
    { op: 'move', from: '/data/a', path: '/claims/a' },
    { op: 'move', from: '/claims/sub', path: '/claims/sub' },
    { op: 'copy', from: '/data/a', path: '/claims/a' },
    { op: 'copy', from: '/data', path: '/claims' },
    { op: 'copy', from: '/data/a', path: '' },
    { op: 'move', from: '/data', path: '' },
    { op: 'move', from: '', path: '/data/all' },
    { op: 'add', path: '', value: whole },
    { op: 'replace', path: '', value: whole },
    { op: 'remove', path: '' },
  ]
  for (const step of attempts) {
    const answer = await patch([{ op: 'add', path: '/data/b', value: 2 }, step])
    assert.is(await refusalOf(answer), '403 claims_read_only', JSON.stringify(step))
  }
  const { data, claims } = await read()
  assert.equal([data, claims], [{ a: 1, list: [1, 2] }, CLAIMS])
})

test('a JSON Patch may test the claims and copy from them', async () => {
  const { patch } = await openSession()
  const answer = await patch([
    { op: 'test', path: '/claims/sub', value: 'ada' },
    { op: 'test', path: '/claims', value: { roles: ['reader'], sub: 'ada' } },
    { op: 'copy', from: '/claims/roles', path: '/data/roles' },
    { op: 'add', path: '/data/roles/-', value: 'guest' },
    { op: 'copy', from: '', path: '/data/all' },
  ])
  const { data, claims } = await sessionOf(answer)
  assert.equal(data['roles'], ['reader', 'guest'])
  assert.equal((data['all'] as { claims: unknown }).claims, CLAIMS)
  assert.equal(claims, CLAIMS)
})

test('a JSON Patch whose test fails is 409 and changes nothing', async () => {
  const { patch, read, ask } = await openSession()
  const answer = await patch([
    { op: 'replace', path: '/data/a', value: 2 },
    { op: 'replace', path: '/permanent', value: true },
    { op: 'test', path: '/data/a', value: 1 },
  ])
  assert.is(answer.status, 409)
  const { code, detail } = await problemOf(answer)
  assert.equal([code, detail.includes('step 2')], ['test_failed', true])
  const missing = await patch([{ op: 'test', path: '/data/none', value: null }])
  assert.is(await refusalOf(missing), '409 test_failed')
  const { data, permanent } = await read()
  assert.equal([data, permanent], [{ a: 1, list: [1, 2] }, false])
  assert.is((await ask('GET /session')).headers.get('etag'), '"1"')
})

test('a JSON Patch is refused whole where a step cannot be read or applied', async () => {
  const { patch, read } = await openSession()
  const good = { op: 'add', path: '/data/b', value: 2 }
  for (const bad of [
    { op: 'remove', path: '/data/none' },
    { op: 'replace', path: '/data/list/2', value: 1 },
    { op: 'move', from: '/data/list', path: '/data/list/0' },
    { op: 'add', path: 'data/c', value: 1 },
    { op: 'increment', path: '/data/a', value: 1 },
    { op: 'add', path: '/data/c' },
  ]) {
    assert.is(await refusalOf(await patch([good, bad])), '422 invalid_patch', JSON.stringify(bad))
  }
  assert.equal((await read()).data, { a: 1, list: [1, 2] })
})

test('a JSON Patch changes nothing of a session but data and permanent, and keeps their types', async () => {
  const { patch, read } = await openSession()
  const before = await read()
  for (const step of [
    { op: 'add', path: '/id', value: 'x' },
    { op: 'replace', path: '/id', value: 'x' },
    { op: 'add', path: '/createdAt', value: '2020-01-01T00:00:00Z' },
    { op: 'copy', from: '/data', path: '/version' },
    { op: 'remove', path: '/data' },
    { op: 'remove', path: '/permanent' },
    { op: 'replace', path: '/data', value: [] },
    { op: 'replace', path: '/data', value: null },
    { op: 'replace', path: '/permanent', value: 'true' },
    { op: 'move', from: '/permanent', path: '/data/p' },
  ]) {
    assert.is(await refusalOf(await patch([step])), '422 invalid_patch', JSON.stringify(step))
  }
  const badKey = await patch([{ op: 'add', path: '/data/', value: 1 }])
  assert.is(await refusalOf(badKey), '422 invalid_key')
  assert.equal(await read(), before)
})

test('GET /session shows the session, its times in UTC, and nothing else', async () => {
  const { ask, clock } = await openSession()
  clock.advance(60_000)
  const answer = await ask('GET /session')
  assert.is(answer.headers.get('content-type'), 'application/json')
  const session = await sessionOf(answer)
  assert.match(session.id, /^[\w-]{21}$/)
  assert.equal(session, {
    id: session.id,
    data: { a: 1, list: [1, 2] },
    claims: CLAIMS,
    permanent: false,
    createdAt: '2026-01-01T00:00:00.000Z',
    lastSeenAt: '2026-01-01T00:01:00.000Z',
    expiresAt: '2026-01-01T00:31:00.000Z',
    lifetimeEndsAt: '2026-01-01T12:00:00.000Z',
  })
})

test('GET /session shows data byte for byte', async () => {
  const { request } = openServer()
  const cookie = cookieOf(await request('PUT /session/a', { body: '[ 1.0 ,12345678901234567890]' }))
  await request('PUT /session/__proto__', { cookie, body: '{"b":1,"a":1e400}' })
  const text = await (await request('GET /session', { cookie })).text()
  assert.match(text, '"data":{"a":[ 1.0 ,12345678901234567890],"__proto__":{"b":1,"a":1e400}},')
})

test('PATCH /session merges data, removes what is null and answers the session', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada', cart: { apple: 1, pear: 2 }, gone: 1 })
  const body = '{"data":{"cart":{"pear":null,"fig":1.0},"gone":null,"missing":null,"new":[null]}}'
  const answer = await request('PATCH /session', { cookie, body })
  assert.is(answer.status, 200)
  const text = await answer.text()
  assert.match(text, '"data":{"user":"ada","cart":{"apple":1,"fig":1.0},"new":[null]},')
  assert.is(await (await request('GET /session', { cookie })).text(), text)
})

test('PATCH /session sets permanent, data or both, and a first one creates the session', async () => {
  const { request } = openServer()
  const first = await request('PATCH /session', { body: '{"permanent":true,"data":{"a":1}}' })
  assert.is(first.status, 200)
  const cookie = cookieOf(first)
  const created = await sessionOf(first)
  assert.equal([created.permanent, created.data], [true, { a: 1 }])
  assert.is(created.expiresAt, '2026-02-01T00:00:00.000Z')

  const body = '{"data":{"b":2}}'
  const second = await sessionOf(await request('PATCH /session', { cookie, body }))
  assert.equal([second.permanent, second.data], [true, { a: 1, b: 2 }])
  const off = await request('PATCH /session', { cookie, body: '{"permanent":false}' })
  const third = await sessionOf(off)
  assert.equal([third.permanent, third.data, third.id], [false, { a: 1, b: 2 }, created.id])
  assert.is(third.expiresAt, '2026-01-01T00:30:00.000Z')
})

test('a JSON Patch does all its steps at once and answers the session', async () => {
  const { patch, ask } = await openSession()
  const answer = await patch([
    { op: 'test', path: '/data/a', value: 1 },
    { op: 'replace', path: '/permanent', value: true },
    { op: 'move', from: '/data/a', path: '/data/b' },
    { op: 'add', path: '/data/list/0', value: 0 },
  ])
  assert.equal([answer.status, answer.headers.get('etag')], [200, '"2"'])
  const text = await answer.text()
  const { data, permanent } = JSON.parse(text)
  assert.equal([data, permanent], [{ b: 1, list: [0, 1, 2] }, true])
  assert.is(await (await ask('GET /session')).text(), text)
})

test('POST /session/clear empties data and keeps the id, claims, permanent and createdAt', async () => {
  const { ask, read, clock } = await openSession()
  await ask('PATCH /session', { body: '{"permanent":true}' })
  const before = await read()
  clock.advance(1000)
  const answer = await ask('POST /session/clear')
  assert.equal([answer.status, await answer.text()], [204, ''])
  const after = await read()
  assert.equal(
    { ...after, lastSeenAt: '', expiresAt: '' },
    {
      ...before,
      data: {},
      lastSeenAt: '',
      expiresAt: '',
    },
  )
})

test('every answer about a live session has an ETag, which each change moves on', async () => {
  const { ask } = await openSession()
  const tag = async (line: string, options: Ask = {}) =>
    (await ask(line, options)).headers.get('etag')

  for (const line of ['GET /session', 'HEAD /session', 'GET /session/a', 'HEAD /session/a']) {
    assert.is(await tag(line), '"1"', line)
  }
  assert.is(await tag('GET /session/none?default=1'), '"1"')
  assert.is(await tag('DELETE /session/none?default=1'), '"1"')
  assert.is(await tag('PUT /session/a', { body: '2' }), '"2"')
  assert.is(await tag('PATCH /session/a', { body: '{"increment":1}' }), '"3"')
  assert.is(await tag('DELETE /session/a'), '"4"')
  assert.is(await tag('PATCH /session', { body: '{"permanent":true}' }), '"5"')
  assert.is(await tag('POST /session/clear'), '"6"')
  assert.is(await tag('GET /session'), '"6"')
  assert.is(await tag('POST /session/renew'), '"7"')
})

test('what changes nothing leaves the ETag, unless it requires one', async () => {
  const { ask } = await openSession()
  for (const [line, body] of [
    ['PUT /session/a', '1'],
    ['PUT /session', '{"a":1,"list":[1,2]}'],
    ['PATCH /session/a', '{"increment":0}'],
    ['PATCH /session', '{}'],
    ['PATCH /session', '{"data":{"a":1,"none":null}}'],
    ['PATCH /session', '{"set":{"a":1},"remove":["none"],"permanent":false}'],
  ] as const) {
    assert.is((await ask(line, { body })).headers.get('etag'), '"1"', `${line} ${body}`)
  }
  const headers = { 'if-match': '"1"' }
  const locks = Array.from({ length: 20 }, () => ask('PUT /session/a', { body: '1', headers }))
  const statuses = (await Promise.all(locks)).map(({ status }) => status)
  assert.is(statuses.filter((status) => status === 204).length, 1)
})

test.run()

/** A signed-in holder whose session has claims, as only a back end could write them. */
async function openSession() {
  const { request, clock, database } = openServer()
  const cookie = await signIn(request, { a: 1, list: [1, 2] })
  database.prepare('update sessions set claims = ?').run(JSON.stringify(CLAIMS))
  sealRows(database)
  const ask = (line: string, options: Ask = {}) => request(line, { cookie, ...options })
  return {
    ask,
    clock,
    read: async () => sessionOf(await ask('GET /session')),
    patch: (steps: readonly object[]) =>
      ask('PATCH /session', {
        body: JSON.stringify(steps),
        headers: { 'content-type': 'application/json-patch+json' },
      }),
  }
}

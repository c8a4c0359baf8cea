import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  cookieOf,
  openServer,
  problemOf,
  refusalOf,
  signIn,
} from '../../kit/process/open-server.ts'
import { sealRows } from '../../kit/store/seal-rows.ts'

const test = suite('limits')

test('a body whose Content-Length is over the limit is refused unread', async () => {
  const { request } = openServer({ bodyLimitBytes: 100 })
  // The body itself would do: it is the declared length that counts.
  const headers = { 'content-length': '101' }
  for (const line of ['PUT /session/a', 'PATCH /session/a', 'PATCH /session', 'PUT /cookies/a']) {
    const answer = await request(line, { body: '1', headers })
    assert.is(answer.status, 413, line)
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'body_too_large')
    assert.is(detail, 'Cannot read the body: its limit is 100 bytes (--body-limit)')
  }
})

test('a body without a Content-Length is refused once it is over the limit', async () => {
  const { request } = openServer({ bodyLimitBytes: 100 })
  const text = (bytes: number) => `"${'a'.repeat(bytes - 2)}"`
  for (const headers of [{}, { 'content-length': '100' }]) {
    assert.is((await request('PUT /session/a', { body: text(100), headers })).status, 204)
  }
  const over = await request('PUT /session/a', { body: text(101) })
  assert.is(await refusalOf(over), '413 body_too_large')
  const fits = await request('PUT /session/a?as=text', { body: 'a'.repeat(100) })
  assert.is(fits.status, 204)
  const long = await request('PUT /session/a?as=text', { body: 'a'.repeat(101) })
  assert.is(await refusalOf(long), '413 body_too_large')
})

test('the body limit counts bytes, not characters', async () => {
  const { request } = openServer({ bodyLimitBytes: 10 })
  assert.is((await request('PUT /session/a', { body: '"éééé"' })).status, 204)
  assert.is(
    await refusalOf(await request('PUT /session/a', { body: '"ééééé"' })),
    '413 body_too_large',
  )
})

test('a session may be as large as its limit and not a byte larger', async () => {
  const { request } = openServer({ sessionLimitBytes: 100 })
  // The session is {"a":"…"} and claims of {}.
  const value = (sessionBytes: number) => `"${'é'.repeat((sessionBytes - 10) / 2)}"`
  const first = await request('PUT /session/a', { body: value(100) })
  assert.is(first.status, 204)
  const cookie = cookieOf(first)

  const over = await request('PUT /session/a', { cookie, body: value(102) })
  assert.is(over.status, 413)
  const { code, detail } = await problemOf(over)
  assert.is(code, 'session_too_large')
  assert.is(
    detail,
    'Cannot store this: the session would be 102 bytes, its limit is 100 (--session-limit)',
  )
  assert.is(await (await request('GET /session/a', { cookie })).text(), value(100))
  const fresh = await request('PUT /session/a', { body: value(102) })
  assert.equal([fresh.status, cookieOf(fresh)], [413, ''])
})

test('every way to grow a session stops at its limit', async () => {
  const { request } = openServer({ sessionLimitBytes: 40 })
  const cookie = await signIn(request, { n: 9, list: [], map: {} })
  const long = '"0123456789abcdef"'
  const json = { 'content-type': 'application/json-patch+json' }
  for (const [line, body, headers] of [
    ['PUT /session/b', long, {}],
    ['PATCH /session/n', `{"increment":1${'0'.repeat(15)}}`, {}],
    ['PATCH /session/list', `{"append":${long}}`, {}],
    ['PATCH /session/map', `{"merge":{"b":${long}}}`, {}],
    ['PATCH /session', `{"data":{"b":${long}}}`, {}],
    ['PATCH /session', `[{"op":"add","path":"/data/b","value":${long}}]`, json],
    ['PATCH /session', '[{"op":"copy","from":"/data","path":"/data/b"}]', json],
  ] as const) {
    const answer = await request(line, { cookie, body, headers })
    assert.is(await refusalOf(answer), '413 session_too_large', line)
  }
  assert.is((await request('GET /session', { cookie })).headers.get('etag'), '"1"')
})

test('claims count in the size of a session', async () => {
  const { request, database } = openServer({ sessionLimitBytes: 40 })
  const cookie = await signIn(request, { a: 1 })
  database.prepare('update sessions set claims = ?').run(`{"sub":"${'a'.repeat(20)}"}`)
  sealRows(database)
  assert.is((await request('PUT /session/a', { cookie, body: '11' })).status, 204)
  const over = await request('PUT /session/a', { cookie, body: '111111' })
  assert.is(await refusalOf(over), '413 session_too_large')
})

test('a session that is over the limit already may shrink and be read, but not grow', async () => {
  const { request, database } = openServer({ sessionLimitBytes: 20 })
  const cookie = await signIn(request, {})
  const data = JSON.stringify({ a: 'a'.repeat(50), b: 'b'.repeat(50) })
  database.prepare('update sessions set data = ?').run(data)
  sealRows(database)

  const grow = await request('PUT /session/c', { cookie, body: '1' })
  assert.is(await refusalOf(grow), '413 session_too_large')
  assert.is((await request('GET /session/a', { cookie })).status, 200)

  const shorter = await request('PUT /session/a', { cookie, body: `"${'c'.repeat(49)}"` })
  assert.is(shorter.status, 204)
  assert.is((await request('DELETE /session/b', { cookie })).status, 200)
  assert.is((await request('PATCH /session', { cookie, body: '{"data":{"a":null}}' })).status, 200)
})

test('a session over the limit can still be renewed, made permanent, cleared and ended', async () => {
  for (const [line, body] of [
    ['POST /session/renew'],
    ['PATCH /session', '{"permanent":true}'],
    ['POST /session/clear'],
    ['DELETE /session'],
  ] as const) {
    const { request, database } = openServer({ sessionLimitBytes: 20 })
    const cookie = await signIn(request, {})
    database.prepare('update sessions set data = ?').run(JSON.stringify({ a: 'a'.repeat(50) }))
    sealRows(database)
    const answer = await request(line, body === undefined ? { cookie } : { cookie, body })
    assert.ok(answer.ok, `${line} is ${answer.status}`)
  }
})

test('a session holds as many keys as its limit and not one more', async () => {
  const { request } = openServer({ maxKeys: 3 })
  const cookie = await signIn(request, { a: 1, b: 2 })
  assert.is((await request('PUT /session/c', { cookie, body: '1' })).status, 204)
  assert.is((await request('PUT /session/c', { cookie, body: '2' })).status, 204)
  const patch = '[{"op":"add","path":"/data/d","value":1}]'
  const headers = { 'content-type': 'application/json-patch+json' }
  for (const answer of [
    await request('PUT /session/d', { cookie, body: '1' }),
    await request('PATCH /session/d', { cookie, body: '{"increment":1}' }),
    await request('PATCH /session', { cookie, body: '{"data":{"d":1}}' }),
    await request('PATCH /session', { cookie, body: patch, headers }),
    await request('PATCH /session', { body: '{"data":{"a":1,"b":1,"c":1,"d":1}}' }),
  ]) {
    assert.is(answer.status, 422)
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'too_many_keys')
    assert.is(detail, 'Cannot hold 4 keys: the limit of a session is 3 (--max-keys)')
  }
  const swap = '{"data":{"a":null,"d":1}}'
  assert.is((await request('PATCH /session', { cookie, body: swap })).status, 200)
})

test('a value nests as deep as the limit and not one deeper, whichever way it comes', async () => {
  const { request } = openServer({ maxDepth: 3 })
  const cookie = await signIn(request, { list: [], map: {} })
  const headers = { 'content-type': 'application/json-patch+json' }
  const ways = (value: string, item: string, member: string) =>
    [
      ['PUT /session/a', value, {}],
      ['PATCH /session/list', `{"append":${item}}`, {}],
      ['PATCH /session/map', `{"merge":{"a":${member}}}`, {}],
      ['PATCH /session', `{"data":{"a":${value}}}`, {}],
      ['PATCH /session', `[{"op":"add","path":"/data/a","value":${value}}]`, headers],
      ['PATCH /session', `[{"op":"add","path":"/data/list/0","value":${item}}]`, headers],
      [`GET /session/none?default=${value}`, undefined, {}],
    ] as const

  for (const [line, body, type] of ways('[[{"a":"]]]]"}]]', '[[]]', '[{}]')) {
    const ask = { cookie, headers: type }
    const answer = await request(line, body === undefined ? ask : { ...ask, body })
    assert.ok(answer.ok, `${line} ${body} is ${answer.status}`)
  }
  for (const [line, body, type] of ways('[[[[]]]]', '[[[]]]', '[[{}]]')) {
    const ask = { cookie, headers: type }
    const answer = await request(line, body === undefined ? ask : { ...ask, body })
    assert.is(answer.status, 422, `${line} ${body}`)
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'too_deep')
    assert.match(detail, '(--max-depth)')
  }
})

test('a body of a million brackets is refused and not recursed into', async () => {
  const { request } = openServer()
  for (const body of ['['.repeat(1_000_000), '{"a":'.repeat(200_000)]) {
    for (const line of ['PUT /session/a', 'PATCH /session/a', 'PATCH /session', 'PUT /cookies/a']) {
      const answer = await request(line, { body })
      assert.is(await refusalOf(answer), '422 too_deep', line)
    }
  }
})

test('a key is as long as its limit in bytes and not one longer, whichever way it comes', async () => {
  const { request } = openServer({ keyLimitBytes: 10 })
  const cookie = await signIn(request, { a: 1 })
  const headers = { 'content-type': 'application/json-patch+json' }
  const send = async (key: string) => [
    await request(`PUT /session/${encodeURIComponent(key)}`, { cookie, body: '1' }),
    await request('PATCH /session', { cookie, body: `{"data":{"${key}":1}}` }),
    await request('PATCH /session', {
      cookie,
      body: `[{"op":"add","path":"/data/${key}","value":1}]`,
      headers,
    }),
  ]
  for (const answer of await send('ééééé')) assert.ok(answer.ok)
  for (const answer of await send('éééééa')) {
    assert.is(answer.status, 422)
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'invalid_key')
    assert.is(detail, 'Cannot use a key of 11 bytes: the limit is 10 (--key-limit)')
  }
  const empty = await request('PATCH /session', { cookie, body: '{"data":{"":1}}' })
  assert.is(await refusalOf(empty), '422 invalid_key')
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const body = method === 'PATCH' ? { body: '{"increment":1}' } : {}
    const answer = await request(`${method} /session/${'a'.repeat(11)}`, { cookie, ...body })
    assert.is(await refusalOf(answer), '422 invalid_key', method)
  }
})

test.run()

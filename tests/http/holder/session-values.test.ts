import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  cookieOf,
  openServer,
  problemOf,
  refusalOf,
  sessionOf,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('session values')

const TEXT = { accept: 'text/plain' }

test('GET /session/KEY answers a string that no text can be as JSON, also where text is asked for', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { half: '\ud800x', whole: '\ud83d\ude00' })
  const half = await request('GET /session/half', { cookie, headers: TEXT })
  assert.is(half.headers.get('content-type'), 'application/json')
  assert.is(await half.text(), '"\\ud800x"')
  assert.is(await (await request('GET /session/whole', { cookie, headers: TEXT })).text(), '😀')
})

test('every method of a key refuses an empty one', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
    const body = method === 'GET' ? {} : { body: '1' }
    const answer = await request(`${method} /session/`, { cookie, ...body })
    assert.is(await refusalOf(answer), '422 invalid_key', method)
  }
  assert.is((await request('HEAD /session/', { cookie })).status, 422)
})

test('every method of a key refuses a malformed escape', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  for (const key of ['%', '%4', '%zz', '%ff', 'a%C3', '%ED%A0%80', '%u0041']) {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const body = method === 'GET' ? {} : { body: '{"increment":1}' }
      const answer = await request(`${method} /session/${key}`, { cookie, ...body })
      assert.is(await refusalOf(answer), '400 bad_request', `${method} ${key}`)
    }
  }
})

test('a key with a slash that is not escaped is no route, and the answer says how', async () => {
  const { request } = openServer()
  const answer = await request('PUT /session/a/b', { body: '1' })
  assert.is(answer.status, 404)
  assert.match(await answer.text(), 'a slash in a key is written %2F')
})

test('PUT /session/KEY refuses what is not JSON, says what to do and creates nothing', async () => {
  const { request, database } = openServer()
  const bodies = ['ada', '', ' ', "'ada'", '{"a":1', '01', '1.', '+1', 'NaN', '[1,]', '\ufeff1']
  for (const body of [
    ...bodies,
    '"a\nb"',
    '"\\x41"',
    '1 2',
    'True',
    '{a:1}',
    '// 1',
    '\v1',
    '\xa01',
  ]) {
    const answer = await request('PUT /session/user', { body })
    assert.is(answer.headers.get('set-cookie'), null)
    assert.is(await refusalOf(answer), '400 invalid_json', JSON.stringify(body))
  }
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 0)

  const bare = await request('PUT /session/user', { body: 'ada' })
  assert.match((await problemOf(bare)).detail, `a string needs its quotes, as in -d '"ada"'`)
})

test('PUT /session/KEY refuses bytes that are not UTF-8, as JSON and as text', async () => {
  const { request } = openServer()
  for (const bytes of [[0x22, 0xff, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0xc0, 0xaf], [0xe2]]) {
    const body = new Uint8Array(bytes)
    assert.is(await refusalOf(await request('PUT /session/a', { body })), '400 invalid_utf8')
    const text = await request('PUT /session/a?as=text', { body })
    assert.is(await refusalOf(text), '400 invalid_utf8')
  }
})

test('GET, HEAD and DELETE of a key that the session lacks are 404 key_not_found', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  for (const key of ['User', 'toString', '__proto__', 'constructor', 'length', 'user%20']) {
    const path = `/session/${key}`
    assert.is(await refusalOf(await request(`GET ${path}`, { cookie })), '404 key_not_found', key)
    assert.is(
      await refusalOf(await request(`DELETE ${path}`, { cookie })),
      '404 key_not_found',
      key,
    )
    const head = await request(`HEAD ${path}`, { cookie })
    assert.equal([head.status, await head.text()], [404, ''])
  }
})

test('PUT /session/KEY answers 204 without a body, and GET answers the value as JSON', async () => {
  const { request } = openServer()
  const put = await request('PUT /session/user', { body: '"ada"' })
  assert.equal([put.status, await put.text()], [204, ''])

  const get = await request('GET /session/user', { cookie: cookieOf(put) })
  assert.equal([get.status, await get.text()], [200, '"ada"'])
  assert.is(get.headers.get('content-type'), 'application/json')
  assert.is(get.headers.get('set-cookie'), null)
})

test('HEAD /session/KEY has the status and headers of GET and no body', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  await request('PUT /session/gone', { cookie, body: 'null' })
  for (const key of ['user', 'gone']) {
    const head = await request(`HEAD /session/${key}`, { cookie })
    const get = await request(`GET /session/${key}`, { cookie })
    assert.equal([head.status, await head.text()], [200, ''])
    assert.equal([...head.headers], [...get.headers])
  }
})

test('a value comes back byte for byte, beside others and after they change', async () => {
  const { request } = openServer()
  const values = [
    ...['12345678901234567890', '1.0', '1e400', '-0', '-0.0', '1E+2', '0.1e-7', 'null', 'false'],
    ...['{"b":1,"a":2}', '{"a":1,"a":2}', '{"2":0,"1":0}', '[ ]', '[ 1 , 2 ]', '{ "a" : [ ] }'],
    ...['"\\u0061\\/\\ud800"', '"\\u0000"', '"\u2028\x7f\xa0\ufeff"', '"🍪"', '"a,b}]:\\""', '""'],
    ...[' 1 ', '\n\t"ada"\r\n', ' { } ', '{"__proto__":{"admin":true}}', '"</script>"'],
  ]
  const cookie = await signIn(request, { last: 1 })
  for (const [index, body] of values.entries()) {
    assert.is((await request(`PUT /session/v${index}`, { cookie, body })).status, 204, body)
  }
  await request('DELETE /session/last', { cookie })
  for (const [index, body] of values.entries()) {
    const answer = await request(`GET /session/v${index}`, { cookie })
    assert.is(await answer.text(), body)
  }
})

test('PUT /session/KEY takes JSON whatever the Content-Type says', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, {})
  const types = ['application/x-www-form-urlencoded', 'application/json', 'text/html', 'nonsense']
  const plain = ['text/plain', 'text/plain;charset=UTF-8', 'Text/Plain ; charset=utf-8']
  for (const type of [...types, ...plain, 'multipart/form-data; boundary=x', 'text/plainer']) {
    const headers = { 'content-type': type }
    assert.is((await request('PUT /session/a', { cookie, headers, body: '[1]' })).status, 204)
    assert.is(await (await request('GET /session/a', { cookie })).text(), '[1]', type)
  }
})

test('Accept: text/plain gives a string bare and any other value as its JSON', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  await request('PUT /session/big', { cookie, body: '12345678901234567890' })
  await request('PUT /session/list', { cookie, body: '["a", 1.0]' })
  const read = async (line: string, accept: string) =>
    await (await request(line, { cookie, headers: { accept } })).text()

  assert.is(await read('GET /session/user', 'text/plain'), 'ada')
  assert.is(await read('GET /session/user', 'text/plain;q=0.5, application/json'), '"ada"')
  assert.is(await read('GET /session/user', 'text/plain;q=0'), '"ada"')
  assert.is(await read('GET /session/user', '*/*'), '"ada"')
  assert.is(await read('GET /session/big', 'text/plain'), '12345678901234567890')
  assert.is(await read('GET /session/list', 'text/plain'), '["a", 1.0]')
  assert.is(await read('GET /session/none?default="bob"', 'text/plain'), 'bob')
  assert.is(await read('DELETE /session/user', 'text/plain'), 'ada')
})

test('DELETE /session/KEY answers the value, which is gone; a second one finds none', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada', cart: [1] })
  await request('PUT /session/user', { cookie, body: ' 1.0 ' })
  const popped = await request('DELETE /session/user', { cookie })
  assert.equal([popped.status, await popped.text()], [200, ' 1.0 '])
  assert.is(popped.headers.get('content-type'), 'application/json')

  const again = await request('DELETE /session/user', { cookie })
  assert.is(await refusalOf(again), '404 key_not_found')
  assert.is(await (await request('GET /session/cart', { cookie })).text(), '[1]')
})

test('DELETE /session/KEY raced by 20 clients gives one of them the value', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { ticket: 7 })
  const race = Array.from({ length: 20 }, () => request('DELETE /session/ticket', { cookie }))
  const statuses = (await Promise.all(race)).map(({ status }) => status)
  assert.equal(statuses.sort(), [200, ...Array<number>(19).fill(404)])
})

test('?default= stands in for a missing key on GET and DELETE, not for one that is there', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  await request('PUT /session/nothing', { cookie, body: 'null' })
  for (const method of ['GET', 'DELETE']) {
    const missing = await request(`${method} /session/none?default=[1.0,+"a"]`, { cookie })
    assert.equal([missing.status, await missing.text()], [200, '[1.0, "a"]'])
    const user = await request(`${method} /session/user?default=1`, { cookie })
    assert.is(await user.text(), '"ada"')
    const nothing = await request(`${method} /session/nothing?default=1`, { cookie })
    assert.is(await nothing.text(), 'null')
  }
})

test('?default= stands in for a missing and for an ended session, and creates none', async () => {
  const { request, database } = openServer()
  const ended = await signIn(request, { user: 'ada' })
  await request('DELETE /session', { cookie: ended })
  for (const cookie of ['', ended]) {
    for (const method of ['GET', 'DELETE']) {
      const answer = await request(`${method} /session/user?default=%22bob%22`, { cookie })
      assert.equal([answer.status, await answer.text()], [200, '"bob"'])
      assert.is(answer.headers.get('set-cookie'), null)
      assert.is(answer.headers.get('etag'), null)
    }
  }
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 0)
})

test('PUT with If-None-Match: * sets a key that is missing and keeps one that is there', async () => {
  const { request } = openServer()
  const headers = { 'if-none-match': '*' }
  const first = await request('PUT /session/a', { headers, body: '1' })
  assert.is(first.status, 204)

  const cookie = cookieOf(first)
  const second = await request('PUT /session/a', { cookie, headers, body: '2' })
  assert.is(await refusalOf(second), '412 precondition_failed')
  assert.is((await request('PUT /session/b', { cookie, headers, body: 'null' })).status, 204)
  const third = await request('PUT /session/b', { cookie, headers, body: '2' })
  assert.is(await refusalOf(third), '412 precondition_failed')
  const { data } = await sessionOf(await request('GET /session', { cookie }))
  assert.equal(data, { a: 1, b: null })
})

test('any string is a key: names of routes and of JavaScript, dots, slashes and emoji', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, {})
  const keys = [
    ...['a/b', '🍪', '__proto__', 'constructor', 'toString', 'renew', 'clear', '.', '..', 'a?b=c'],
    ...['a#b', 'a b', 'a+b', '%', '%2F', '"', '\\', '\0', '\r\n', '\ufeff', 'é', 'e\u0301', 'null'],
    ...['0', '-1', ':key', '*', 'a;b', '\u2028', 'x'.repeat(256)],
  ]
  for (const [index, key] of keys.entries()) {
    const path = `/session/${encodeURIComponent(key).replaceAll('.', '%2e')}`
    const put = await request(`PUT ${path}`, { cookie, body: String(index) })
    assert.is(put.status, 204, key)
  }
  const { data } = await sessionOf(await request('GET /session', { cookie }))
  assert.equal(new Map(Object.entries(data)), new Map(keys.map((key, index) => [key, index])))
  for (const [index, key] of keys.entries()) {
    const path = `/session/${encodeURIComponent(key).replaceAll('.', '%2e')}`
    assert.is(await (await request(`GET ${path}`, { cookie })).text(), String(index), key)
    assert.is(await (await request(`DELETE ${path}`, { cookie })).text(), String(index), key)
    assert.is((await request(`HEAD ${path}`, { cookie })).status, 404, key)
  }
})

test('a key may come with a query, and a dot in it need not be escaped', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { '..': 1, 'a.b': 2 })
  assert.is(await (await request('GET /session/..?touch=false', { cookie })).text(), '1')
  assert.is(await (await request('GET /session/a.b?x=/y', { cookie })).text(), '2')
})

test('every value under every key comes back as the very bytes that were put', async () => {
  const { request } = openServer({ keyLimitBytes: 10_000 })
  const cookie = await signIn(request, { other: 1 })
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.oneof(fc.json({ stringUnit: 'binary' }), spacedJson()),
      async (key, body) => {
        const path = `/session/${encodeURIComponent(key)}`
        assert.is((await request(`PUT ${path}`, { cookie, body })).status, 204)
        assert.is(await (await request(`GET ${path}`, { cookie })).text(), body)
        assert.is(await (await request(`DELETE ${path}`, { cookie })).text(), body)
      },
    ),
  )
})

test('every string comes back from ?as=text to ?as=text', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, {})
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (body) => {
      await request('PUT /session/a?as=text', { cookie, body })
      const answer = await request('GET /session/a?as=text', { cookie })
      assert.equal(Buffer.from(await answer.arrayBuffer()), Buffer.from(body))
    }),
  )
})

test.run()

function spacedJson(): fc.Arbitrary<string> {
  const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 })
  return fc
    .tuple(space, fc.jsonValue(), fc.nat(4), space)
    .map(([before, value, indent, after]) => before + JSON.stringify(value, null, indent) + after)
}

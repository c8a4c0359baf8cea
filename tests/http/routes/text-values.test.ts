/** Bare strings: `?as=text` and what else asks for them, or does not. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBackEnd } from '../../kit/clients/back-end.ts'
import { openServer, problemOf, refusalOf, signIn } from '../../kit/process/open-server.ts'

const test = suite('text values')

const TEXTS = [
  '',
  'ada',
  '"ada"',
  ' a\r\nb\t',
  '\0',
  '🍪',
  '\ufeffada',
  '\\u0061',
  '{"a":1}',
  '</a>',
]

/** What `fetch` says of a body that is a string. */
const FETCH = { 'content-type': 'text/plain;charset=UTF-8' }

test('a JSON text that fetch labels text/plain is that JSON, and none of it is lost', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, {})
  await request('PUT /session/cart', { cookie, body: '{"a":1}', headers: FETCH })
  const body = '{"merge":{"b":2}}'
  await request('PATCH /session/cart', { cookie, body, headers: FETCH })
  assert.equal(await (await request('GET /session/cart', { cookie })).json(), { a: 1, b: 2 })
  await request('PATCH /session', { cookie, body: '{"data":{"c":3}}', headers: FETCH })
  assert.is(await (await request('GET /session/c', { cookie })).text(), '3')
})

test('a body is a string as it stands with ?as=text, and comes back so', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, {})
  for (const body of TEXTS) {
    for (const headers of [{}, FETCH, { 'content-type': 'application/json' }]) {
      const put = await request('PUT /session/a?as=text', { cookie, body, headers })
      assert.is(put.status, 204)
      assert.is(await (await request('GET /session/a', { cookie })).json(), body)
      for (const line of ['GET /session/a?as=text', 'GET /session/a?touch=false&as=text']) {
        const bare = await request(line, { cookie })
        assert.is(bare.headers.get('content-type'), 'text/plain; charset=utf-8')
        assert.equal(Buffer.from(await bare.arrayBuffer()), Buffer.from(body))
      }
    }
  }
})

test('text that is no JSON is 400, names ?as=text, and writes nothing', async () => {
  const { request, database } = openServer()
  for (const headers of [{}, FETCH, { 'content-type': 'text/plain' }]) {
    for (const body of ['ada', '', "{'a':1}", 'a=1', '\ufeff1', 'NaN']) {
      const { status, code, detail } = await problemOf(
        await request('PUT /session/a', { body, headers }),
      )
      assert.equal([status, code], [400, 'invalid_json'], body)
      assert.match(detail, '?as=text')
    }
  }
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 0)
})

test('?as=text is of the value; a patch of a key is JSON, and its answer is bare', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { list: ['x'], n: 1 })
  const patch = async (key: string, body: string) =>
    (await request(`PATCH /session/${key}?as=text`, { cookie, body, headers: FETCH })).text()
  assert.is(await patch('list', '{"append":"ada"}'), '["x","ada"]')
  assert.is(await patch('n', '{"increment":1}'), '2')
  const bare = await request('PATCH /session/list?as=text', { cookie, body: 'ada' })
  assert.is(await refusalOf(bare), '400 invalid_json')
})

test('with ?as=text a value that is no string comes as its JSON, and pop and default are bare', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada', list: ['a', 1] })
  await request('PUT /session/none', { cookie, body: 'null' })
  const read = async (line: string, accept?: string) => {
    const headers = accept === undefined ? {} : { accept }
    return await (await request(line, { cookie, headers })).text()
  }
  assert.is(await read('GET /session/list?as=text'), '["a",1]')
  assert.is(await read('GET /session/none?as=text'), 'null')
  assert.is(await read('GET /session/other?as=text&default="bob"'), 'bob')
  assert.is(await read('GET /session/user?as=json', 'text/plain'), '"ada"')
  assert.is(await read('GET /session/user', 'text/plain'), 'ada')
  assert.is(await read('DELETE /session/user?as=text'), 'ada')
  assert.is(await read('DELETE /session/user?as=text&default="bob"'), 'bob')
  const whole = await request('GET /session?as=text', { cookie })
  assert.is(whole.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.equal(JSON.parse(await whole.text()).data, { list: ['a', 1], none: null })
})

test('a default is JSON in every form', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, {})
  const answer = await request('GET /session/a?as=text&default=bob', { cookie })
  const { status, detail } = await problemOf(answer)
  assert.is(status, 400)
  assert.not.match(detail, '?as=text')
})

test('any other form is 400, and nothing is done', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const form of ['', 'xml', 'TEXT', 'text,json', 'text&as=json']) {
    for (const [line, body] of [
      ['GET /session'],
      ['GET /session/a'],
      ['HEAD /session/a'],
      ['PUT /session/a', '2'],
      ['PUT /session', '{"a":2}'],
      ['PATCH /session/a', '{"increment":1}'],
      ['DELETE /session/a'],
    ] as const) {
      const answer = await request(`${line}?as=${form}`, {
        cookie,
        ...(body !== undefined && { body }),
      })
      assert.is(answer.status, 400, `${line} ${form}`)
    }
  }
  assert.is(await (await request('GET /session/a', { cookie })).text(), '1')
})

test('text that its type calls another charset is 400, for it would be read as something else', async () => {
  const { request } = openServer()
  const put = async (type: string) => {
    const headers = { 'content-type': type }
    return await request('PUT /session/a?as=text', { headers, body: 'ada' })
  }
  for (const charset of ['utf-16', 'UTF-16LE', '"iso-8859-1"', 'windows-1252', 'utf-7']) {
    const answer = await put(`text/plain; charset=${charset}`)
    assert.is(await refusalOf(answer), '400 invalid_utf8', charset)
  }
  for (const charset of ['utf-8', 'UTF8', '"UTF-8"', 'us-ascii']) {
    assert.is((await put(`text/plain;charset=${charset}`)).status, 204, charset)
  }
  const body = new Uint8Array([0xff, 0xfe, 0x61, 0x00])
  const utf16 = await request('PUT /session/a?as=text', { body })
  assert.is(await refusalOf(utf16), '400 invalid_utf8')
})

test('GET /cookies/:name is bare with ?as=text', async () => {
  const { request } = openServer()
  const cookie = 'theme=dark%20blue'
  assert.is(await (await request('GET /cookies/theme?as=text', { cookie })).text(), 'dark blue')
  const raw = await request('GET /cookies/theme?as=text&raw=true', { cookie })
  assert.is(await raw.text(), 'dark%20blue')
  assert.is((await request('GET /cookies/theme?as=xml', { cookie })).status, 400)
})

test('PUT /session puts all of the data, null too, in one step; claims and flag stay', async () => {
  const { ask, request, create } = openBackEnd()
  const { cookie } = await create({ data: { a: 1, b: 2 }, claims: { sub: 'ada' }, permanent: true })
  const body = '{"b":null,"n":12345678901234567890,"b":1.0}'
  const put = await request('PUT /session', { cookie, body, headers: FETCH })
  assert.equal([put.status, put.headers.get('etag')], [204, '"2"'])
  assert.is(put.headers.get('set-cookie'), null)
  const whole = await (await request('GET /session', { cookie })).text()
  assert.match(whole, '"data":{"b":1.0,"n":12345678901234567890},"claims":{"sub":"ada"}')
  assert.match(whole, '"permanent":true')

  const stale = { cookie, body: '{}', headers: { 'if-match': '"1"' } }
  assert.is(await refusalOf(await request('PUT /session', stale)), '412 precondition_failed')
  assert.is((await ask('PUT /session', { cookie, body: '{"c":null}' })).status, 204)
  assert.is(await (await request('GET /session/c', { cookie })).text(), 'null')
})

test('PUT /session begins a session, and refuses what is no object or over a limit', async () => {
  const { request, database } = openServer({ maxKeys: 2, maxDepth: 2, sessionLimitBytes: 50 })
  for (const [body, refusal] of [
    ['[]', '422 invalid_argument'],
    ['"ada"', '422 invalid_argument'],
    ['null', '422 invalid_argument'],
    ['', '400 invalid_json'],
    ['{"":1}', '422 invalid_key'],
    ['{"a":1,"b":2,"c":3}', '422 too_many_keys'],
    ['{"a":[[[]]]}', '422 too_deep'],
    [`{"a":"${'x'.repeat(50)}"}`, '413 session_too_large'],
  ] as const) {
    assert.is(await refusalOf(await request('PUT /session', { body })), refusal, body)
  }
  const asText = await request('PUT /session?as=text', { body: '{}' })
  assert.is(await refusalOf(asText), '422 invalid_argument')
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 0)
  const begun = await request('PUT /session', { body: '{"a":[[]]}' })
  assert.equal([begun.status, begun.headers.getSetCookie().length], [204, 1])
})

test.run()

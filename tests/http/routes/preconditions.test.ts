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

const test = suite('preconditions')

const JSON_PATCH = { 'content-type': 'application/json-patch+json' }

/** Every way to write to a session whose data is `{"a":1}`. */
const WRITES: readonly (readonly [line: string, ask: Ask])[] = [
  ['PUT /session/a', { body: '2' }],
  ['PATCH /session/a', { body: '{"increment":1}' }],
  ['DELETE /session/a', {}],
  ['DELETE /session/a?default=0', {}],
  ['PUT /session', { body: '{"a":2}' }],
  ['PATCH /session', { body: '{"data":{"a":2}}' }],
  ['PATCH /session', { body: '[{"op":"remove","path":"/data/a"}]', headers: JSON_PATCH }],
  ['POST /session/clear', {}],
  ['POST /session/renew', {}],
  ['DELETE /session', {}],
]

test('every write refuses a precondition that is malformed, session or none', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  const malformed = [
    '',
    '1',
    '"1',
    "'1'",
    '"1" "2"',
    'w/"1"',
    'W/1',
    '*, "1"',
    '"1", 2',
    '"\u007f"',
  ]
  for (const header of ['if-match', 'if-none-match']) {
    for (const value of malformed) {
      for (const [line, ask] of WRITES) {
        for (const from of [{ cookie }, {}]) {
          const answer = await request(line, withHeader({ ...ask, ...from }, header, value))
          assert.is(await refusalOf(answer), '400 bad_request', `${line} ${header}: ${value}`)
        }
      }
    }
  }
  assert.is((await request('GET /session', { cookie })).headers.get('etag'), '"1"')
})

test('every write whose precondition does not hold is 412 and changes nothing', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  const before = await (await request('GET /session', { cookie })).text()
  for (const [header, value] of [
    ['if-match', '"2"'],
    ['if-match', '"0", "2" , "01"'],
    ['if-match', '""'],
    ['if-match', '"1,1", ",", "é"'],
    ['if-match', 'W/"2", "2-gzip", "1-other", "-gzip", "1-gzip-gzip"'],
    ['if-none-match', '*'],
    ['if-none-match', '"1"'],
    ['if-none-match', 'W/"1"'],
    ['if-none-match', '"7", W/"1"'],
    ['if-none-match', '"1-gzip"'],
    ['if-none-match', 'W/"1-text"'],
  ] as const) {
    for (const [line, ask] of WRITES) {
      const answer = await request(line, withHeader({ ...ask, cookie }, header, value))
      assert.is(answer.headers.get('set-cookie'), null)
      const what = `${line} ${header}: ${value}`
      assert.is(await refusalOf(answer), '412 precondition_failed', what)
    }
  }
  const after = await request('GET /session', { cookie })
  assert.is(after.headers.get('etag'), '"1"')
  assert.is(await after.text(), before)
})

test('every write goes through where its precondition holds', async () => {
  for (const [header, value] of [
    ['if-match', '"1"'],
    ['if-match', '"0",\t"1"'],
    ['if-match', 'W/"7", "1"'],
    // As proxies that compress answers have the tag: it is the same version.
    ['if-match', 'W/"1"'],
    ['if-match', '"0", W/"1"'],
    ['if-match', '"1-gzip"'],
    ['if-match', 'W/"1-br"'],
    ['if-match', '"1--gzip"'],
    ['if-match', '"1-zstd"'],
    ['if-match', '"1-text"'],
    ['if-match', 'W/"1-text-gzip"'],
    ['if-match', '*'],
    ['if-match', ' * '],
    ['if-match', ', ,"a,b",,"1",'],
    ['if-none-match', '"2"'],
    ['if-none-match', 'W/"2", "3"'],
  ] as const) {
    for (const [line, ask] of WRITES) {
      const { request } = openServer()
      const cookie = await signIn(request, { a: 1 })
      const answer = await request(line, withHeader({ ...ask, cookie }, header, value))
      assert.ok(answer.ok, `${line} ${header}: ${value}`)
    }
  }
})

test('two preconditions must both hold', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  const put = (ifMatch: string, ifNoneMatch: string) =>
    request('PUT /session/b', {
      cookie,
      body: '1',
      headers: { 'if-match': ifMatch, 'if-none-match': ifNoneMatch },
    })
  assert.is((await put('"2"', '"9"')).status, 412)
  assert.is((await put('"1"', '"1"')).status, 412)
  assert.is((await put('"1"', '*')).status, 204)
})

test('on a key, * asks of the key and a version of the session', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  const put = (key: string, header: string, value: string) =>
    request(`PUT /session/${key}`, { cookie, body: '1', headers: { [header]: value } })

  assert.is((await put('b', 'if-match', '*')).status, 412)
  assert.is((await put('b', 'if-match', '"1"')).status, 204)
  assert.is((await put('b', 'if-match', '"1"')).status, 412)
  assert.is((await put('b', 'if-match', '*')).status, 204)
  assert.is((await put('c', 'if-none-match', '*')).status, 204)
})

test('If-Match never holds where there is no session, and none is created', async () => {
  const { request, database } = openServer()
  for (const [line, ask] of WRITES.filter(([, { body }]) => body !== undefined)) {
    for (const value of ['*', '"0"', '"1"']) {
      const answer = await request(line, withHeader(ask, 'if-match', value))
      assert.is(await refusalOf(answer), '412 precondition_failed', line)
    }
  }
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 0)
})

test('If-None-Match always holds where there is no session', async () => {
  for (const [line, body] of [
    ['PUT /session/a', '1'],
    ['PATCH /session/a', '{"increment":1}'],
    ['PATCH /session', '{"data":{"a":1}}'],
    ['PUT /session', '{"a":1}'],
  ] as const) {
    for (const value of ['*', '"0"', '"1"']) {
      const { request } = openServer()
      const answer = await request(line, { body, headers: { 'if-none-match': value } })
      assert.ok(answer.ok, `${line} If-None-Match: ${value} is ${answer.status}`)
      const session = await sessionOf(await request('GET /session', { cookie: cookieOf(answer) }))
      assert.equal(session.data, { a: 1 })
    }
  }
})

test('reads take no notice of If-Match', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const line of ['GET /session', 'GET /session/a']) {
    assert.is((await request(line, { cookie, headers: { 'if-match': '"9"' } })).status, 200)
  }
})

test('a 412 tells the version that the session is at', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  const headers = { 'if-match': '"9"' }
  const answer = await request('PUT /session/b', { cookie, headers, body: '1' })
  assert.match((await problemOf(answer)).detail, 'the session is at version 1 and has no such key')
})

test('of 20 writers that saw one version, one writes', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 0 })
  const race = Array.from({ length: 20 }, (_, n) =>
    request('PUT /session/a', { cookie, body: String(n), headers: { 'if-match': '"1"' } }),
  )
  const statuses = (await Promise.all(race)).map(({ status }) => status)
  assert.equal(statuses.sort(), [204, ...Array<number>(19).fill(412)])
})

test.run()

function withHeader(ask: Ask, name: string, value: string): Ask {
  return { ...ask, headers: { ...ask.headers, [name]: value } }
}

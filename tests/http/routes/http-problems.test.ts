import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../../lib/base/errors.ts'
import {
  type Ask,
  cookieOf,
  openServer,
  problemOf,
  refusalOf,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('HTTP problems')

const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  vary: 'Cookie, Authorization, Session-Token, Accept',
  'x-content-type-options': 'nosniff',
}

/** One request for each refusal that a request alone can bring about, and what it is. */
const REFUSALS: readonly (readonly [refusal: string, line: string, ask?: Ask])[] = [
  ['400 bad_request', 'GET /session/%ff'],
  ['400 bad_request', 'GET /session?touch=1'],
  ['400 invalid_json', 'PUT /session/a', { body: 'ada' }],
  ['400 invalid_utf8', 'PUT /session/a', { body: new Uint8Array([0xff]) }],
  ['403 claims_read_only', 'PATCH /session', { body: '{"claims":{}}' }],
  ['403 cross_origin', 'PUT /session/a', { headers: { 'sec-fetch-site': 'cross-site' } }],
  ['404 cookie_not_found', 'GET /cookies/none'],
  ['404 key_not_found', 'GET /session/none'],
  ['404 route_not_found', 'GET /'],
  ['404 route_not_found', 'GET /session/a/b'],
  ['404 session_not_found', 'GET /session', { cookie: '' }],
  ['405 method_not_allowed', 'POST /session', { body: '1' }],
  ['405 method_not_allowed', 'POST /cookies/a', { body: '1' }],
  ['409 test_failed', 'PATCH /session', patch('[{"op":"test","path":"/data/a","value":2}]')],
  ['409 wrong_type', 'PATCH /session/a', { body: '{"append":1}' }],
  ['412 precondition_failed', 'PUT /session/a', { body: '1', headers: { 'if-match': '"9"' } }],
  ['413 body_too_large', 'PUT /session/a', { body: '1', headers: { 'content-length': '9999999' } }],
  ['413 session_too_large', 'PUT /session/a', { body: `"${'a'.repeat(65_536)}"` }],
  ['422 invalid_argument', 'PATCH /session/a', { body: '{}' }],
  ['422 invalid_cookie', 'PUT /cookies/sid', { body: '{"value":""}' }],
  ['422 invalid_key', 'GET /session/'],
  ['422 invalid_patch', 'PATCH /session', patch('{}')],
  ['422 number_too_large', 'PATCH /session/a', { body: '{"increment":1e400}' }],
  ['422 too_deep', 'PUT /session/a', { body: '['.repeat(99) }],
]

const ANSWERS: readonly (readonly [status: number, line: string, ask?: Ask])[] = [
  [200, 'GET /session'],
  [200, 'HEAD /session'],
  [200, 'PATCH /session', { body: '{"data":{"b":1}}' }],
  [204, 'PUT /session', { body: '{"a":1,"b":2}' }],
  [304, 'GET /session', { headers: { 'if-none-match': '*' } }],
  [304, 'GET /session/a', { headers: { 'if-none-match': '*' } }],
  [204, 'PUT /session/b', { body: '1' }],
  [204, 'PUT /session/b', { body: '1', cookie: '' }],
  [200, 'GET /session/a'],
  [200, 'GET /session/a', { headers: { accept: 'text/plain' } }],
  [200, 'GET /session/none?default=1'],
  [200, 'GET /session/none?default=1', { cookie: '' }],
  [200, 'PATCH /session/a', { body: '{"increment":1}' }],
  [200, 'DELETE /session/a'],
  [200, 'DELETE /session/none?default=1'],
  [204, 'POST /session/clear'],
  [204, 'POST /session/renew'],
  [204, 'DELETE /session'],
  [204, 'PUT /cookies/theme', { body: '{"value":"dark"}' }],
  [204, 'PUT /cookies/theme', { body: '{"value":"dark","secure":true}' }],
  [200, 'GET /cookies/theme', { cookie: 'theme=dark' }],
  [200, 'GET /cookies/theme', { cookie: 'theme=dark', headers: { accept: 'text/plain' } }],
  [200, 'HEAD /cookies/theme', { cookie: 'theme=dark' }],
  [200, 'GET /cookies', { cookie: 'theme=dark' }],
  [204, 'DELETE /cookies/theme'],
]

test('every refusal is a problem with type, title, status, detail and code', async () => {
  for (const [refusal, line, ask] of REFUSALS) {
    const { request } = openServer()
    const cookie = await signIn(request, { a: 1 })
    const answer = await request(line, { cookie, ...ask })
    assert.is(answer.headers.get('content-type'), 'application/problem+json', line)
    const problem = await problemOf(answer)
    assert.is(`${answer.status} ${problem.code}`, refusal, line)
    assert.is(problem.status, answer.status)
    assert.is(problem.type, `urn:coatcheck:${problem.code}`)
    assert.match(problem.title, /^[A-Z][\w -]+$/)
    assert.match(problem.detail, /^(?:Cannot |body is not JSON: ).+[^.\n]$/)
  }
})

test('every refusal and every answer carries the safe headers and no version', async () => {
  const cases = [...REFUSALS, ...ANSWERS]
  for (const [expected, line, ask] of cases) {
    const { request } = openServer()
    const cookie = await signIn(request, { a: 1 })
    const answer = await request(line, { cookie, ...ask })
    assert.is(answer.status, Number.parseInt(String(expected)), line)
    for (const [name, value] of Object.entries(SAFE_HEADERS)) {
      assert.is(answer.headers.get(name), value, `${line}: ${name}`)
    }
    assert.is(answer.headers.get('server'), null)
    assert.is(answer.headers.get('x-powered-by'), null)
  }
})

test('HEAD of what is refused has the status and no body', async () => {
  const { request } = openServer()
  for (const line of ['HEAD /session', 'HEAD /session/a', 'HEAD /cookies/a', 'HEAD /none']) {
    const answer = await request(line)
    assert.equal([answer.status, await answer.text()], [404, ''], line)
  }
})

test('a method that a path does not have is 405, with those it has in Allow', async () => {
  const { request } = openServer()
  const key = 'GET, HEAD, PUT, PATCH, DELETE'
  for (const [line, allow] of [
    ['POST /session', key],
    ['OPTIONS /session', key],
    ['POST /session/a', key],
    ['OPTIONS /session/a', key],
    ['QUERY /session/a', key],
    ['POST /session/renewal', key],
    ['OPTIONS /session/renew', `${key}, POST`],
    ['OPTIONS /session/clear', `${key}, POST`],
    ['POST /cookies', 'GET, HEAD'],
    ['DELETE /cookies', 'GET, HEAD'],
    ['POST /cookies/a', 'GET, HEAD, PUT, DELETE'],
    ['PATCH /cookies/a', 'GET, HEAD, PUT, DELETE'],
  ] as const) {
    const answer = await request(line)
    assert.is(answer.status, 405, line)
    assert.is(answer.headers.get('allow'), allow, line)
  }
})

test('an unknown path is 404 with the paths that there are', async () => {
  const { request } = openServer()
  for (const path of ['/', '/sessionx', '/Session', '/session//', '/session/a/', '//session']) {
    const answer = await request(`GET ${path}`)
    assert.is(answer.status, 404, path)
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'route_not_found')
    assert.match(
      detail,
      '/session, /session/KEY, /sessions, /active, /sessions/ID, /sessions/ID/KEY, /events, /cookies, /cookies/NAME, /verify, /healthz, /metrics and /openapi.json',
    )
  }
})

test('an error that nobody foresaw is 500 without details, and logged without data', async () => {
  const { request, store, logged } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  store.find = async () => {
    throw new TypeError('Cannot bind {"user":"ada"}\n    of ada')
  }
  const answer = await request('GET /session/user', { cookie })
  assert.is(answer.status, 500)
  for (const [name, value] of Object.entries(SAFE_HEADERS)) {
    assert.is(answer.headers.get(name), value, name)
  }
  const problem = await problemOf(answer)
  assert.equal(problem, {
    type: 'urn:coatcheck:internal',
    title: 'Internal error',
    status: 500,
    detail: 'Cannot answer: the server has a fault, its log tells more',
    code: 'internal',
  })

  assert.is(logged.length, 1)
  assert.not.match(logged[0] ?? '', 'ada')
  const line = JSON.parse(logged[0] ?? '')
  assert.equal([line.level, line.event, line.error], ['error', 'request_failed', 'TypeError'])
  assert.match(line.place, 'http-problems.test.ts')
})

test('a refusal of the store keeps its own status, and says when to try again', async () => {
  const { request, store, logged } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  store.change = async () => {
    throw new CoatcheckError('storage_full', 'Cannot write: the disk is full')
  }
  const answer = await request('PUT /session/user', { cookie, body: '"bob"' })
  assert.is(answer.headers.get('retry-after'), '5')
  assert.is(await refusalOf(answer), '507 storage_full')
  assert.equal(logged, [])
})

test('a query parameter that is given twice is refused', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const line of [
    'GET /session?touch=true&touch=true',
    'GET /session/a?touch=true&touch=false',
    'GET /session/a?default=1&default=2',
    'GET /session/a?default=1&d%65fault=1',
    'DELETE /session/a?default=1&default=1',
    'DELETE /cookies/a?path=/a&path=/b',
  ]) {
    assert.is(await refusalOf(await request(line, { cookie })), '400 bad_request', line)
  }
  assert.is((await request('HEAD /session/a', { cookie })).status, 200)
})

test('?touch= is true or false and nothing else, session or none', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const value of ['touch', 'touch=', 'touch=1', 'touch=False', 'touch=no', 'touch=%ff']) {
    for (const line of ['GET /session', 'GET /session/a', 'GET /session/b']) {
      const answer = await request(`${line}?${value}`, { cookie })
      assert.is(await refusalOf(answer), '400 bad_request', `${line}?${value}`)
    }
    const none = await request(`GET /session/a?default=1&${value}`)
    assert.is(await refusalOf(none), '400 bad_request', value)
  }
})

test('?default= is JSON and nothing else, session or none', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const value of ['default', 'default=', 'default=ada', "default='ada'", 'default=[1,]']) {
    for (const method of ['GET', 'DELETE']) {
      for (const from of [{ cookie }, {}]) {
        const answer = await request(`${method} /session/a?${value}`, from)
        assert.is(await refusalOf(answer), '400 invalid_json', `${method} ${value}`)
      }
    }
  }
  const malformed = await request('GET /session/b?default=%22%ff%22', { cookie })
  assert.is(await refusalOf(malformed), '400 bad_request')
  assert.is((await request('HEAD /session/a', { cookie })).status, 200)
})

test('a refused write leaves a live session and its cookie as they are', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const [, line, ask] of REFUSALS) {
    const answer = await request(line, { cookie, ...ask })
    assert.is(cookieOf(answer), '', line)
  }
  assert.is((await request('GET /session', { cookie })).headers.get('etag'), '"1"')
})

test.run()

function patch(body: string): Ask {
  return { body, headers: { 'content-type': 'application/json-patch+json' } }
}

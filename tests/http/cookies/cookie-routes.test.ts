import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openServer } from '../../kit/process/open-server.ts'

const test = suite('cookie routes')

const NOW = Date.UTC(2026, 0, 1)
const EXPIRED = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'

test('PUT /cookies/:name refuses a body that is no cookie', async () => {
  const { request } = openRoutes()
  assert.is(await code(request('/cookies/user', put({}))), 'invalid_argument')
  assert.is(await code(request('/cookies/user', put('ada'))), 'invalid_argument')
  assert.is(await code(request('/cookies/user', { method: 'PUT' })), 'invalid_argument')
  assert.is(await code(request('/cookies/user', put({ value: 1 }))), 'invalid_argument')
})

test('PUT /cookies/:name refuses a cookie that a browser would drop, and sets none', async () => {
  const { request } = openRoutes()
  const answer = await request('/cookies/user', put({ value: 'ada', sameSite: 'None' }))
  assert.is(answer.headers.get('set-cookie'), null)
  assert.is((await readProblem(answer)).rule, 'same-site-none-secure')
})

test('PUT and DELETE of a session cookie are refused with the way out', async () => {
  const { request } = openRoutes()
  for (const path of ['/cookies/sid', '/cookies/s%69d', '/cookies/__Host-Http-sid']) {
    for (const init of [
      put({ value: 'ada', secure: true, httpOnly: true }),
      { method: 'DELETE' },
    ]) {
      const answer = await request(path, init)
      assert.is(answer.headers.get('set-cookie'), null)
      const { code, rule, detail } = await readProblem(answer)
      assert.equal([code, rule], ['invalid_cookie', 'reserved-name'])
      assert.match(detail ?? '', 'DELETE /session logs out')
    }
  }
})

test('every method refuses a name with a malformed escape', async () => {
  const { request } = openRoutes()
  for (const name of ['%', '%4', '%zz', '%ff', '%C3', 'a%ED%A0%80']) {
    assert.is(await code(request(`/cookies/${name}`, put({ value: 'ada' }))), 'bad_request', name)
    assert.is(await code(request(`/cookies/${name}`, {})), 'bad_request', name)
    assert.is(await code(request(`/cookies/${name}`, { method: 'DELETE' })), 'bad_request', name)
  }
})

test('PUT /cookies/:name refuses a name that is no token once decoded', async () => {
  const { request } = openRoutes()
  for (const name of ['a%20b', 'a%2Fb', 'a%0D%0Ab', 'caf%C3%A9', '%00']) {
    const answer = await request(`/cookies/${name}`, put({ value: 'ada' }))
    assert.is((await readProblem(answer)).rule, 'name-token', name)
  }
})

test('PUT /cookies/:name answers 204 with Set-Cookie and no body', async () => {
  const { request } = openRoutes()
  const body = { value: 'ada', maxAge: 604_800, httpOnly: true, sameSite: 'lax' }
  const answer = await request('/cookies/user', put(body))
  assert.is(answer.status, 204)
  assert.is(await answer.text(), '')
  assert.equal(answer.headers.getSetCookie(), [
    'user=ada; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax',
  ])
  assert.is(answer.headers.get('warning'), null)
})

test('PUT /cookies/:name measures 400 days from the time that the clock shows', async () => {
  const { request } = openRoutes()
  const expires = (ms: number) => put({ value: '', expires: new Date(ms).toISOString() })
  const limit = NOW + 400 * 86_400_000
  assert.is((await request('/cookies/a', expires(limit))).status, 204)
  assert.is(await code(request('/cookies/a', expires(limit + 1000))), 'invalid_cookie')
})

test('PUT /cookies/:name decodes the name, and a plus sign stays one', async () => {
  const { request } = openRoutes()
  const answer = await request('/cookies/%61+b', put({ value: 'ada' }))
  assert.is(answer.headers.get('set-cookie'), 'a+b=ada; Path=/')
})

test('GET /cookies/:name reads back what PUT set, in any alphabet', async () => {
  const { request } = openRoutes()
  for (const value of [
    'ada',
    '',
    '"ada"',
    'a=b',
    '张三',
    '🍪',
    '\ufeff',
    ' a;b ',
    '50%',
    '%25',
    '\0\n',
  ]) {
    const [pair = ''] = (await request('/cookies/user', put({ value }))).headers.getSetCookie()
    const cookie = pair.slice(0, pair.indexOf(';'))
    const answer = await request('/cookies/user', { headers: { cookie } })
    assert.is(await answer.json(), value)
  }
})

test('GET /cookies/:name?raw=true and GET /cookies?raw=true give what stands in the header', async () => {
  const { request } = openRoutes()
  const headers = { cookie: 'a=%E5%BC%A0; b=50%25; c=50%' }
  const read = async (path: string) => (await request(path, { headers })).json()
  assert.equal(await read('/cookies'), { a: '张', b: '50%', c: '50%' })
  assert.equal(await read('/cookies?raw=false'), { a: '张', b: '50%', c: '50%' })
  assert.equal(await read('/cookies?raw=true'), { a: '%E5%BC%A0', b: '50%25', c: '50%' })
  assert.is(await read('/cookies/a?raw=true'), '%E5%BC%A0')
  assert.is(await code(request('/cookies/a?raw=1', { headers })), 'bad_request')
  assert.is(await code(request('/cookies?raw', { headers })), 'bad_request')
})

test('PUT /cookies/:name with "raw" sends the value as it is, or refuses it', async () => {
  const { request } = openRoutes()
  const sent = async (value: string, raw: boolean) =>
    (await request('/cookies/a', put({ value, raw }))).headers.get('set-cookie')
  assert.is(await sent('50%', false), 'a=50%25; Path=/')
  assert.is(await sent('50%', true), 'a=50%; Path=/')
  const refused = await readProblem(await request('/cookies/a', put({ value: 'a b', raw: true })))
  assert.equal([refused.code, refused.rule], ['invalid_cookie', 'value-cookie-octet'])
})

test('PUT /cookies/:name warns of a Secure cookie over plain http, and sends it', async () => {
  const { request } = openRoutes()
  const answer = await request('/cookies/a', put({ value: '', secure: true }))
  assert.is(answer.headers.get('set-cookie'), 'a=; Path=/; Secure')
  assert.is(
    answer.headers.get('warning'),
    '299 coatcheck "a Secure cookie over plain http: a browser drops it, use https"',
  )

  const secure = openRoutes({ isSecure: true })
  const quiet = await secure.request('/cookies/a', put({ value: '', secure: true }))
  assert.is(quiet.headers.get('warning'), null)
})

test('PUT /cookies/:name warns of a Domain that does not cover the host', async () => {
  const { request } = openRoutes()
  const answer = await request('http://shop.test/cookies/a', put({ value: '', domain: 'b.test' }))
  assert.is(answer.headers.get('set-cookie'), 'a=; Path=/; Domain=b.test')
  assert.is(
    answer.headers.get('warning'),
    '299 coatcheck "Domain does not cover the host shop.test: a browser drops the cookie"',
  )

  const address = await request('http://127.0.0.1/cookies/a', put({ value: '', domain: 'b.test' }))
  assert.match(address.headers.get('warning') ?? '', 'the host 127.0.0.1')
  const quiet = await request('http://www.b.test/cookies/a', put({ value: '', domain: '.b.test' }))
  assert.is(quiet.headers.get('warning'), null)
})

test('GET /cookies/:name is cookie_not_found where the request has none of that name', async () => {
  const { request } = openRoutes()
  const headers = { cookie: 'user=ada; ; nameless' }
  for (const name of ['User', 'toString', '__proto__', 'nameless', 'a%20b']) {
    assert.is(await code(request(`/cookies/${name}`, { headers })), 'cookie_not_found', name)
  }
  assert.is(await code(request('/cookies/user', {})), 'cookie_not_found')
})

test('GET /cookies/:name is cookie_not_found for a session cookie', async () => {
  const { request } = openRoutes()
  const headers = { cookie: 'sid=token; __Host-Http-sid=token; a=1' }
  for (const name of ['sid', 's%69d', '__Host-Http-sid', '__Host-Http-s%69%64']) {
    const answer = await request(`/cookies/${name}`, { headers })
    const text = await answer.text()
    assert.match(text, 'cookie_not_found')
    assert.not.match(text, 'token')
  }
})

test('GET /cookies/:name answers with JSON, or with the bare string if asked', async () => {
  const headers = { cookie: 'user=ada; user=bob' }
  const asJson = await openRoutes().request('/cookies/user', { headers })
  assert.is(asJson.status, 200)
  assert.match(asJson.headers.get('content-type') ?? '', /^application\/json/)
  assert.is(await asJson.text(), '"ada"')

  const asText = await openRoutes({ wantsText: true }).request('/cookies/user', { headers })
  assert.match(asText.headers.get('content-type') ?? '', /^text\/plain/)
  assert.is(await asText.text(), 'ada')
})

test('GET /cookies lists every cookie but the session cookies', async () => {
  const { request } = openRoutes()
  const none = await request('/cookies', {})
  assert.is(await none.text(), '{}')

  const cookie = '__proto__=x; sid=token; user=ada; __Host-Http-sid=token; constructor=y; sid=token'
  const answer = await request('/cookies', { headers: { cookie } })
  assert.is(answer.status, 200)
  assert.is(await answer.text(), '{"__proto__":"x","user":"ada","constructor":"y"}')
})

test('DELETE /cookies/:name refuses unknown and malformed attributes', async () => {
  const { request } = openRoutes()
  const remove = { method: 'DELETE' }
  assert.is(await code(request('/cookies/a?maxAge=1', remove)), 'invalid_argument')
  assert.is(await code(request('/cookies/a?secure=1', remove)), 'invalid_argument')
  assert.is(await code(request('/cookies/a?path=shop', remove)), 'invalid_cookie')
  const body = JSON.stringify(null)
  assert.is(await code(request('/cookies/a', { ...remove, body })), 'invalid_argument')
})

test('DELETE /cookies/:name expires the cookie, whether the request has it or not', async () => {
  const { request } = openRoutes()
  const answer = await request('/cookies/user', { method: 'DELETE' })
  assert.is(answer.status, 204)
  assert.is(await answer.text(), '')
  assert.equal(answer.headers.getSetCookie(), [`user=; ${EXPIRED}; Path=/`])
})

test('DELETE /cookies/:name takes attributes from the query and the body, which wins', async () => {
  const { request } = openRoutes({ isSecure: true })
  const query = '?path=%2Fshop&domain=localhost&secure=true&partitioned=true'
  const byQuery = await request(`/cookies/a${query}`, { method: 'DELETE' })
  const end = 'Domain=localhost; Secure; Partitioned'
  assert.is(byQuery.headers.get('set-cookie'), `a=; ${EXPIRED}; Path=/shop; ${end}`)

  const body = JSON.stringify({ path: '/cart' })
  const byBoth = await request(`/cookies/a${query}`, { method: 'DELETE', body })
  assert.is(byBoth.headers.get('set-cookie'), `a=; ${EXPIRED}; Path=/cart; ${end}`)
})

test('DELETE /cookies/:name adds what the prefix needs, and warns as PUT does', async () => {
  const { request } = openRoutes()
  const answer = await request('/cookies/__Host-a', { method: 'DELETE' })
  assert.is(answer.headers.get('set-cookie'), `__Host-a=; ${EXPIRED}; Path=/; Secure`)
  assert.match(answer.headers.get('warning') ?? '', 'plain http')

  const both = await request('/cookies/a?secure=true&domain=b.test', { method: 'DELETE' })
  assert.is((both.headers.get('warning') ?? '').split('299 coatcheck').length - 1, 2)
})

test.run()

function openRoutes({ isSecure = false, wantsText = false } = {}) {
  const server = openServer()
  server.clock.set(NOW)
  return {
    async request(target: string, init: RequestInit): Promise<Response> {
      const [, origin = isSecure ? 'https://localhost' : 'http://localhost', path = ''] =
        /^(https?:\/\/[^/]+)?(.*)$/.exec(target) ?? []
      const headers = Object.fromEntries(new Headers(init.headers))
      if (wantsText) headers['accept'] = 'text/plain'
      const body = typeof init.body === 'string' ? { body: init.body } : {}
      return server.request(`${init.method ?? 'GET'} ${path}`, { headers, origin, ...body })
    },
  }
}

function put(body: unknown): RequestInit {
  return { method: 'PUT', body: JSON.stringify(body) }
}

async function code(answer: Promise<Response>): Promise<string | undefined> {
  return (await readProblem(await answer)).code
}

type Problem = { readonly code?: string; readonly rule?: string; readonly detail?: string }

async function readProblem(answer: Response): Promise<Problem> {
  const problem: Problem = JSON.parse(await answer.text())
  return problem
}

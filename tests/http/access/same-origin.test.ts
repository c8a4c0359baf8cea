import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Ask,
  cookieOf,
  openServer,
  problemOf,
  refusalOf,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('same origin')

const UNSAFE: readonly (readonly [line: string, ask: Ask])[] = [
  ['PUT /session/a', { body: '1' }],
  ['PATCH /session/a', { body: '{"increment":1}' }],
  ['DELETE /session/a?default=0', {}],
  ['PATCH /session', { body: '{"data":{"a":1}}' }],
  ['POST /session/clear', {}],
  ['PUT /cookies/a', { body: '{"value":""}' }],
  ['DELETE /cookies/a', {}],
  ['POST /session/renew', {}],
  ['DELETE /session', {}],
]
const SAFE = ['GET /session', 'HEAD /session', 'GET /session/a', 'HEAD /session/a', 'GET /cookies']

const FOREIGN: readonly Record<string, string>[] = [
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': '' },
  { 'sec-fetch-site': 'Same-Origin' },
  { 'sec-fetch-site': 'same-origin, cross-site' },
  // What the browser says of the site counts, whatever Origin says.
  { 'sec-fetch-site': 'cross-site', origin: 'http://localhost' },
  { origin: 'null' },
  { origin: '' },
  { origin: 'https://localhost' },
  { origin: 'http://localhost:8080' },
  { origin: 'http://evil.test' },
  { origin: 'http://localhost.evil.test' },
  { origin: 'http://a.localhost' },
  { origin: 'http://localhost, http://localhost' },
]
const OWN: readonly Record<string, string>[] = [
  {},
  { 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'none' },
  { 'sec-fetch-site': 'same-origin', origin: 'http://localhost' },
  // A proxy may have changed the host; the browser knows better.
  { 'sec-fetch-site': 'same-origin', origin: 'https://public.test' },
  { origin: 'http://localhost' },
]

test('a page of another origin can change nothing', async () => {
  const { request, database } = openServer()
  const cookie = await signIn(request, { a: 0 })
  for (const headers of FOREIGN) {
    for (const [line, ask] of UNSAFE) {
      for (const from of [{ cookie }, {}]) {
        const answer = await request(line, { ...ask, ...from, headers })
        assert.is(answer.headers.get('set-cookie'), null)
        const what = `${line} ${JSON.stringify(headers)}`
        assert.is(await refusalOf(answer), '403 cross_origin', what)
      }
    }
  }
  assert.is((await request('GET /session', { cookie })).headers.get('etag'), '"1"')
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 1)
})

test('no content type and no path lets a page of another origin in', async () => {
  const { request } = openServer()
  const types = ['text/plain', 'application/json', 'application/x-www-form-urlencoded']
  for (const type of types) {
    const headers = { 'content-type': type, 'sec-fetch-site': 'cross-site' }
    const answer = await request('PUT /session/a', { body: '1', headers })
    assert.is(await refusalOf(answer), '403 cross_origin', type)
  }
  const headers = { origin: 'http://evil.test' }
  assert.is(await refusalOf(await request('POST /none', { headers })), '403 cross_origin')
})

test('a page of the same origin, the address bar and programs may write', async () => {
  for (const headers of OWN) {
    for (const [line, ask] of UNSAFE) {
      const { request } = openServer()
      const cookie = await signIn(request, { a: 0 })
      const answer = await request(line, { ...ask, cookie, headers })
      assert.ok(answer.ok, `${line} ${JSON.stringify(headers)} is ${answer.status}`)
    }
  }
})

test('reading is open to every origin, for a browser keeps the answer from its page', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 0 })
  for (const headers of [...FOREIGN, ...OWN]) {
    for (const line of SAFE) {
      const answer = await request(line, { cookie, headers })
      assert.is(answer.status, 200, `${line} ${JSON.stringify(headers)}`)
      assert.is(answer.headers.get('access-control-allow-origin'), null)
    }
  }
})

test('Origin is held against scheme, host and port of the request', async () => {
  const { request } = openServer()
  const put = async (origin: string, claimed: string) =>
    (await request('PUT /session/a', { origin, body: '1', headers: { origin: claimed } })).status

  assert.is(await put('https://shop.test', 'https://shop.test'), 204)
  assert.is(await put('https://shop.test', 'http://shop.test'), 403)
  assert.is(await put('http://shop.test:7377', 'http://shop.test:7377'), 204)
  assert.is(await put('http://shop.test:7377', 'http://shop.test'), 403)
  assert.is(await put('http://[::1]:7377', 'http://[::1]:7377'), 204)
})

test('behind a trusted proxy the scheme is the one that the browser used', async () => {
  const put = async (trustedProxies: readonly string[], claimed: string) => {
    const { request } = openServer({ trustedProxies })
    const headers = { origin: claimed, 'x-forwarded-proto': 'https' }
    return await request('PUT /session/a', { peer: '10.0.0.1', body: '1', headers })
  }
  const trusted = await put(['10.0.0.1'], 'https://localhost')
  assert.match(cookieOf(trusted), /^__Host-Http-sid=/)
  assert.is((await put(['10.0.0.1'], 'http://localhost')).status, 403)
  assert.is((await put([], 'https://localhost')).status, 403)
})

test('an origin is one, however its host is written, and the default port is none', async () => {
  const { request } = openServer()
  const put = async (origin: string, claimed: string) =>
    (await request('PUT /session/a', { origin, body: '1', headers: { origin: claimed } })).status

  for (const [asked, page] of [
    ['http://a.example:80', 'http://a.example'],
    ['http://a.example', 'http://a.example:80'],
    ['https://a.example:443', 'https://a.example'],
    ['https://A.Example', 'https://a.example'],
    ['http://a.example.', 'http://a.example'],
    ['http://a.example.:8080', 'http://a.example:8080'],
    ['http://a.example', 'http://a.example.'],
    ['http://[0:0:0:0:0:0:0:1]:7377', 'http://[::1]:7377'],
    ['http://[::ffff:127.0.0.1]', 'http://[::ffff:7f00:1]'],
    ['http://xn--msli-0ra.example', 'http://xn--msli-0ra.example'],
  ] as const) {
    assert.is(await put(asked, page), 204, `${page} at ${asked}`)
  }
  for (const [asked, page] of [
    ['http://a.example:443', 'http://a.example'],
    ['https://a.example:80', 'https://a.example'],
    ['http://a.example:443', 'https://a.example'],
    ['http://a.example', 'http://a.example:8080'],
    ['http://a.example', 'http://a.example..'],
    ['http://a.example', 'http://b.a.example'],
    ['http://127.0.0.1', 'http://[::ffff:7f00:1]'],
    ['http://a.example', 'http://a.example/'],
    ['http://a.example', 'http://ada@a.example'],
    ['http://a.example', 'a.example'],
    ['http://a.example', 'ftp://a.example'],
  ] as const) {
    assert.is(await put(asked, page), 403, `${page} at ${asked}`)
  }
})

test('the host is the one that a trusted proxy tells, in each of its ways', async () => {
  const https = { 'x-forwarded-proto': 'https' }
  for (const [headers, page] of [
    [{ 'x-forwarded-host': 'a.example' }, 'http://a.example'],
    [{ 'x-forwarded-host': 'A.example:80' }, 'http://a.example'],
    [{ 'x-forwarded-host': 'a.example:8080' }, 'http://a.example:8080'],
    [{ 'x-forwarded-host': 'a.example', 'x-forwarded-port': '8080' }, 'http://a.example:8080'],
    [{ 'x-forwarded-host': 'a.example', 'x-forwarded-port': '80' }, 'http://a.example'],
    [{ 'x-forwarded-host': 'a.example:1', 'x-forwarded-port': '2' }, 'http://a.example:1'],
    [{ 'x-forwarded-host': '[2001:DB8::1]:8080' }, 'http://[2001:db8::1]:8080'],
    [{ 'x-forwarded-host': '[2001:db8::1]', 'x-forwarded-port': '81' }, 'http://[2001:db8::1]:81'],
    [{ 'x-forwarded-host': 'a.example, inner' }, 'http://a.example'],
    [{ 'x-forwarded-host': 'inner,a.example' }, 'http://a.example'],
    [{ 'x-forwarded-host': 'a.example.' }, 'http://a.example'],
    [{ 'x-forwarded-host': '' }, 'http://internal:7377'],
    [{ 'x-original-host': 'a.example' }, 'http://a.example'],
    [{ forwarded: 'host=a.example' }, 'http://a.example'],
    [{ forwarded: 'for=_x;Host="a.example:8080", for=_y' }, 'http://a.example:8080'],
    [{ forwarded: 'host=a.example;proto=https' }, 'https://a.example'],
    [{ 'x-forwarded-host': 'a.example:443', ...https }, 'https://a.example'],
    [{ 'x-forwarded-host': 'a.example', 'x-forwarded-port': '443', ...https }, 'https://a.example'],
    [{ 'x-forwarded-host': 'a.example', 'x-forwarded-port': '80', ...https }, 'https://a.example'],
  ] as const) {
    const put = async (trustedProxies: readonly string[], origin: string) => {
      const { request } = openServer({ trustedProxies })
      const ask = { peer: '10.0.0.1', origin: 'http://internal:7377', body: '1' }
      const answer = await request('PUT /session/a', { ...ask, headers: { ...headers, origin } })
      return answer.status
    }
    const what = JSON.stringify(headers)
    assert.is(await put(['10.0.0.1'], page), 204, what)
    assert.is(await put([], page), page === 'http://internal:7377' ? 204 : 403, what)
    for (const foreign of [
      'http://b.example',
      `${page}0`,
      `${page}.evil`,
      'null',
      'http://inner.evil',
    ]) {
      assert.is(await put(['10.0.0.1'], foreign), 403, `${foreign} ${what}`)
    }
  }
})

test('the port that a trusted proxy tells adds a host, and takes none away', async () => {
  for (const told of [{}, { 'x-forwarded-host': 'app.lan' }, { forwarded: 'host=app.lan' }]) {
    const { request } = openServer({ trustedProxies: ['10.0.0.1'] })
    const put = async (origin: string, port: string) => {
      const headers = { ...told, origin, 'x-forwarded-port': port }
      const ask = { peer: '10.0.0.1', origin: 'http://app.lan', body: '1', headers }
      return (await request('PUT /session/a', ask)).status
    }
    for (const port of ['8080', '443, 8080', ' 8080 ']) {
      assert.is(await put('http://app.lan', port), 204, port)
      assert.is(await put('http://app.lan:8080', port), 204, port)
      assert.is(await put('http://app.lan:8081', port), 403, port)
      assert.is(await put('http://evil.lan:8080', port), 403, port)
    }
    for (const port of ['', '80a', '-1', '70000', '8080, 80']) {
      assert.is(await put('http://app.lan', port), 204, port)
      assert.is(await put('http://app.lan:8080', port), 403, port)
    }
  }
})

test('what the browser says of the site counts, whatever a proxy tells of the host', async () => {
  const { request } = openServer({ trustedProxies: ['10.0.0.1'] })
  const told = { 'x-forwarded-host': 'a.example', origin: 'http://a.example' }
  for (const [site, status] of Object.entries({ 'same-origin': 204, 'cross-site': 403 })) {
    const headers = { ...told, 'sec-fetch-site': site }
    const answer = await request('PUT /session/a', { peer: '10.0.0.1', body: '1', headers })
    assert.is(answer.status, status)
  }
})

test('the refusal says what to do, and names the page and the server as they are seen', async () => {
  const { request } = openServer({ trustedProxies: ['10.0.0.1'] })
  const detailOf = async (headers: Record<string, string>) => {
    const ask = { peer: '10.0.0.1', origin: 'http://127.0.0.1:7377', headers }
    return (await problemOf(await request('DELETE /session', ask))).detail
  }
  const site = await detailOf({ 'sec-fetch-site': 'cross-site' })
  assert.match(site, 'sec-fetch-site "cross-site"')
  assert.match(site, 'serve the page and Coatcheck from one origin')
  const behind = await detailOf({ origin: 'http://a.example' })
  assert.match(behind, 'origin "http://a.example"')
  assert.match(behind, 'asked as http://127.0.0.1:7377;')
  assert.match(behind, 'X-Forwarded-Host')
  const told = await detailOf({ origin: 'http://a.example', 'x-forwarded-host': 'b.example' })
  assert.match(told, 'asked as http://b.example or http://127.0.0.1:7377;')
  assert.ok((await detailOf({ origin: 'x'.repeat(10_000) })).length < 1_000)
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Ask,
  cookieOf,
  openServer,
  problemOf,
  refusalOf,
  signIn,
} from './support/open-server.ts'

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

test('the refusal says what to do', async () => {
  const { request } = openServer()
  const headers = { 'sec-fetch-site': 'cross-site' }
  const { detail } = await problemOf(await request('DELETE /session', { headers }))
  assert.match(detail, 'serve the page and Coatcheck from one origin')
})

test.run()

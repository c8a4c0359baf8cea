import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOf, cookieFor, openBackEnd } from '../../kit/clients/back-end.ts'
import {
  API_KEY,
  type Ask,
  problemOf,
  refusalOf,
  sessionOf,
} from '../../kit/process/open-server.ts'

const test = suite('verify')

/** Of the shape of a token, and nobody's. */
const UNKNOWN = `${'a'.repeat(21)}.${'b'.repeat(43)}`
const JWT = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJyb290In0.c2lnbmF0dXJl'

for (const [what, ask] of Object.entries<Ask>({
  'no token': {},
  'an empty cookie': { cookie: 'sid=' },
  'a malformed token': { cookie: 'sid=ada' },
  'an unknown token': { cookie: cookieFor(UNKNOWN) },
  'an unknown token in Authorization': { key: UNKNOWN },
  'an empty Authorization': { headers: { authorization: 'Bearer ' } },
  'a JWT': { key: JWT },
  'a cookie of another name': { cookie: `other=${UNKNOWN}` },
  'an API key': { key: API_KEY },
  'a wrong API key': { key: 'ck_wrong' },
  'headers of its own that say who it is': { headers: { 'session-sub': 'ada', 'session-id': 'a' } },
})) {
  test(`GET /verify with ${what} is 401 session_required, with both headers empty`, async () => {
    const { request } = openBackEnd()
    await checkRefused(await request('GET /verify', ask))
  })
}

test('GET /verify is 401 for a session that has ended, whatever ended it', async () => {
  const { request, ask, create } = openBackEnd()
  for (const end of [
    'DELETE /sessions?sub=ada',
    'DELETE /sessions/:id',
    'POST /sessions/:id/renew',
  ]) {
    const { id, cookie } = await create({ claims: { sub: 'ada' } })
    await ask(end.replace(':id', id))
    await checkRefused(await request('GET /verify', { cookie }))
  }
  const { cookie } = await create()
  await request('DELETE /session', { cookie })
  await checkRefused(await request('GET /verify', { cookie }))
  assert.is((await problemOf(await request('GET /verify', { cookie }))).reason, 'logout')
})

test('GET /verify is 401 for a session whose claims.sub has changed, with the old token', async () => {
  const { request, ask, create } = openBackEnd()
  const { cookie } = await create({ claims: { sub: 'ada' } })
  const renewed = await ask('PATCH /session', { cookie, body: '{"claims":{"sub":"bob"}}' })
  await checkRefused(await request('GET /verify', { cookie }))
  const token = renewed.headers.get('set-cookie')?.split(';')[0] ?? ''
  const answer = await request('GET /verify', { cookie: token })
  assert.is(answer.headers.get('session-sub'), 'bob')
})

test('GET /verify is 401 for a session that has expired', async () => {
  const { request, create, clock } = openBackEnd({ idleTimeoutMs: 60_000 })
  const { cookie } = await create({ claims: { sub: 'ada' } })
  clock.advance(60_000)
  await checkRefused(await request('GET /verify', { cookie }))
})

test('GET /verify is 401 with a right id and a wrong secret', async () => {
  const { request, create } = openBackEnd()
  const { id } = await create({ claims: { sub: 'ada' } })
  for (const token of [id, `${id}.`, `${id}.${'b'.repeat(43)}`]) {
    await checkRefused(await request('GET /verify', { cookie: cookieFor(token) }))
  }
})

test('GET /verify is 401 for two cookies that differ, and 200 for two that do not', async () => {
  const { request, create } = openBackEnd()
  const { cookie } = await create()
  const planted = await create()
  await checkRefused(await request('GET /verify', { cookie: `${cookie}; ${planted.cookie}` }))
  const twice = await request('GET /verify', { cookie: `${cookie}; ${cookie}` })
  assert.is(twice.status, 200)
})

for (const query of [
  ...['touch=bogus', 'touch=', 'touch', 'touch=FALSE', 'touch=false&touch=true', 'touch=%zz'],
  ...['touch=false&touch=false', 'touch=false&touch', 'touch=false%20', 't%6Fuch=false'],
  ...['a=1&a=2', 'tag=a&tag=b', '%', '%zz=%ff', '&&', '=', '?', '??touch=false', 'a[]=1&a[]=2'],
]) {
  test(`GET /verify?${query} is of the page: it decides nothing, and the session is extended`, async () => {
    const { request, create, clock } = openBackEnd()
    const { cookie } = await create({ claims: { sub: 'ada' } })
    clock.advance(1_000)
    const answer = await request(`GET /verify?${query}`, { cookie })
    assert.is(answer.headers.get('session-sub'), 'ada')
    assert.is(Date.parse((await bodyOf(answer)).lastSeenAt), clock.now())
    await checkRefused(await request(`GET /verify?${query}`))
  })
}

for (const path of [
  '/',
  '//',
  '/page',
  '/verify',
  '/a/../b?touch=%zz&touch',
  '/%2e%zz',
  '/x?a&a',
]) {
  test(`GET /verify${path}, as Envoy and Istio ask about a page, is GET /verify`, async () => {
    const { request, create } = openBackEnd()
    const { cookie } = await create({ claims: { sub: 'ada' } })
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const answer = await request(`${method} /verify${path}`, { cookie })
      assert.is(answer.status, 200, method)
      assert.is(answer.headers.get('session-sub'), 'ada', method)
      assert.is((await request(`${method} /verify${path}`)).status, 401, method)
    }
  })
}

test('a path that only begins like /verify is none of it', async () => {
  const { request } = openBackEnd()
  for (const path of ['/verifyx', '/verify.json', '/verify%2Fx', '/Verify', '//verify']) {
    assert.is((await request(`GET ${path}`)).status, 404, path)
  }
})

test('GET /verify is 401 when the store fails, and the log does not quote it', async () => {
  const { request, create, store, logged } = openBackEnd()
  const { cookie } = await create({ claims: { sub: 'ada' } })
  const failing = { find: () => Promise.reject(new TypeError(`choked on ${cookie}`)) }
  Object.assign(store, failing)
  const refused = await request('GET /verify', { cookie })
  assert.not.match(JSON.stringify(await problemOf(refused.clone())), 'choked')
  await checkRefused(refused)
  assert.is(logged.length, 1)
  assert.match(logged[0] ?? '', '"TypeError"')
  assert.match(JSON.parse(logged[0] ?? '').place, 'verify.test.ts')
  assert.not.match(logged[0] ?? '', 'choked')
})

test('GET /verify is 401 when the activity cannot be noted', async () => {
  const { request, create, store } = openBackEnd()
  const { cookie } = await create()
  Object.assign(store, {
    touch() {
      throw new Error('no')
    },
  })
  await checkRefused(await request('GET /verify', { cookie }))
})

test('GET /verify is 200 with the session as its holder sees it, and who it is', async () => {
  const { request, create } = openBackEnd()
  const {
    id,
    token = '',
    cookie,
  } = await create({
    data: { cart: ['tea'] },
    claims: { sub: 'ada', role: 'cook' },
    device: { address: '198.51.100.7', userAgent: 'browser' },
  })
  const answer = await request('GET /verify', { cookie })
  const { headers } = answer
  assert.is(answer.status, 200)
  assert.is(headers.get('session-id'), id)
  assert.is(headers.get('session-sub'), 'ada')
  assert.is(headers.get('etag'), '"1"')
  assert.is(headers.get('content-type'), 'application/json')
  assert.is(headers.get('cache-control'), 'no-store')
  assert.is(headers.get('set-cookie'), null)
  const text = await answer.text()
  assert.is(text, await (await request('GET /session', { cookie })).text())
  const said = text + JSON.stringify([...headers])
  for (const secret of [token, token.slice(22), 'device', '198.51.100.7', 'browser']) {
    assert.not.match(said, secret)
  }
})

test('GET /verify has an empty Session-Sub for a session that is nobody’s yet', async () => {
  const { request, create } = openBackEnd()
  const { id, cookie } = await create({ claims: { role: 'guest' } })
  const answer = await request('GET /verify', { cookie, headers: { 'session-sub': 'root' } })
  assert.is(answer.status, 200)
  assert.is(answer.headers.get('session-id'), id)
  assert.is(answer.headers.get('session-sub'), '')
})

test('GET /verify takes the token of Authorization, before the cookie’s', async () => {
  const { request, create } = openBackEnd()
  const { id, token = '' } = await create()
  const other = await create()
  for (const cookie of ['sid=ada', other.cookie]) {
    const answer = await request('GET /verify', { cookie, key: token })
    assert.is(answer.headers.get('session-id'), id)
  }
})

for (const authorization of [
  'Basic YWRhOnNlY3JldA==',
  `Bearer ${JWT}`,
  `Bearer ${API_KEY}`,
  'Bearer ck_wrong',
  'Bearer',
  'Digest username="ada"',
  '',
]) {
  test(`GET /verify leaves "${authorization.slice(0, 20)}" to the application behind`, async () => {
    const { request, create } = openBackEnd()
    const { cookie } = await create({ claims: { sub: 'ada' } })
    const answer = await request('GET /verify', { cookie, headers: { authorization } })
    assert.is(answer.status, 200)
    assert.is(answer.headers.get('session-sub'), 'ada')
    assert.not.match(await answer.text(), 'device')
  })
}

test('/verify is asked with whatever method and body the request has that it is about', async () => {
  const { request, create } = openBackEnd()
  const { cookie } = await create({ claims: { sub: 'ada' } })
  for (const method of ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    const body = method === 'POST' ? { body: '{' } : {}
    const answer = await request(`${method} /verify`, { cookie, ...body })
    assert.is(answer.status, 200, method)
    assert.is(answer.headers.get('session-sub'), 'ada', method)
    const refused = await request(`${method} /verify`, body)
    assert.is(refused.status, 401, method)
    assert.is(refused.headers.get('session-sub'), '', method)
  }
})

test('/verify answers for a request from another site: the application judges that', async () => {
  const { request, create } = openBackEnd()
  const { cookie } = await create()
  for (const method of ['GET', 'POST', 'DELETE']) {
    const headers = { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' }
    assert.is((await request(`${method} /verify`, { cookie, headers })).status, 200, method)
    assert.is((await request(`${method} /verify`, { headers })).status, 401, method)
  }
})

test('/verify answers a holder whatever --holder-access is', async () => {
  for (const holderAccess of ['read', 'none'] as const) {
    const { request, create } = openBackEnd({ holderAccess })
    const { cookie } = await create()
    assert.is((await request('GET /verify', { cookie })).status, 200, holderAccess)
  }
})

test('/verify does not show a holder what --holder-access none keeps from it', async () => {
  const { request, create } = openBackEnd({ holderAccess: 'none' })
  const { id, cookie } = await create({ data: { note: 'secret' }, claims: { sub: 'ada' } })
  const answer = await request('GET /verify', { cookie })
  assert.is(answer.headers.get('session-sub'), 'ada')
  const body = await sessionOf(answer)
  assert.is(body.id, id)
  assert.equal([body.data, body.claims], [undefined, undefined])
  assert.not.match(JSON.stringify(body), 'secret')
})

test('GET /verify takes the cookie of https whatever is said of the scheme, the plain one over http only', async () => {
  const { request, create } = openBackEnd({ trustedProxies: ['127.0.0.1/32'] })
  const { token = '' } = await create()
  const statusOf = async (cookie: string, proto: string, peer: string) => {
    const headers = { 'x-forwarded-proto': proto }
    return (await request('GET /verify', { cookie, headers, peer })).status
  }
  for (const peer of ['127.0.0.1', '192.0.2.7']) {
    for (const proto of ['https', 'http', '']) {
      assert.is(await statusOf(`__Host-Http-sid=${token}`, proto, peer), 200, `${proto} ${peer}`)
    }
    assert.is(await statusOf(cookieFor(token), 'http', peer), 200)
  }
  assert.is(await statusOf(cookieFor(token), 'https', '127.0.0.1'), 401)
  // From elsewhere nothing is known of the scheme.
  assert.is(await statusOf(cookieFor(token), 'https', '192.0.2.7'), 200)
})

for (const [reason, cookie] of Object.entries({
  no_token: 'other=1',
  two_tokens: `${cookieFor(UNKNOWN)}; sid=other`,
  malformed_token: 'sid=ada',
  unknown_token: cookieFor(UNKNOWN),
})) {
  test(`GET /verify without a session says why: ${reason}`, async () => {
    const { request } = openBackEnd()
    assert.is((await problemOf(await request('GET /verify', { cookie }))).reason, reason)
    const authorization = 'Basic YWRhOnNlY3JldA=='
    const beside = await request('GET /verify', { cookie, headers: { authorization } })
    assert.is((await problemOf(beside)).reason, reason)
  })
}

test('GET /verify extends the session, and with ?touch=false does not', async () => {
  const { request, create, clock } = openBackEnd({ idleTimeoutMs: 60_000 })
  const { cookie } = await create()
  clock.advance(40_000)
  const still = await bodyOf(await request('GET /verify?touch=false', { cookie }))
  assert.is(still.lastSeenAt, still.createdAt)
  const slid = await bodyOf(await request('GET /verify', { cookie }))
  assert.is(Date.parse(slid.lastSeenAt), clock.now())
  clock.advance(40_000)
  assert.is((await request('GET /verify?touch=true', { cookie })).status, 200)
  clock.advance(59_999)
  assert.is((await request('GET /verify?touch=false', { cookie })).status, 200)
  clock.advance(1)
  await checkRefused(await request('GET /verify', { cookie }))
})

for (const sub of [
  'ada\r\nSession-Id: root',
  'ada\n',
  '\u0000',
  'a\u007f',
  ' ada',
  'ada\u00a0',
  '\ud800',
  '',
]) {
  test(`a claims.sub ${JSON.stringify(sub)} that a header cannot hold is 422 at the write`, async () => {
    const { ask, create } = openBackEnd()
    const body = JSON.stringify({ claims: { sub } })
    assert.is(await refusalOf(await ask('POST /sessions', { body })), '422 invalid_claims')
    const { id } = await create()
    for (const line of [`PATCH /sessions/${id}`, `PUT /sessions/${id}`]) {
      assert.is(await refusalOf(await ask(line, { body })), '422 invalid_claims', line)
    }
  })
}

/** A refusal tells nothing but itself: 401, both headers there and empty, no cookie taken away. */
async function checkRefused(answer: Response): Promise<void> {
  assert.is(answer.headers.get('session-id'), '')
  assert.is(answer.headers.get('session-sub'), '')
  assert.is(answer.headers.get('set-cookie'), null)
  assert.is(answer.headers.get('cache-control'), 'no-store')
  assert.is(answer.headers.get('www-authenticate'), 'Bearer realm="coatcheck"')
  assert.is(await refusalOf(answer), '401 session_required')
}

test.run()

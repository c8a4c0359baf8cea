// One test for each advisory of a framework or library that does what ours does with requests and
// cookies, by its number: the like cannot happen here. Those of sessions are in another file.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOf, openBackEnd } from '../kit/clients/back-end.ts'
import {
  API_KEY,
  cookieOf,
  openServer,
  refusalOf,
  sessionOf,
  signIn,
} from '../kit/process/open-server.ts'
import { listenRaw, parseAnswer, rawRequest, refusalIn } from '../kit/clients/raw-http.ts'

const test = suite('advisories about HTTP')

const HTTPS = 'https://localhost'

// Hono before 4.12.12 trimmed a no-break space off a cookie's name, which browsers keep.
test('CVE-2026-39410: a name that begins or ends with a no-break space is another name', async () => {
  const { request } = openServer()
  const eve = await signIn(request, { user: 'eve' })
  const ada = await signIn(request, { user: 'ada' })
  for (const planted of [`\xa0${eve}`, `\xa0\t${eve}`, eve.replace('=', '\xa0=')]) {
    assert.is((await request('GET /session/user', { cookie: planted })).status, 404)
    for (const cookie of [`${planted}; ${ada}`, `${ada}; ${planted}`]) {
      assert.is(await (await request('GET /session/user', { cookie })).text(), '"ada"')
    }
  }
  const over = { origin: HTTPS }
  const bob = cookieOf(await request('PUT /session/user', { ...over, body: '"bob"' }))
  const planted = `\xa0__Host-Http-${eve}`
  assert.is((await request('GET /session/user', { ...over, cookie: planted })).status, 404)
  const both = await request('GET /session/user', { ...over, cookie: `${planted}; ${bob}` })
  assert.is(await both.text(), '"bob"')
})

// Hono before 4.12.12 took any name for a cookie that it set: CR and LF in it were a 500.
test('CVE-2026-56762: a cookie name with control characters is refused, and is no fault', async () => {
  const { request, logged } = openServer()
  for (const name of [
    'a%0D%0ASet-Cookie:%20b',
    'a%0A',
    '%00',
    '%7F',
    'a%09b',
    'a%20b',
    '%C2%A0a',
  ]) {
    const answer = await request(`PUT /cookies/${name}`, { body: '{"value":"1"}' })
    assert.is(answer.headers.get('set-cookie'), null, name)
    assert.is(await refusalOf(answer), '422 invalid_cookie', name)
  }
  assert.equal(logged, [])
})

// Hono before 4.12.21 wrote SameSite and Priority as they came, with whatever stood after a semicolon.
test('CVE-2026-47675: SameSite and Priority are one of their words, and nothing is behind it', async () => {
  const { request } = openServer()
  for (const attribute of [
    { sameSite: 'Lax; Domain=evil.test' },
    { sameSite: 'Lax\r\nSet-Cookie: b=1' },
    { sameSite: ['Lax; Domain=evil.test'] },
    { priority: 'High; HttpOnly' },
    { priority: 'High\nX: y' },
  ]) {
    const body = JSON.stringify({ value: '1', ...attribute })
    const answer = await request('PUT /cookies/a', { body })
    assert.is(answer.headers.get('set-cookie'), null, body)
    assert.ok([400, 422].includes(answer.status), body)
  }
  const body = JSON.stringify({ value: '1; Domain=evil.test\r\nSet-Cookie: b=1' })
  const encoded = (await request('PUT /cookies/a', { body })).headers.get('set-cookie')
  assert.is(encoded, 'a=1%3B%20Domain=evil.test%0D%0ASet-Cookie:%20b=1; Path=/')
})

// The package cookie before 0.7.0 let a name, a path or a domain end early and set other attributes.
test('CVE-2024-47764: no name, path or domain sets another attribute', async () => {
  const { request } = openServer()
  const attempts: [string, object][] = [
    ['a=b;%20Max-Age=9;%20c', {}],
    ['a%3Db%3B%20Domain%3Devil.test%3B%20c', {}],
    ['a', { path: '/; Domain=evil.test' }],
    ['a', { path: '/\r\nSet-Cookie: b=1' }],
    ['a', { domain: 'localhost; Secure' }],
    ['a', { domain: 'localhost\n' }],
    ['a', { value: '1; Domain=evil.test', raw: true }],
  ]
  for (const [name, attributes] of attempts) {
    const body = JSON.stringify({ value: '1', ...attributes })
    const answer = await request(`PUT /cookies/${name.replaceAll(';', '%3B')}`, { body })
    assert.is(answer.headers.get('set-cookie'), null, body)
    assert.ok([400, 422].includes(answer.status), body)
  }
})

// Hono before 4.12.16 ran the handler of a chunked request before its length was known.
test('CVE-2026-44456: a chunked body over the limit is 413 and nothing comes of it', async () => {
  const server = await listenRaw({ bodyLimitBytes: 1_000 })
  const chunk = `3e8\r\n${'1'.repeat(1_000)}\r\n`
  const bytes = [
    rawRequest('PUT /session/a', ['Transfer-Encoding: chunked']),
    ...[chunk, chunk, '0\r\n\r\n'],
  ]
  assert.is(parseAnswer(await server.send(bytes.join(''))).status, 413)
  // Not even where the part within the limit would be a value.
  const padded = [
    '4\r\n"ok"\r\n',
    ...Array.from({ length: 3 }, () => `3e8\r\n${' '.repeat(1_000)}\r\n`),
  ]
  const other = [
    rawRequest('PUT /session/a', ['Transfer-Encoding: chunked']),
    ...padded,
    '0\r\n\r\n',
  ]
  assert.is(parseAnswer(await server.send(other.join(''))).status, 413)
  assert.is(server.countSessions(), 0)
  await server.stop()
})

// Hono before 4.12.25 believed a Content-Length that was smaller than the body beside it.
test('CVE-2026-54288: a body ends where its Content-Length says, and the rest is no part of it', async () => {
  const server = await listenRaw({ bodyLimitBytes: 10 })
  const head = 'PUT /session/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n'
  await server.send(`${head}1${'2'.repeat(100)}\r\n\r\n`)
  const answers = await server.send(`${head}1${rawRequest('GET /session/a')}`)
  assert.is(parseAnswer(answers).status, 204)
  assert.is(parseAnswer(parseAnswer(answers).rest).status, 404)
  const { sessions } = await server.sessions.list({
    app: undefined,
    sub: undefined,
    after: undefined,
    limit: 10,
  })
  assert.equal([...new Set(sessions.map(({ data }) => data))], ['{"a":1}'])
  await server.stop()
})

// Hono and its node-server (app.mount, serveStatic) had a path in two spellings, one for the check in
// front of a route and one for the route: %2F, %5C, // and percent-encoded letters came past the check.
test('CVE-2026-29045, -29087, -39406, -39407, -47676, GHSA-wwfh-h76j-fc44: no spelling of a path gets past the API key', async () => {
  const { request, create, database } = openBackEnd()
  const { id, cookie } = await create({ claims: { sub: 'whoever' } })
  const spellings = [
    ...[
      '/sessions',
      '//sessions',
      '/sessions/',
      '/sessions//',
      '/./sessions',
      '/x/../sessions',
      '/%2e/sessions',
    ],
    ...[
      '/%73essions',
      '/SESSIONS',
      '/sessions%2F',
      '/sessions%5C',
      '/session%73',
      '/session/../sessions',
    ],
    ...[
      '/session/..%2Fsessions',
      '/session%2F..%2Fsessions',
      '/cookies/../sessions',
      '/sessions;x',
    ],
    ...['/verify/../sessions', '/verify%2F..%2Fsessions', '/sessions%00', '/%E3%81%82/../sessions'],
  ]
  for (const path of spellings) {
    for (const rest of ['?all=true', `/${id}`, `%2F${id}`, `%5C${id}`, `//${id}`]) {
      for (const method of ['GET', 'DELETE', 'PATCH', 'PUT', 'POST']) {
        const body = method === 'GET' ? {} : { body: '{"claims":{"role":"admin"}}' }
        const answer = await request(`${method} ${path}${rest}`, body)
        const text = await answer.text()
        assert.not.match(text, 'whoever', `${method} ${path}${rest}`)
      }
    }
  }
  const kept = await bodyOf(await request('GET /session', { cookie }))
  assert.equal([kept.id, kept.claims], [id, { sub: 'whoever' }])
  const count = database
    .prepare(`select count(*) from sessions where claims like '%admin%'`)
    .pluck()
  assert.is(count.get(), 0)
})

// Hono's ip-restriction compared addresses as text: other spellings of one came past the list, and
// before 4.11.7 octets over 255 ran into their neighbours.
test('CVE-2026-24398, -39409, -47674: an address is one, however it is spelt', async () => {
  const trusting = openServer({ trustedProxies: ['10.0.0.1'] })
  const https = { 'x-forwarded-proto': 'https' }
  for (const peer of ['10.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1', '0:0:0:0:0:ffff:a00:1']) {
    const answer = await trusting.request('PUT /session/a', { body: '1', peer, headers: https })
    assert.match(cookieOf(answer), /^__Host-Http-/, peer)
  }
  for (const peer of ['10.0.0.257', '010.0.0.1', '10.0.1', '167772161', '::10.0.0.1', 'x', '']) {
    const answer = await trusting.request('PUT /session/a', { body: '1', peer, headers: https })
    assert.match(cookieOf(answer), /^sid=/, peer)
  }

  const { ask } = openBackEnd({ trustedProxies: ['10.0.0.1'] })
  for (const forged of ['1.2.2.355', '01.2.3.4', '1.2.3', '2001:db8::g', '10.0.0.1 ']) {
    const headers = { 'x-forwarded-for': forged }
    const answer = await ask('POST /sessions', { peer: '10.0.0.1', headers })
    assert.is((await bodyOf(answer)).device?.address, '10.0.0.1', forged)
  }
})

// Hono's jwt and jwk middleware before 4.12.21 took a token under any scheme of Authorization.
test('CVE-2026-47673: a token or a key under another scheme than Bearer is none', async () => {
  const { request, create } = openBackEnd()
  const { token } = await create()
  for (const scheme of ['Basic', 'Token', 'Digest', 'BearerX', 'Bearer:', '']) {
    const headers = { authorization: `${scheme} ${API_KEY}` }
    assert.is(await refusalOf(await request('GET /sessions', { headers })), '401 api_key_required')
    const holder = { authorization: `${scheme} ${token}` }
    assert.is((await request('GET /session', { headers: holder })).status, 404, scheme)
  }
  assert.is(
    (await request('GET /session', { headers: { authorization: `bearer ${token}` } })).status,
    200,
  )
})

// Hono's jwt middleware let the token choose how it was to be checked (HS256 by default).
test('CVE-2026-22817: no token says by itself what it is worth', async () => {
  const { request, create } = openBackEnd()
  const { id } = await create({ claims: { sub: 'ada' } })
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  for (const alg of ['none', 'HS256', 'RS256', '']) {
    const forged = [
      `${encode({ alg })}.${encode({ sub: 'ada', id })}.`,
      `${id}.${encode({ alg, sub: 'ada' })}`,
      `${id}.`,
      `${id}.${'x'.repeat(43)}`,
      id,
    ]
    for (const token of forged) {
      const headers = { authorization: `Bearer ${token}` }
      assert.is((await request('GET /session', { headers })).status, 404, token)
      assert.is((await request('GET /verify', { headers })).status, 401, token)
    }
  }
})

// node-server before 1.10.1 hung on a Host that makes no URL.
test('CVE-2024-32652: a malformed Host is 400, and the server goes on', async () => {
  const server = await listenRaw()
  for (const host of ['/', 'a/b', 'a b', ':', '[', '[::1', 'a:b', 'a@b', '\\', 'a#', 'é']) {
    const head = `GET /session HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    const bytes = await server.send(Buffer.from(head, 'latin1'))
    assert.is(refusalIn(bytes), '400 bad_request', host)
  }
  // RFC 9112 section 3.2: where the target has no authority the Host is empty, which is well formed.
  for (const host of ['', ' ']) {
    const head = `GET /session HTTP/1.1\r\nHost:${host}\r\nConnection: close\r\n\r\n`
    assert.is(parseAnswer(await server.send(head)).status, 404)
  }
  assert.is(parseAnswer(await server.send(rawRequest('GET /session'))).status, 404)
  await server.stop()
})

// Hono's writeSSE before 4.12.4 put values with line ends into a format that lines make up.
test('CVE-2026-29085: no value of a session begins a line of its own in an answer or in the log', async () => {
  const { ask, request, create, logged } = openBackEnd()
  for (const sub of ['ada\r\nSession-Sub: root', 'ada\nx', 'ada\rx', '\u0000', 'a\u007fb']) {
    const answer = await ask('POST /sessions', { body: JSON.stringify({ claims: { sub } }) })
    assert.is(await refusalOf(answer), '422 invalid_claims', sub)
  }
  const { cookie } = await create({ claims: { sub: 'ada\u2028\u0085x' } })
  const verified = await request('GET /verify', { cookie })
  assert.is(verified.status, 200)
  await request('GET /sessions', { key: 'ck_a\tb', peer: '192.0.2.1' })
  for (const line of logged) assert.match(line, /^\{[^\n\r]*\}\n$/)
  const value = JSON.stringify('a\r\nb')
  const held = cookieOf(await request('PUT /session/a', { body: value }))
  const text = { accept: 'text/plain' }
  const bare = await request('GET /session/a', { cookie: held, headers: text })
  assert.is(bare.headers.get('x-content-type-options'), 'nosniff')
  assert.is((await sessionOf(await request('GET /session', { cookie: held }))).data['a'], 'a\r\nb')
})

test.run()

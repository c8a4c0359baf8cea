/** The session cookie behind proxies, under other settings, and why one that came opens nothing. */
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
import { PLAIN_COOKIE, SECURE_COOKIE, writeThrough } from '../../kit/process/write-through.ts'

const test = suite('session cookie behind proxies')

const HTTPS = 'https://localhost'

/** Each way in which a proxy tells that the browser spoke https: what it writes for that, and for http. */
const TELLERS: Readonly<
  Record<string, readonly [https: readonly string[], http: readonly string[]]>
> = {
  forwarded: [
    ['proto=https', 'Proto="HTTPS"', 'for=_x;proto=https;by=_y', 'proto=http, for=a;proto=https'],
    ['proto=http', 'proto=https, proto=http', 'for="proto=https"', 'proto=https;proto=https', '"'],
  ],
  'x-forwarded-protocol': [
    ['https', 'ssl'],
    ['http', ''],
  ],
  'x-forwarded-scheme': [['https'], ['http']],
  'x-scheme': [
    ['https', 'HTTPS'],
    ['http', 'httpss'],
  ],
  'x-url-scheme': [['https'], ['http']],
  'x-forwarded-ssl': [
    ['on', 'ON', '1', 'off, on'],
    ['off', '', 'on, off', 'only'],
  ],
  'front-end-https': [['on', 'On'], ['off']],
  'fastly-ssl': [['1'], ['0', '']],
  'x-arr-ssl': [['2048|128|C=US, CN=CA, O=x|CN=*.azurewebsites.net'], ['', ' ']],
  'x-original-url': [
    ['https://app.example/x', 'HTTPS://app.example/?a=1,b=http'],
    ['http://app.example/https://', '/x', ''],
  ],
  'cloudfront-forwarded-proto': [['https'], ['http']],
  'cf-visitor': [['{"scheme":"https"}'], ['{"scheme":"http"}', '{}']],
  'x-forwarded-port': [
    ['443', '80, 443'],
    ['80', '8443', '4430', '443, 80'],
  ],
}

for (const [header, [https, http]] of Object.entries(TELLERS)) {
  test(`${header} of a trusted proxy tells the scheme`, async () => {
    const trustedProxies = ['10.0.0.1']
    for (const value of https) {
      // ingress-nginx and others send an empty one along.
      for (const proto of [undefined, '']) {
        const from = { trustedProxies, headers: { [header]: value }, proto }
        assert.match(await writeThrough({ ...from, peer: '10.0.0.1' }), SECURE_COOKIE, value)
        assert.match(await writeThrough({ ...from, peer: '10.0.0.2' }), PLAIN_COOKIE, value)
        assert.match(
          await writeThrough({ ...from, peer: '10.0.0.1', trustedProxies: [] }),
          PLAIN_COOKIE,
        )
      }
    }
    for (const value of http) {
      const from = { trustedProxies, peer: '10.0.0.1', headers: { [header]: value } }
      assert.match(await writeThrough({ ...from, proto: undefined }), PLAIN_COOKIE, value)
    }
  })
}

test('X-Forwarded-Proto counts before the others, which a proxy may pass on as its client wrote them', async () => {
  const from = { trustedProxies: ['10.0.0.1'], peer: '10.0.0.1' }
  for (const [header, [[https = ''], [http = '']]] of Object.entries(TELLERS)) {
    // These say what the browser spoke, where a connection of the network's own is told beside them.
    if (header === 'cloudfront-forwarded-proto' || header === 'cf-visitor') continue
    const told = { ...from, headers: { [header]: https }, proto: 'http' }
    assert.match(await writeThrough(told), PLAIN_COOKIE, header)
    const other = { ...from, headers: { [header]: http }, proto: 'https' }
    assert.match(await writeThrough(other), SECURE_COOKIE, header)
  }
  for (const [https, http] of [
    [{ 'cloudfront-forwarded-proto': 'https' }, { 'cloudfront-forwarded-proto': 'http' }],
    [{ 'cf-visitor': '{"scheme":"https"}' }, { 'cf-visitor': '{"scheme":"http"}' }],
  ] as const) {
    assert.match(await writeThrough({ ...from, headers: https, proto: 'http' }), SECURE_COOKIE)
    assert.match(await writeThrough({ ...from, headers: http, proto: 'https' }), PLAIN_COOKIE)
  }
})

test('where the Secure cookie came it is read, and written, whatever is said of the scheme', async () => {
  const { request } = openServer({ trustedProxies: ['10.0.0.1'] })
  const put = await request('PUT /session/user', { origin: HTTPS, body: '"ada"' })
  const cookie = cookieOf(put)
  const eve = await signIn(request, { user: 'eve' })
  for (const peer of ['10.0.0.1', '10.0.0.2']) {
    for (const proto of ['https', 'http', '']) {
      const headers = { 'x-forwarded-proto': proto }
      for (const sent of [
        cookie,
        `${eve}; ${cookie}`,
        `${cookie}; sid=x`,
        `${cookie}; ${cookie}`,
      ]) {
        const answer = await request('GET /session/user', { headers, peer, cookie: sent })
        assert.is(await answer.text(), '"ada"', `${proto} ${sent}`)
      }
      // Two of them that differ are none, and no plain one is taken instead.
      const twice = `${cookie}; ${eve.replace('sid', '__Host-Http-sid')}; ${eve}`
      const none = await request('GET /session/user', { headers, peer, cookie: twice })
      assert.is(await refusalOf(none), '404 session_not_found')
    }
  }
  const renewed = await request('POST /session/renew', { cookie })
  assert.match(renewed.headers.get('set-cookie') ?? '', SECURE_COOKIE)
  const ended = await request('DELETE /session', { cookie: cookieOf(renewed) })
  assert.match(ended.headers.get('set-cookie') ?? '', /^__Host-Http-sid=; Max-Age=0;/)
})

test('a plain cookie that comes alone over https is told once in the log', async () => {
  const { request, logged } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  await request('GET /session', { cookie })
  assert.equal(logged, [])
  for (let n = 0; n < 3; n++) await request('GET /session', { origin: HTTPS, cookie })
  assert.is(logged.length, 1)
  const { level, event, expected } = JSON.parse(logged[0] ?? '')
  assert.equal(
    [level, event, expected],
    ['warn', 'plain_session_cookie_over_https_passed_over', '__Host-Http-sid'],
  )
  assert.not.match(logged[0] ?? '', cookie.slice(4))
})

test('whoever has a cookie that opens nothing is told why, and no more than they know', async () => {
  const { request } = openServer()
  const ada = await signIn(request, { user: 'ada' })
  const bob = await signIn(request, { user: 'bob' })
  const unknown = `sid=${'a'.repeat(21)}.${'b'.repeat(43)}`
  const wrongSecret = ada.slice(0, -43) + bob.slice(-43)
  const answers = new Map<string, string>()
  for (const [what, reason, cookie, ask = {}] of [
    ['no header', 'no_token', ''],
    ['another cookie', 'no_token', 'theme=dark; Sid=x'],
    ['two that differ', 'two_tokens', `${ada}; ${bob}`],
    ['two that differ, over https', 'two_tokens', '__Host-Http-sid=a; __Host-Http-sid=b; sid=c'],
    ['the plain one over https', 'insecure_cookie', ada, { origin: HTTPS }],
    ['two plain ones over https', 'insecure_cookie', `${ada}; ${bob}`, { origin: HTTPS }],
    ['an empty one', 'malformed_token', 'sid='],
    ['a malformed one', 'malformed_token', `${ada}x`],
    ['an unknown id', 'unknown_token', unknown],
    ['a wrong secret', 'unknown_token', wrongSecret],
    ['a malformed bearer', 'malformed_token', ada, { key: 'x' }],
    ['an unknown bearer', 'unknown_token', ada, { key: unknown.slice(4) }],
  ] as const satisfies readonly (readonly [string, string, string, Ask?])[]) {
    for (const line of [
      'GET /session',
      'GET /session/user',
      'DELETE /session',
      'POST /session/renew',
    ]) {
      const problem = await problemOf(await request(line, { ...ask, cookie }))
      assert.equal(
        [problem.code, problem.reason],
        ['session_not_found', reason],
        `${what}: ${line}`,
      )
      for (const secret of [ada, bob, unknown]) {
        assert.not.match(JSON.stringify(problem), secret.slice(4))
        assert.not.match(JSON.stringify(problem), secret.slice(-43))
      }
      answers.set(what, JSON.stringify(problem))
    }
  }
  assert.is(answers.get('an unknown id'), answers.get('a wrong secret'))
})

test('a default stands in for a session that is not there, and a write begins one, whatever the reason', async () => {
  const { request } = openServer()
  for (const cookie of ['sid=a; sid=b', 'sid=x', '']) {
    const read = await request('GET /session/a?default=1', { cookie })
    assert.equal([read.status, await read.text()], [200, '1'])
    assert.match(cookieOf(await request('PUT /session/a', { cookie, body: '1' })), /^sid=/)
  }
})

test('with a domain the cookie is shared by its hosts, under the prefix that holds for it', async () => {
  const { request } = openServer({ cookieDomain: 'example.com', cookieSameSite: 'Strict' })
  const end = '; Path=/; Domain=example.com'
  const plain = await request('PUT /session/user', { body: '"ada"' })
  assert.is(plain.headers.get('set-cookie'), `${cookieOf(plain)}${end}; HttpOnly; SameSite=Strict`)
  const secure = await request('PUT /session/user', { origin: HTTPS, body: '"bob"' })
  const cookie = cookieOf(secure)
  assert.match(cookie, /^__Secure-sid=/)
  assert.is(secure.headers.get('set-cookie'), `${cookie}${end}; Secure; HttpOnly; SameSite=Strict`)
  for (const sent of [cookie, `${cookieOf(plain)}; ${cookie}`]) {
    assert.is(await (await request('GET /session/user', { cookie: sent })).text(), '"bob"')
  }
  // A browser's own of a host, from before the setting: of another name over https, of the same over http.
  const old = `__Host-Http-sid=${cookie.slice('__Secure-sid='.length)}`
  assert.is((await request('GET /session/user', { cookie: old })).status, 404)
  const both = await request('GET /session', { cookie: `${cookieOf(plain)}; sid=older` })
  assert.is((await problemOf(both)).reason, 'two_tokens')
  const deleted = await request('DELETE /session', { cookie })
  assert.match(
    deleted.headers.get('set-cookie') ?? '',
    /^__Secure-sid=; Max-Age=0; .*; Path=\/; Domain=example.com; Secure; HttpOnly; SameSite=Strict$/,
  )
})

test('SameSite=None is for https: over http, where a browser would drop it, the cookie is Lax', async () => {
  const { request } = openServer({ cookieSameSite: 'None' })
  const secure = await request('PUT /session/a', { origin: HTTPS, body: '1' })
  assert.match(secure.headers.get('set-cookie') ?? '', /; Secure; HttpOnly; SameSite=None$/)
  const plain = await request('PUT /session/a', { body: '1' })
  assert.match(plain.headers.get('set-cookie') ?? '', PLAIN_COOKIE)
  const ended = await request('DELETE /session', { cookie: cookieOf(secure) })
  assert.match(ended.headers.get('set-cookie') ?? '', /; Secure; HttpOnly; SameSite=None$/)
})

test('no name of the session cookie is one that /cookies reads, lists or writes', async () => {
  for (const options of [{}, { cookieDomain: 'example.com' }]) {
    const { request } = openServer(options)
    for (const name of ['sid', '__Host-Http-sid', '__Secure-sid']) {
      const cookie = `${name}=secret; other=1`
      assert.is(await (await request('GET /cookies', { cookie })).text(), '{"other":"1"}', name)
      assert.is((await request(`GET /cookies/${name}`, { cookie })).status, 404)
      const written = await request(`PUT /cookies/${name}`, { body: '{"value":"x","secure":true}' })
      assert.is(await refusalOf(written), '422 invalid_cookie', name)
      assert.is(await refusalOf(await request(`DELETE /cookies/${name}`)), '422 invalid_cookie')
    }
  }
})

test('https that the secure cookie alone tells is https for the origin, /cookies and the front page', async () => {
  for (const [options, name] of [
    [{}, '__Host-Http-sid'],
    [{ cookieDomain: 'example.com' }, '__Secure-sid'],
    [{ cookieName: 'mine' }, '__Host-Http-mine'],
  ] as const) {
    const { request } = openServer(options)
    const put = (origin: string, cookie: string) =>
      request('PUT /cookies/theme', {
        cookie,
        ...{ origin: 'http://app.example.com', headers: { origin } },
        body: '{"value":"dark","secure":true}',
      })
    for (const value of ['x', '', `x; ${name}=y`]) {
      const own = await put('https://app.example.com', `${name}=${value}`)
      assert.equal([own.status, own.headers.get('warning')], [204, null], name)
      const foreign = ['http://app.example.com', 'https://evil.example.com', 'null']
      for (const origin of [...foreign, 'https://app.example.com:8443']) {
        assert.is(await refusalOf(await put(origin, `${name}=${value}`)), '403 cross_origin')
      }
    }
    for (const cookie of ['', 'sid=x', `x${name}=x`, `${name}x=x`, `a=${name}`]) {
      assert.is(await refusalOf(await put('https://app.example.com', cookie)), '403 cross_origin')
      const plain = await put('http://app.example.com', cookie)
      assert.match(plain.headers.get('warning') ?? '', 'a Secure cookie over plain http')
    }
    const headers = { accept: 'text/html', host: 'app.example.com' }
    for (const [cookie, scheme] of [
      [`${name}=x`, 'https'],
      ['sid=x', 'http'],
    ] as const) {
      const page = await (await request('GET /', { cookie, headers })).text()
      assert.match(page, ` ${scheme}://app.example.com/session`)
    }
  }
})

test('a write from a page over https is taken where the secure cookie came and no proxy tells', async () => {
  const { request } = openServer()
  const cookie = cookieOf(await request('PUT /session/a', { origin: HTTPS, body: '1' }))
  const headers = { origin: 'https://app.example' }
  const ask = { cookie, headers, origin: 'http://app.example', body: '2' }
  assert.is((await request('PUT /session/a', ask)).status, 204)
  const renewed = await request('POST /session/renew', ask)
  assert.match(renewed.headers.get('set-cookie') ?? '', /^__Host-Http-sid=.*; Secure;/)
})

test('a Domain of /cookies is held against the host that a trusted proxy tells', async () => {
  const { request } = openServer({ trustedProxies: ['10.0.0.1'] })
  const warningAt = async (peer: string) => {
    const headers = { 'x-forwarded-host': 'a.example.com:8080' }
    const body = '{"value":"x","domain":"example.com"}'
    const answer = await request('PUT /cookies/theme', { peer, headers, body })
    return answer.headers.get('warning')
  }
  assert.is(await warningAt('10.0.0.1'), null)
  assert.match((await warningAt('10.0.0.2')) ?? '', 'does not cover the host localhost')
})

test.run()

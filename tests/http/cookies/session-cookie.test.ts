import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  cookieOf,
  openServer,
  refusalOf,
  sessionOf,
  signIn,
} from '../../kit/process/open-server.ts'
import { PLAIN_COOKIE, SECURE_COOKIE, writeThrough } from '../../kit/process/write-through.ts'

const test = suite('session cookie')

const HTTPS = 'https://localhost'

test('two session cookies that differ are no session, whichever comes first', async () => {
  const { request } = openServer()
  const [ada, bob] = [
    await signIn(request, { user: 'ada' }),
    await signIn(request, { user: 'bob' }),
  ]
  for (const cookie of [
    `${ada}; ${bob}`,
    `${bob}; ${ada}`,
    `${ada}; sid=`,
    `sid=; ${ada}`,
    `sid=x; ${ada}`,
    `${ada}; ${ada}; ${bob}`,
    `a=1; ${ada}; b=2;${bob}`,
    `${ada}; sid="${ada.slice(4)}"`,
  ]) {
    const answer = await request('GET /session/user', { cookie })
    assert.is(await refusalOf(answer), '404 session_not_found', cookie)
  }
})

test('a write with two session cookies makes a session of its own', async () => {
  const { request } = openServer()
  const [ada, eve] = [
    await signIn(request, { user: 'ada' }),
    await signIn(request, { user: 'eve' }),
  ]
  const answer = await request('PUT /session/card', { cookie: `${eve}; ${ada}`, body: '"1234"' })
  const { data } = await sessionOf(await request('GET /session', { cookie: cookieOf(answer) }))
  assert.equal(data, { card: '1234' })
  for (const cookie of [ada, eve]) {
    assert.is((await request('GET /session/card', { cookie })).status, 404)
  }
})

test('a cookie that is nearly the session cookie is none', async () => {
  const { request } = openServer()
  const token = (await signIn(request, { user: 'ada' })).slice(4)
  for (const cookie of [
    ...[`Sid=${token}`, `SID=${token}`, `s%69d=${token}`, `%73id=${token}`, `"sid"=${token}`],
    ...[`\xa0sid=${token}`, `sid\xa0=${token}`, `\x0bsid=${token}`, `\x0csid=${token}`],
    ...[`=sid=${token}`, `${token}`, `=${token}`, `a=sid=${token}`, `sid`, `$sid=${token}`],
    ...[`a=1,sid=${token}`, `a="; b="sid=${token}`, `xsid=${token}`, `sid.x=${token}`],
    ...[`sid="${token}"`, `sid=${token}\xa0`, `sid=%${token}`, `sid=${token.replace('.', '%2E')}`],
    ...[`__Host-sid=${token}`, `__Secure-sid=${token}`, `__host-http-sid=${token}`],
  ]) {
    const answer = await request('GET /session/user', { cookie })
    assert.is(await refusalOf(answer), '404 session_not_found', cookie)
  }
})

test('over https a plain session cookie is ignored, alone and beside the real one', async () => {
  const { request } = openServer()
  const bob = await signIn(request, { user: 'bob' })
  const over = { origin: HTTPS }
  const ada = cookieOf(await request('PUT /session/user', { ...over, body: '"ada"' }))
  assert.is((await request('GET /session/user', { ...over, cookie: bob })).status, 404)
  for (const cookie of [ada, `${bob}; ${ada}`, `${ada}; ${bob}`]) {
    assert.is(await (await request('GET /session/user', { ...over, cookie })).text(), '"ada"')
  }
  const twice = `${ada}; ${bob.replace('sid', '__Host-Http-sid')}`
  assert.is((await request('GET /session/user', { ...over, cookie: twice })).status, 404)
  const planted = ada.replace('__Host-Http-', '__host-http-')
  assert.is((await request('GET /session/user', { ...over, cookie: planted })).status, 404)
})

test('X-Forwarded-Proto from anyone but a trusted proxy is not believed', async () => {
  for (const [trustedProxies, peer] of [
    [[], '127.0.0.1'],
    [['10.0.0.0/8'], '11.0.0.1'],
    [['10.0.0.1'], '10.0.0.2'],
    [['10.0.0.1'], '::1'],
    [['unix'], '127.0.0.1'],
    [['fd00::/8'], '10.0.0.1'],
  ] as const) {
    assert.match(await writeThrough({ trustedProxies, peer }), PLAIN_COOKIE, peer)
  }
})

test('X-Forwarded-Proto from a trusted proxy makes the cookie Secure', async () => {
  for (const [trustedProxies, peer] of [
    [['10.0.0.0/8'], '10.255.0.1'],
    [['192.0.2.7', '10.0.0.1'], '10.0.0.1'],
    [['127.0.0.1/8'], '::ffff:127.0.0.1'],
    [['::1'], '::1'],
    [['fd00::/8'], 'fd12::1'],
  ] as const) {
    assert.match(await writeThrough({ trustedProxies, peer }), SECURE_COOKIE, peer)
  }
})

test('of several words in X-Forwarded-Proto the last counts, in any case', async () => {
  const from = { trustedProxies: ['10.0.0.1'], peer: '10.0.0.1' }
  for (const proto of ['https', 'HTTPS', 'http, https', 'http,https ', 'wss', 'http,WSS']) {
    assert.match(await writeThrough({ ...from, proto }), SECURE_COOKIE, proto)
  }
  for (const proto of ['http', '', 'https, http', 'https,', 'httpss', 'ws', '"https"']) {
    assert.match(await writeThrough({ ...from, proto }), PLAIN_COOKIE, proto)
  }
})

test('the session cookie is found among others, with spaces and tabs around it', async () => {
  const { request } = openServer()
  const ada = await signIn(request, { user: 'ada' })
  for (const cookie of [
    ada,
    `a=1; ${ada}; b=2`,
    `a=1;${ada};b=2`,
    `;; ${ada} ;`,
    `\t${ada.replace('=', ' =\t')}\t ; a`,
    `${ada}; ${ada}`,
    `Sid=x; ${ada}; sid2=y; =sid; caf\xc3\xa9=1`,
    `theme="dark; ${ada}; x="`,
  ]) {
    const answer = await request('GET /session/user', { cookie })
    assert.is(await answer.text(), '"ada"', cookie)
  }
})

test('over http the cookie is plain, over https it is Secure and has the prefix', async () => {
  const { request } = openServer()
  const plain = await request('PUT /session/a', { body: '1' })
  assert.match(plain.headers.get('set-cookie') ?? '', PLAIN_COOKIE)
  const secure = await request('PUT /session/a', { origin: HTTPS, body: '1' })
  assert.match(secure.headers.get('set-cookie') ?? '', SECURE_COOKIE)
  const renewed = await request('POST /session/renew', { origin: HTTPS, cookie: cookieOf(secure) })
  assert.match(renewed.headers.get('set-cookie') ?? '', SECURE_COOKIE)
})

test('DELETE /session over https takes back the cookie of https', async () => {
  const { request } = openServer()
  const cookie = cookieOf(await request('PUT /session/a', { origin: HTTPS, body: '1' }))
  const answer = await request('DELETE /session', { origin: HTTPS, cookie })
  const end =
    'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax'
  assert.is(answer.headers.get('set-cookie'), `__Host-Http-sid=; ${end}`)
})

test('the cookie has the name that the settings give it, with the prefix over https', async () => {
  const { request } = openServer({ cookieName: 'app' })
  const plain = await signIn(request, { user: 'ada' })
  assert.match(plain, /^app=/)
  assert.is((await request('GET /session/user', { cookie: plain })).status, 200)
  const renamed = plain.replace('app=', 'sid=')
  assert.is((await request('GET /session/user', { cookie: renamed })).status, 404)
  const secure = await request('PUT /session/a', { origin: HTTPS, body: '1' })
  assert.match(cookieOf(secure), /^__Host-Http-app=/)
})

test('a change of permanent hands the same token out again, with or without Max-Age', async () => {
  const { request, clock } = openServer()
  const cookie = await signIn(request, { a: 1 })
  clock.advance(1500)
  const set = async (body: string, headers = {}) => {
    const answer = await request('PATCH /session', { cookie, body, headers })
    return answer.headers.get('set-cookie')
  }
  const end = '; Path=/; HttpOnly; SameSite=Lax'
  assert.is(await set('{"permanent":false}'), null)
  assert.is(await set('{"permanent":true}'), `${cookie}; Max-Age=${31 * 86_400 - 1}${end}`)
  assert.is(await set('{"permanent":true}'), null)
  assert.is(await set('{"data":{"b":1}}'), null)
  assert.is(await set('{"permanent":false,"data":{}}'), `${cookie}${end}`)
  const patch = '[{"op":"replace","path":"/permanent","value":true}]'
  const type = { 'content-type': 'application/json-patch+json' }
  assert.match((await set(patch, type)) ?? '', `${cookie}; Max-Age=`)
  assert.is(await set(patch, type), null)
})

test('a session that is permanent from its first write has a cookie with Max-Age', async () => {
  const { request } = openServer()
  const answer = await request('PATCH /session', { body: '{"permanent":true}' })
  assert.match(answer.headers.get('set-cookie') ?? '', `; Max-Age=${31 * 86_400}; Path=/; HttpOnly`)
})

test('no answer sets the cookie of a session that keeps its token and its flag', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const [line, body] of [
    ['GET /session'],
    ['HEAD /session'],
    ['GET /session/a'],
    ['GET /session/none'],
    ['PUT /session/a', '1'],
    ['PUT /session/a', 'ada'],
    ['PATCH /session/a', '{"increment":1}'],
    ['PATCH /session', '{"data":{"b":1}}'],
    ['DELETE /session/a'],
    ['DELETE /session/none?default=1'],
    ['POST /session/clear'],
    ['GET /cookies'],
  ] as const) {
    const answer = await request(line, body === undefined ? { cookie } : { cookie, body })
    assert.is(answer.headers.get('set-cookie'), null, line)
  }
})

test.run()

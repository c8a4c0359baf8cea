import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  bodyOf,
  cookieFor,
  jsonPatch,
  openBackEnd,
  type Opened,
} from '../../kit/clients/back-end.ts'
import { API_KEY, type Ask, cookieOf, refusalOf, sessionOf } from '../../kit/process/open-server.ts'

const test = suite('a holder that wants to be admin')

const CLAIMS = { sub: 'ada', roles: ['reader'] }
const ADMIN = '{"claims":{"sub":"admin"}}'

type Attempt = readonly [line: string, ask?: Ask]
type Server = ReturnType<typeof openBackEnd>

/** A holder with claims, and the check that they are what the back end made them. */
async function openHolder() {
  const server = openBackEnd()
  const holder = await server.create({ data: { a: 1 }, claims: CLAIMS })
  const victim = await server.create({ data: { a: 2 }, claims: { sub: 'root', roles: ['admin'] } })
  const checkClaims = async (what: string) => {
    const { cookie, id } = holder
    const seen = await bodyOf(await server.ask(`GET /sessions/${id}`))
    assert.equal(seen.claims, CLAIMS, what)
    const verified = await server.request('GET /verify', { cookie })
    assert.equal([verified.status, verified.headers.get('session-sub')], [200, 'ada'], what)
    assert.equal((await sessionOf(verified)).claims, CLAIMS, what)
    await checkVictim(server, victim, what)
  }
  return { ...server, holder, victim, cookie: holder.cookie, checkClaims }
}

async function checkVictim({ ask }: Server, victim: Opened, what: string): Promise<void> {
  const answer = await ask(`GET /sessions/${victim.id}`)
  assert.is(answer.headers.get('etag'), '"1"', what)
  assert.equal((await bodyOf(answer)).claims, victim.claims, what)
}

test('a merge patch with claims in it is 403 claims_read_only, and nothing of it is done', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  for (const body of [
    ADMIN,
    '{"login":{"sub":"admin"}}',
    '{"log\\u0069n":{"sub":"admin"}}',
    '{"login":null}',
    '{"claims":{}}',
    '{"claims":null}',
    '{"claims":"admin"}',
    '{"claims":{"sub":null}}',
    '{"claims":{"sub":"ada"}}',
    '{"permanent":true,"claims":{}}',
    '{"data":{"a":9},"claims":{"roles":["admin"]}}',
    '{"claims":{"__proto__":{"sub":"admin"}}}',
    '{"claims":{"constructor":{"prototype":{"sub":"admin"}}}}',
    '{"cl\\u0061ims":{"sub":"admin"}}',
    '{"data":{},"data":{},"claims":{"sub":"admin"}}',
    '{"claims":{"sub":"admin"},"claims":{}}',
    '{"claims":{},"claims":{"sub":"admin"}}',
    ' \n\t{ "claims" : { "sub" : "admin" } } \n',
  ]) {
    const answer = await request('PATCH /session', { cookie, body })
    assert.is(await refusalOf(answer), '403 claims_read_only', body)
    await checkClaims(body)
  }
  const { data, permanent } = await sessionOf(await request('GET /session', { cookie }))
  assert.equal([data, permanent], [{ a: 1 }, false])
})

test('no Content-Type makes a body with claims another thing', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  for (const type of [
    'application/json',
    'application/merge-patch+json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=a',
    'application/json; charset=utf-16',
    'application/json-patch+json2',
    'application/json, application/json-patch+json',
    '',
  ]) {
    const headers = { 'content-type': type }
    const answer = await request('PATCH /session', { cookie, body: ADMIN, headers })
    assert.is(await refusalOf(answer), '403 claims_read_only', type)
    await checkClaims(type)
  }
  for (const type of ['application/json-patch+json', 'APPLICATION/JSON-PATCH+JSON ; a=b']) {
    const headers = { 'content-type': type }
    assert.not((await request('PATCH /session', { cookie, body: ADMIN, headers })).ok)
    const body = '[{"op":"add","path":"/claims/sub","value":"admin"}]'
    const answer = await request('PATCH /session', { cookie, body, headers })
    assert.is(await refusalOf(answer), '403 claims_read_only', type)
    await checkClaims(type)
  }
})

test('a body that is no patch of a session reaches no claims either', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  for (const body of [
    '{"__proto__":{"claims":{"sub":"admin"}}}',
    '{"constructor":{"claims":{"sub":"admin"}}}',
    '{"claims ":{"sub":"admin"}}',
    '{"Claims":{"sub":"admin"}}',
    '{"claims\\u0000":{"sub":"admin"}}',
    '{"claims.sub":"admin"}',
    '{"claims[sub]":"admin"}',
    '{"/claims/sub":"admin"}',
    '{"claims":null}',
    '{"claims":[]}',
    '{"claims":"admin"}',
    '{"sub":"admin"}',
    '{"id":"admin"}',
    '{"session":{"claims":{"sub":"admin"}}}',
    `[${ADMIN}]`,
    `${ADMIN}${ADMIN}`,
    `\ufeff${ADMIN}`,
  ]) {
    const { status } = await request('PATCH /session', { cookie, body })
    assert.ok(status >= 400 && status < 500, `${body} is ${status}`)
    await checkClaims(body)
  }
})

test('a JSON Patch that would write claims is 403, by whatever step', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  const value = { sub: 'admin' }
  for (const step of [
    { op: 'add', path: '/claims', value },
    { op: 'replace', path: '/claims', value },
    { op: 'remove', path: '/claims' },
    { op: 'add', path: '/claims/sub', value: 'admin' },
    { op: 'replace', path: '/claims/sub', value: 'admin' },
    { op: 'remove', path: '/claims/sub' },
    { op: 'add', path: '/claims/roles/-', value: 'admin' },
    { op: 'add', path: '/claims/', value: 'admin' },
    { op: 'add', path: '/claims/__proto__', value },
    { op: 'add', path: '/claims/constructor/prototype/sub', value: 'admin' },
    { op: 'add', path: '', value: { data: {}, claims: value, permanent: false } },
    { op: 'replace', path: '', value: { data: {}, claims: value, permanent: false } },
    { op: 'move', from: '/data/a', path: '/claims/sub' },
    { op: 'move', from: '/claims/roles', path: '/data/roles' },
    { op: 'move', from: '/data', path: '/claims' },
    { op: 'move', from: '/claims', path: '/data' },
    { op: 'move', from: '/data/a', path: '' },
    { op: 'copy', from: '/data', path: '/claims' },
    { op: 'copy', from: '/data/a', path: '/claims/sub' },
    { op: 'copy', from: '/data', path: '' },
  ]) {
    for (const steps of [[step], [{ op: 'add', path: '/data/claims', value }, step]]) {
      const answer = await request('PATCH /session', { cookie, ...jsonPatch(steps) })
      assert.is(await refusalOf(answer), '403 claims_read_only', JSON.stringify(step))
      await checkClaims(JSON.stringify(step))
    }
  }
})

test('a path that only looks like the claims reaches none', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  for (const path of [
    '/data/../claims',
    '/data/../claims/sub',
    '/data/./../claims/sub',
    '/../claims/sub',
    '//claims/sub',
    '/claims~1sub',
    '/~1claims~1sub',
    '/data~1..~1claims',
    '/%63laims/sub',
    '/Claims/sub',
    '/claims%2Fsub',
    '/claims\u0000/sub',
    '/ claims/sub',
    '/cl~0aims',
    '/__proto__/claims/sub',
    '/constructor/prototype/sub',
    '/data/__proto__/claims',
    '/data/constructor/prototype/sub',
    '/id',
    '/secretHash',
    '/device',
    '/idleTimeoutMs',
    'claims/sub',
    '#/claims/sub',
    '/claims~2sub',
  ]) {
    for (const op of ['add', 'replace']) {
      const steps = [{ op, path, value: { sub: 'admin' } }]
      const { status } = await request('PATCH /session', { cookie, ...jsonPatch(steps) })
      assert.ok(status >= 400 && status < 500, `${op} ${path} is ${status}`)
      await checkClaims(`${op} ${path}`)
    }
  }
})

test('a step whose members are repeated or hidden writes no claims', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  const headers = { 'content-type': 'application/json-patch+json' }
  for (const body of [
    '[{"op":"add","path":"/data/b","path":"/claims/sub","value":"admin"}]',
    '[{"op":"add","path":"/claims/sub","path":"/data/b","value":"admin"}]',
    '[{"op":"test","op":"add","path":"/claims/sub","value":"admin"}]',
    '[{"op":"add","op":"test","path":"/claims/sub","value":"admin"}]',
    '[{"op":"add","p\\u0061th":"/cl\\u0061ims/sub","value":"admin"}]',
    '[{"op":"copy","from":"/data/a","path":"/claims/sub","value":"admin"}]',
    '[{"op":"add","path":["claims","sub"],"value":"admin"}]',
    '[{"op":"add","path":{"toString":"/claims/sub"},"value":"admin"}]',
    '[{"op":"ADD","path":"/claims/sub","value":"admin"}]',
    '[{"__proto__":{"op":"add","path":"/claims/sub"},"value":"admin"}]',
    '{"0":{"op":"add","path":"/claims/sub","value":"admin"},"length":1}',
    '[{"op":"add","path":"/data","value":{}},[{"op":"add","path":"/claims/sub","value":"admin"}]]',
  ]) {
    await request('PATCH /session', { cookie, body, headers })
    await checkClaims(body)
  }
})

test('data that is called claims, sub or __proto__ is data and nothing else', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  const attempts: readonly Attempt[] = [
    ['PUT /session/claims', { body: '{"sub":"admin"}' }],
    ['PATCH /session/claims', { body: '{"merge":{"sub":"admin"}}' }],
    ['PUT /session/claims%2Fsub', { body: '"admin"' }],
    ['PUT /session/..%2Fclaims', { body: '{"sub":"admin"}' }],
    ['PUT /session/sub', { body: '"admin"' }],
    ['PUT /session/__proto__', { body: '{"claims":{"sub":"admin"}}' }],
    ['PATCH /session/__proto__', { body: '{"merge":{"sub":"admin"}}' }],
    ['PATCH /session/constructor', { body: '{"merge":{"prototype":{"sub":"admin"}}}' }],
    ['PATCH /session', { body: '{"data":{"__proto__":{"sub":"admin"}}}' }],
    ['PATCH /session', { body: '{"data":{"claims":{"sub":"admin"}}}' }],
    ['PATCH /session', { body: '{"data":{"x\\":1},\\"claims\\":{\\"sub":"admin"}}' }],
    ['PATCH /session', jsonPatch([{ op: 'add', path: '/data/claims', value: { sub: 'admin' } }])],
    ['PATCH /session', jsonPatch([{ op: 'copy', from: '/claims', path: '/data/claims' }])],
    ['PATCH /session', jsonPatch([{ op: 'replace', path: '/data', value: { sub: 'admin' } }])],
  ]
  for (const [line, ask] of attempts) {
    const { status } = await request(line, { cookie, ...ask })
    assert.ok(status === 200 || status === 204, `${line} is ${status}`)
    await checkClaims(line)
  }
  assert.is(({} as Record<string, unknown>)['sub'], undefined)
})

test('no other method, path, header or parameter writes claims', async () => {
  const { request, cookie, checkClaims, holder, victim } = await openHolder()
  const body = ADMIN
  const attempts: readonly Attempt[] = [
    ['PUT /session', { body }],
    ['POST /session', { body }],
    ['POST /session/claims', { body }],
    ['POST /session/clear', { body }],
    ['GET /session?claims={"sub":"admin"}'],
    ['GET /session/?claims.sub=admin'],
    ['POST /sessions', { body }],
    [`PATCH /sessions/${holder.id}`, { body }],
    [`PUT /sessions/${holder.id}`, { body }],
    [`PATCH /sessions/${victim.id}`, { body }],
    [`GET /sessions/${victim.id}`],
    ['PATCH /session/../sessions', { body }],
    [`PATCH /session/..%2Fsessions%2F${holder.id}`, { body }],
    [`PATCH //sessions/${holder.id}`, { body }],
    [`PATCH /Sessions/${holder.id}`, { body }],
    [`PATCH /sessions%2F${holder.id}`, { body }],
    [`PATCH /%73essions/${holder.id}`, { body }],
    [`PATCH /session?_method=PUT&key=${API_KEY}`, { body }],
    ['PATCH /session', { body, headers: { 'x-http-method-override': 'PUT' } }],
    ['PATCH /session', { body, headers: { 'x-api-key': API_KEY } }],
    ['PATCH /session', { body, headers: { authorization: API_KEY } }],
    ['PATCH /session', { body, headers: { authorization: `Basic ${API_KEY}` } }],
    ['PATCH /session', { body, headers: { authorization: `Bearer ${holder.token}` } }],
    ['PATCH /session', { body, headers: { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '::1' } }],
    ['PATCH /session', { body, headers: { 'x-forwarded-host': 'localhost', via: '1.1 a' } }],
    ['PATCH /session', { body, headers: { 'x-forwarded-user': 'admin', 'session-sub': 'admin' } }],
    ['PATCH /session', { body, headers: { 'x-original-url': '/sessions', 'x-rewrite-url': '/' } }],
    ['PATCH /session', { body, cookie: `${cookie}; key=${API_KEY}` }],
    ['PATCH /session', { body, peer: '127.0.0.1' }],
    ['PATCH /session', { body, peer: '::1' }],
  ]
  for (const [line, ask] of attempts) {
    const what = `${line} ${JSON.stringify(ask?.headers ?? {})}`
    const answer = await request(line, { cookie, ...ask })
    // An unknown parameter of a read means nothing, and what is put is data; whatever else is refused.
    const isTaken =
      line.startsWith('GET /session?') || ['POST /session/clear', 'PUT /session'].includes(line)
    assert.is(answer.status >= 400 && answer.status < 500, !isTaken, `${what}: ${answer.status}`)
    await checkClaims(what)
  }
})

test('_method in a form or a query does not make a request another', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const line of ['POST /session?_method=PATCH', 'POST /session/clear?_method=PUT']) {
    await request(line, { cookie, headers, body: '_method=PATCH&claims[sub]=admin' })
    await checkClaims(line)
  }
})

test('no token with the id of somebody else opens or changes their session', async () => {
  const { request, holder, victim, checkClaims } = await openHolder()
  const [ownId = '', ownSecret = ''] = (holder.token ?? '').split('.')
  for (const token of [
    victim.id,
    `${victim.id}.`,
    `${victim.id}.${ownSecret}`,
    `${victim.id}.${'0'.repeat(43)}`,
    `${victim.id}.${ownSecret}.${ownSecret}`,
    `${ownId}.${ownSecret}.${victim.id}`,
    `${victim.id},${ownId}.${ownSecret}`,
    `${victim.id}${ownId.slice(21)}.${ownSecret}`,
    `${ownId}%00.${ownSecret}`,
    `"${victim.id}.${ownSecret}"`,
    `${victim.id}.null`,
  ]) {
    for (const shown of [
      { cookie: cookieFor(token) },
      { headers: { authorization: `Bearer ${token}` } },
    ]) {
      const read = await request('GET /session', shown)
      assert.is(await refusalOf(read), '404 session_not_found', token)
      assert.is((await request('GET /verify', shown)).headers.get('session-sub'), '', token)
      const written = await request('PUT /session/a', { ...shown, body: '9' })
      const other = await sessionOf(await request('GET /session', { cookie: cookieOf(written) }))
      assert.not([holder.id, victim.id].includes(other.id))
      assert.equal(other.claims, {})
      const patched = await request('PATCH /session', { ...shown, body: ADMIN })
      assert.is(await refusalOf(patched), '403 claims_read_only')
      assert.is((await request('DELETE /session', shown)).status, 404)
    }
    await checkClaims(token)
  }
})

test('two cookies, the own one and a planted one, open neither', async () => {
  const { request, cookie, victim, checkClaims } = await openHolder()
  for (const planted of [`sid=${victim.id}`, `sid=${victim.id}.x`, 'sid=', 'sid=admin']) {
    for (const both of [`${cookie}; ${planted}`, `${planted}; ${cookie}`]) {
      assert.is((await request('GET /session', { cookie: both })).status, 404)
      const verified = await request('GET /verify', { cookie: both })
      assert.equal([verified.status, verified.headers.get('session-sub')], [401, ''])
    }
  }
  await checkClaims('two cookies')
})

test('a session that a holder makes for itself has no claims, whatever the first write says', async () => {
  const { request, ask } = openBackEnd()
  for (const [line, more] of [
    ['PATCH /session', { body: ADMIN }],
    ['PATCH /session', jsonPatch([{ op: 'add', path: '/claims/sub', value: 'admin' }])],
    ['PATCH /session', jsonPatch([{ op: 'add', path: '', value: { claims: {} } }])],
  ] as const) {
    const answer = await request(line, more)
    assert.is(answer.headers.get('set-cookie'), null)
    assert.is(await refusalOf(answer), '403 claims_read_only')
  }
  const first = await request('PUT /session/claims', { body: '{"sub":"admin"}' })
  const cookie = cookieOf(first)
  assert.equal((await sessionOf(await request('GET /session', { cookie }))).claims, {})
  assert.equal(await (await ask('GET /sessions?sub=admin')).json(), { sessions: [], next: null })
  assert.is((await request('GET /verify', { cookie })).headers.get('session-sub'), '')
})

test('a page of another origin writes no claims with the cookie of the browser, nor with a key', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'http://evil.test' }]) {
    for (const key of [{}, { key: API_KEY }]) {
      const ask = { cookie, body: ADMIN, headers: { ...headers }, ...key }
      assert.is(await refusalOf(await request('PATCH /session', ask)), '403 cross_origin')
    }
  }
  await checkClaims('another origin')
})

test('the holder reads its claims, tests them and copies from them', async () => {
  const { request, cookie, checkClaims } = await openHolder()
  assert.equal((await sessionOf(await request('GET /session', { cookie }))).claims, CLAIMS)
  const steps = [
    { op: 'test', path: '/claims/sub', value: 'ada' },
    { op: 'copy', from: '/claims/sub', path: '/data/me' },
  ]
  const { data } = await sessionOf(await request('PATCH /session', { cookie, ...jsonPatch(steps) }))
  assert.equal(data, { a: 1, me: 'ada' })
  await checkClaims('reads')
})

test.run()

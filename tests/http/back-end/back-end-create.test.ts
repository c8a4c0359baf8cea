import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  bodyOf,
  cookieFor,
  endingOf,
  jsonPatch,
  listOf,
  openBackEnd,
  rowsOf,
} from '../../kit/clients/back-end.ts'
import { LIMITS } from '../../kit/store/limits.ts'
import {
  API_KEY,
  cookieOf,
  problemOf,
  refusalOf,
  sessionOf,
} from '../../kit/process/open-server.ts'

const test = suite('POST /sessions')

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

/** A server with narrow limits, and the bodies that it must refuse. */
const SMALL_LIMITS = {
  bodyLimitBytes: 4_096,
  sessionLimitBytes: 1_024,
  maxKeys: 3,
  maxDepth: 4,
  keyLimitBytes: 16,
}
const MALFORMED: readonly (readonly [refusal: string, body: string | Uint8Array<ArrayBuffer>])[] = [
  ['400 invalid_json', 'ada'],
  ['400 invalid_json', '{"data":{}'],
  ['400 invalid_json', "{'data':{}}"],
  ['400 invalid_json', '{"data":{}} {}'],
  ['400 invalid_utf8', new Uint8Array([0x7b, 0x7d, 0xff])],
  ['422 invalid_argument', 'null'],
  ['422 invalid_argument', '[]'],
  ['422 invalid_argument', '"{}"'],
  ['422 invalid_argument', '1'],
  ['422 invalid_argument', '{"data":null}'],
  ['422 invalid_argument', '{"data":[]}'],
  ['422 invalid_argument', '{"data":"{}"}'],
  ['422 invalid_argument', '{"claims":null}'],
  ['422 invalid_argument', '{"claims":["sub"]}'],
  ['422 invalid_argument', '{"claims":"ada"}'],
  ['422 invalid_argument', '{"permanent":null}'],
  ['422 invalid_argument', '{"permanent":"true"}'],
  ['422 invalid_argument', '{"permanent":1}'],
  ['422 invalid_argument', '{"device":null}'],
  ['422 invalid_argument', '{"device":"curl"}'],
  ['422 invalid_argument', '{"device":{"address":1}}'],
  ['422 invalid_argument', '{"device":{"userAgent":null}}'],
  ['422 invalid_argument', '{"device":{"name":"phone"}}'],
  ...[
    'id',
    'token',
    'secret',
    'secretHash',
    'sub',
    'createdAt',
    'version',
    'Data',
    '__proto__',
    '',
  ].map((name) => ['422 invalid_argument', JSON.stringify({ [name]: {} })] as const),
  ['422 invalid_argument', '{"__proto__":{"data":{}}}'],
  ['422 invalid_key', '{"data":{"":1}}'],
  ['422 invalid_key', `{"data":{"${'k'.repeat(17)}":1}}`],
  ['422 too_many_keys', '{"data":{"a":1,"b":2,"c":3,"d":4}}'],
  ['422 too_deep', `{"data":{"a":${nested(5)}}}`],
  ['422 too_deep', `{"claims":{"a":${nested(5)}}}`],
  ['413 session_too_large', JSON.stringify({ data: { a: 'x'.repeat(1_024) } })],
  ['413 session_too_large', JSON.stringify({ claims: { a: 'x'.repeat(1_024) } })],
  [
    '413 session_too_large',
    JSON.stringify({ data: { a: 'x'.repeat(600) }, claims: { b: 'x'.repeat(600) } }),
  ],
  ['413 body_too_large', JSON.stringify({ data: { a: 'x'.repeat(4_096) } })],
]

test('a body that is no session is refused with its code, and creates nothing', async () => {
  const server = openBackEnd(SMALL_LIMITS)
  for (const [refusal, body] of MALFORMED) {
    for (const line of ['POST /sessions', 'PUT /sessions/a-session-of-my-own']) {
      const answer = await server.ask(line, { body })
      assert.is(await refusalOf(answer), refusal, `${line} ${String(body).slice(0, 60)}`)
    }
  }
  assert.equal(rowsOf(server), [])
})

test('a member that has no place there is named, and its value is not', async () => {
  const server = openBackEnd(SMALL_LIMITS)
  for (const [body, end] of [
    ['{"sub":"ada"}', 'it has "sub": the user goes into {"claims":{"sub":"ada"}}'],
    ['{"data":{},"user":"secret"}', 'it has "user"'],
    ['{"":"secret"}', 'it has ""'],
    ['{"device":{"ip":"secret"}}', 'it has "ip"'],
  ] as const) {
    const { detail } = await problemOf(await server.ask('POST /sessions', { body }))
    assert.ok(detail.endsWith(end), detail)
  }
})

test('a time is an integer of seconds from 1 to its longest, and nothing else', async () => {
  const server = openBackEnd()
  const wrong = ['0', '-1', '1.5', '1e-1', '"60"', 'true', '[60]', '{}', '1e400', '9e15']
  for (const [name, most] of [
    ['idleTimeout', 3_650 * 86_400],
    ['lifetime', 400 * 86_400],
  ] as const) {
    for (const value of [...wrong, String(most + 1)]) {
      // As long as it is used.
      if (name === 'lifetime' && value === 'null') continue
      const answer = await server.ask('POST /sessions', { body: `{"${name}":${value}}` })
      const { status, code, detail } = await problemOf(answer)
      assert.equal([status, code], [422, 'invalid_argument'], `${name} ${value}`)
      assert.match(detail, `"${name}" must be an integer of seconds from 1 to ${most}`)
    }
    if (name === 'idleTimeout') continue
    const longest = await server.ask('POST /sessions', { body: `{"${name}":${most}}` })
    assert.is(longest.status, 201)
  }
})

test('a session fits that is exactly as large, as deep and as full as the limits let it be', async () => {
  const { ask } = openBackEnd(SMALL_LIMITS)
  // {} for the claims, {"a":""} around the text.
  const large = { data: { a: 'x'.repeat(SMALL_LIMITS.sessionLimitBytes - 2 - 8) } }
  for (const body of [
    JSON.stringify(large),
    '{"data":{"a":1,"b":2,"c":3}}',
    `{"data":{"${'k'.repeat(16)}":1}}`,
    `{"data":{"a":${nested(4)}}}`,
  ]) {
    assert.is((await ask('POST /sessions', { body })).status, 201, body)
  }
})

test('an empty object is a session with nothing in it, within the ordinary limits', async () => {
  const { create, clock } = openBackEnd({ idleTimeoutMs: 60_000, lifetimeMs: 3_600_000 })
  const { id, token, cookie, setCookie, device, evicted, ...rest } = await create()
  const now = clock.now()
  assert.equal(rest, {
    data: {},
    claims: {},
    permanent: false,
    createdAt: new Date(now).toISOString(),
    lastSeenAt: new Date(now).toISOString(),
    expiresAt: new Date(now + 60_000).toISOString(),
    lifetimeEndsAt: new Date(now + 3_600_000).toISOString(),
  })
})

test('the answer is 201 with the place, the version, the token and a ready cookie', async () => {
  const { ask } = openBackEnd()
  const body = '{"data":{"cart":["apple"]},"claims":{"sub":"ada","roles":["admin"]}}'
  const answer = await ask('POST /sessions', { body })
  const { id, token = '', setCookie, data, claims } = await bodyOf(answer)
  assert.is(answer.status, 201)
  assert.is(answer.headers.get('location'), `/sessions/${id}`)
  assert.is(answer.headers.get('etag'), '"1"')
  assert.is(answer.headers.get('cache-control'), 'no-store')
  // The cookie is for the browser: this answer goes to the back end.
  assert.is(answer.headers.get('set-cookie'), null)
  assert.match(token, /^[\w-]{21}\.[\w-]{43}$/)
  assert.is(token.split('.')[0], id)
  assert.is(setCookie, `sid=${token}; Path=/; HttpOnly; SameSite=Lax`)
  assert.equal([data, claims], [{ cart: ['apple'] }, { sub: 'ada', roles: ['admin'] }])
})

test('the token and the cookie open the session on /session', async () => {
  const { request, create } = openBackEnd()
  const { id, token = '', setCookie = '' } = await create({ data: { a: 1 } })
  const cookie = setCookie.split(';')[0] ?? ''
  for (const shown of [{ cookie }, { headers: { authorization: `Bearer ${token}` } }]) {
    const seen = await sessionOf(await request('GET /session', shown))
    assert.equal([seen.id, seen.data], [id, { a: 1 }])
  }
  assert.is((await request('PUT /session/b', { cookie, body: '2' })).status, 204)
})

test('the token is in no other answer, no row and no log line', async () => {
  const server = openBackEnd()
  const { id, token = '', cookie } = await server.create({ claims: { sub: 'ada' } })
  const secret = token.split('.')[1] ?? 'none'
  const kept = server.database.prepare('select secret_hash from sessions').pluck().get()
  const shown: string[] = []
  for (const [line, ask] of [
    ['GET /sessions'],
    ['GET /sessions?sub=ada'],
    [`GET /sessions/${id}`],
    [`PATCH /sessions/${id}`, { body: '{"claims":{"name":"Ada"}}' }],
    [`PATCH /sessions/${id}`, jsonPatch([{ op: 'add', path: '/data/a', value: 1 }])],
    [`PUT /sessions/${id}`, { body: '{"claims":{"sub":"ada"}}' }],
    ['GET /session', { cookie }],
    ['GET /verify', { cookie }],
  ] as const) {
    const answer = await server.ask(line, ask)
    assert.is(answer.status, 200, line)
    shown.push(JSON.stringify([...answer.headers]), await answer.text())
  }
  for (const text of [...shown, JSON.stringify(rowsOf(server)), ...server.logged]) {
    assert.not(text.includes(secret), text)
  }
  for (const text of shown)
    assert.not(text.includes(String(kept)) || text.includes('setCookie'), text)
})

test('two sessions never get the same id or token', async () => {
  const { create } = openBackEnd()
  const opened = await Promise.all(
    Array.from({ length: 50 }, () => create({ claims: { sub: 'a' } })),
  )
  assert.is(new Set(opened.map(({ id }) => id)).size, 50)
  assert.is(new Set(opened.map(({ token }) => token)).size, 50)
})

test('its own idle timeout holds: to the millisecond, and moved on by each use', async () => {
  const { request, create, clock } = openBackEnd()
  const { cookie, createdAt, expiresAt } = await create({ idleTimeout: 60 })
  assert.is(Date.parse(expiresAt) - Date.parse(createdAt), 60_000)
  clock.advance(59_999)
  assert.is((await request('PUT /session/a', { cookie, body: '1' })).status, 204)
  clock.advance(59_999)
  assert.is((await request('GET /session', { cookie })).status, 200)
  clock.advance(60_000)
  assert.is(
    await endingOf(await request('GET /session', { cookie })),
    '410 session_ended idle_timeout',
  )
})

test('its own lifetime holds, however busy the session is', async () => {
  const { ask, request, create, clock } = openBackEnd()
  const { id, cookie, lifetimeEndsAt, createdAt } = await create({ lifetime: 120 })
  assert.is(Date.parse(lifetimeEndsAt) - Date.parse(createdAt), 120_000)
  clock.advance(119_999)
  assert.is((await request('GET /session', { cookie })).status, 200)
  clock.advance(1)
  assert.is(await endingOf(await request('GET /session', { cookie })), '410 session_ended lifetime')
  assert.is(await endingOf(await ask(`GET /sessions/${id}`)), '410 session_ended lifetime')
})

test('of an idle timeout and a lifetime the earlier end counts', async () => {
  const { create, clock } = openBackEnd()
  const now = clock.now()
  const both = await create({ idleTimeout: 60, lifetime: 60 })
  assert.is(Date.parse(both.expiresAt), now + 60_000)
  // The idle timeout of the settings, which nobody gave, is longer and gives way.
  const short = await create({ lifetime: 60 })
  assert.is(Date.parse(short.expiresAt), now + 60_000)
  const permanent = await create({ permanent: true, idleTimeout: 60, lifetime: 600 })
  assert.is(Date.parse(permanent.expiresAt), now + 60_000)
  assert.is(Date.parse(permanent.lifetimeEndsAt), now + 600_000)
})

test('its own limits outlive writes of the holder and a renewal', async () => {
  const { request, create, clock } = openBackEnd()
  const { cookie, lifetimeEndsAt } = await create({ idleTimeout: 60, lifetime: 600 })
  await request('PATCH /session', { cookie, body: '{"data":{"a":1},"permanent":false}' })
  const renewed = cookieOf(await request('POST /session/renew', { cookie }))
  const seen = await sessionOf(await request('GET /session', { cookie: renewed }))
  assert.is(Date.parse(seen.expiresAt), clock.now() + 60_000)
  assert.is(seen.lifetimeEndsAt, lifetimeEndsAt)
})

test('a holder cannot lengthen its own limits by the flag', async () => {
  const { request, create, clock } = openBackEnd()
  const { cookie, lifetimeEndsAt } = await create({ idleTimeout: 60, lifetime: 600 })
  const replace = [{ op: 'replace', path: '/permanent', value: true }]
  const headers = { 'content-type': 'application/json-patch+json' }
  for (const asked of [
    { body: '{"permanent":true}' },
    { body: '{"permanent":false}' },
    { body: JSON.stringify(replace), headers },
  ]) {
    const seen = await sessionOf(await request('PATCH /session', { cookie, ...asked }))
    assert.is(Date.parse(seen.expiresAt), clock.now() + 60_000)
    assert.is(seen.lifetimeEndsAt, lifetimeEndsAt)
  }
})

test('of two limits the one of its own stays, the other follows the flag', async () => {
  const { request, create, clock } = openBackEnd()
  const { cookie } = await create({ idleTimeout: 60 })
  const patch = { cookie, body: '{"permanent":true}' }
  const seen = await sessionOf(await request('PATCH /session', patch))
  assert.is(Date.parse(seen.expiresAt), clock.now() + 60_000)
  assert.is(Date.parse(seen.lifetimeEndsAt), clock.now() + LIMITS.permanent.lifetimeMs)
})

test('a permanent session has the longer limits, and a cookie with Max-Age to their end', async () => {
  const { create } = openBackEnd()
  const ordinary = await create({ permanent: true })
  assert.is(ordinary.permanent, true)
  assert.match(ordinary.setCookie ?? '', `; Max-Age=${31 * 86_400};`)
  const short = await create({ permanent: true, lifetime: 600 })
  assert.match(short.setCookie ?? '', '; Max-Age=600;')
  const browser = await create({ permanent: false, lifetime: 600 })
  assert.not.match(browser.setCookie ?? '', /max-age|expires/i)
})

test('the back end says how the browser came: its X-Forwarded-Proto makes the cookie Secure', async () => {
  const { ask, request } = openBackEnd()
  const headers = { 'x-forwarded-proto': 'https' }
  const answer = await ask('POST /sessions', { body: '{}', headers })
  const { token, setCookie } = await bodyOf(answer)
  assert.is(setCookie, `__Host-Http-sid=${token}; Path=/; Secure; HttpOnly; SameSite=Lax`)
  const cookie = `__Host-Http-sid=${token}`
  assert.is((await request('GET /session', { origin: 'https://localhost', cookie })).status, 200)
  // A client without a key is believed no such thing, and where it came the Secure one is read.
  assert.is((await request('GET /session', { headers, cookie: `sid=${token}` })).status, 200)
  assert.is((await ask('GET /session', { headers, cookie: `sid=${token}` })).status, 404)
  for (const sent of [{ headers, cookie }, { cookie }]) {
    assert.is((await request('GET /session', sent)).status, 200)
    assert.is((await ask('GET /session', sent)).status, 200)
  }
})

test('data and claims come back byte for byte', async () => {
  const { ask } = openBackEnd()
  const data =
    '{"big":12345678901234567890,"one":1.0,"huge":1e400,"__proto__":{"a":[ 1 ]},"é":"\\u00e9"}'
  const answer = await ask('POST /sessions', { body: `{"data":${data},"claims":{"n":1.0}}` })
  const text = await answer.text()
  assert.ok(text.includes(`"data":${data}`), text)
  assert.ok(text.includes('"claims":{"n":1.0}'), text)
})

test('a body is taken as JSON whatever its Content-Type says', async () => {
  const { ask } = openBackEnd()
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json-patch+json',
  ]) {
    const headers = { 'content-type': type }
    assert.is(
      (await ask('POST /sessions', { body: '{"data":{"a":1}}', headers })).status,
      201,
      type,
    )
  }
})

test('a cookie beside the key has no part in it: the session that it opens stays as it is', async () => {
  const { ask, request, create } = openBackEnd()
  const { id, cookie } = await create({ data: { a: 1 } })
  const created = await bodyOf(await ask('POST /sessions', { cookie, body: '{"data":{"a":2}}' }))
  assert.is.not(created.id, id)
  assert.equal((await sessionOf(await request('GET /session', { cookie }))).data, { a: 1 })
  assert.is(cookieFor(created.token) === cookie, false)
})

test('a method that /sessions does not have is 405 with those it has', async () => {
  const { ask } = openBackEnd()
  for (const method of ['PUT', 'PATCH', 'OPTIONS', 'QUERY']) {
    const answer = await ask(`${method} /sessions`)
    assert.is(answer.headers.get('allow'), 'GET, HEAD, POST, DELETE')
    assert.is(await refusalOf(answer), '405 method_not_allowed', method)
  }
})

test('a page of another origin cannot create one, key or not', async () => {
  const server = openBackEnd()
  for (const key of [API_KEY, '']) {
    const headers = { 'sec-fetch-site': 'cross-site' }
    const answer = await server.request('POST /sessions', { key, body: '{}', headers })
    assert.is(await refusalOf(answer), '403 cross_origin')
  }
  assert.equal((await listOf(await server.ask('GET /sessions'))).sessions, [])
})

test('POST /sessions without a body makes an empty session', async () => {
  const { ask } = openBackEnd()
  const answer = await ask('POST /sessions')
  assert.is(answer.status, 201)
  const { data, claims } = await bodyOf(answer)
  assert.equal([data, claims], [{}, {}])
})

test.run()

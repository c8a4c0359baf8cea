/** Who gets into the dashboard, for how long, and what it means to everybody else. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashSecret } from '../../lib/session/token.ts'
import { API_KEY, problemOf, refusalOf } from '../kit/process/open-server.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { cookieOf, openDashboard, statusOf } from '../kit/clients/dashboard.ts'

const test = suite('dashboard: log-in')

const PAGES = ['', '/', '/nothing'].map((end) => `/dashboard${end}`)

test('who has not logged in is asked for a key, and gets back to the page', async () => {
  const { get, request } = openDashboard()
  for (const path of [...PAGES, '/dashboard/session/an-id?x=%22']) {
    const answer = await get(path)
    assert.is(answer.status, 401, path)
    assert.match(answer.headers.get('www-authenticate') ?? '', 'Bearer')
    const page = await answer.text()
    assert.match(page, 'name="key"')
    assert.match(page, `name="next" value="${path}"`)
    assert.is(await refusalOf(await request(`GET ${path}`)), '401 api_key_required')
  }
})

test('a wrong key, none, and one for the metrics are refused, and never repeated', async () => {
  const { post, makeKey, logged } = openDashboard()
  const forMetrics = await makeKey('prometheus', 'metrics')
  const wrong = 'ck_wrong-wrong-wrong-wrong-1'
  for (const [key, status, words] of [
    [wrong, 401, 'This is no key that is in force here'],
    ['', 401, 'This is no key'],
    ['a word', 401, 'This is no key'],
    [forMetrics, 403, 'may only read the metrics'],
  ] as const) {
    const answer = await post('/dashboard/login', { key })
    assert.equal([answer.status, answer.headers.getSetCookie()], [status, []], key)
    const page = await answer.text()
    assert.match(page, words)
    if (key !== '') assert.not.match(page, key)
  }
  assert.not.match(logged.join(''), 'wrong-wrong')
  assert.match(logged.join(''), '"event":"api_key_refused"')
})

test('too many wrong keys of one address are 429; a right one passes', async () => {
  const { post, logIn, get } = openDashboard()
  const statuses: number[] = []
  for (let n = 0; n < 12; n++) {
    const answer = await post('/dashboard/login', { key: `ck_wrong-wrong-wrong-wrong-${n}` })
    statuses.push(answer.status)
    if (answer.status === 429) assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]/)
  }
  assert.equal(statuses, [...Array<number>(10).fill(401), 429, 429])
  assert.is((await get('/dashboard', await logIn())).status, 200)
})

test('a key becomes a cookie that no script and no other site gets, for the dashboard alone', async () => {
  const { post, get } = openDashboard()
  const answer = await post('/dashboard/login', {
    key: ` ${API_KEY} `,
    next: '/dashboard/keys?a=1',
  })
  assert.is(statusOf(answer), '303 /dashboard/keys?a=1')
  const [cookie = ''] = answer.headers.getSetCookie()
  assert.match(
    cookie,
    /^coatcheck-dashboard=dashboard-[\w-]{21}\.[\w-]{43}; Path=\/dashboard; HttpOnly; SameSite=Strict$/,
  )
  const page = await get('/dashboard', cookieOf(answer))
  assert.is(page.status, 200)
  assert.match(await page.text(), 'configured')
  assert.is(statusOf(await get('/dashboard/login', cookieOf(answer))), '303 /dashboard')
})

test('over https the cookie is Secure under a name that browsers guard, and no other counts', async () => {
  const { post, get } = openDashboard()
  const origin = 'https://sessions.example'
  const answer = await post('/dashboard/login', { key: API_KEY }, '', { origin })
  const [cookie = ''] = answer.headers.getSetCookie()
  assert.match(
    cookie,
    /^__Host-Http-coatcheck-dashboard=\S+; Path=\/; Secure; HttpOnly; SameSite=S/,
  )
  const secure = cookieOf(answer)
  assert.is((await get('/dashboard', secure, { origin })).status, 200)
  const plain = secure.replace('__Host-Http-', '')
  assert.is((await get('/dashboard', plain, { origin })).status, 401)
  assert.is((await get('/dashboard', `${secure}; ${plain}`, { origin })).status, 200)
})

test('two cookies that differ are none', async () => {
  const { logIn, get } = openDashboard()
  const [one, other] = [await logIn(), await logIn()]
  assert.is((await get('/dashboard', `${one}; ${other}`)).status, 401)
  assert.is((await get('/dashboard', `${one}; ${one}`)).status, 200)
})

test('a made-up token, the id alone and a token of a session open nothing', async () => {
  const { logIn, get, request, store, clock } = openDashboard()
  const cookie = await logIn()
  const [name = '', token = ''] = cookie.split('=')
  const [id = ''] = token.split('.')
  const began = await request('PUT /session/a', { body: '1' })
  const own = cookieOf(began).replace('sid=', '')
  // Whatever claims say, the id decides.
  const admin = { dashboard: true, scope: 'all', keyHash: 'x' }
  await request('PATCH /session', {
    key: API_KEY,
    cookie: cookieOf(began),
    body: JSON.stringify({ claims: admin, data: { keyHash: hashSecret(API_KEY) } }),
  })
  for (const other of [
    `${id}.${'x'.repeat(43)}`,
    id,
    '',
    `${id}.`,
    `${token}x`,
    own,
    `sid=${own}`,
  ]) {
    assert.is((await get('/dashboard', `${name}=${other}`)).status, 401, other)
  }
  assert.is((await store.find(id, clock.now())).state, 'live')
})

test('it lasts 30 minutes without a request, and 12 hours at all', async () => {
  const { logIn, get, clock } = openDashboard({ idleTimeoutMs: 10, lifetimeMs: 20 })
  const idle = await logIn()
  clock.advance(30 * MINUTE - 1)
  assert.is((await get('/dashboard', idle)).status, 200)
  clock.advance(30 * MINUTE)
  assert.is((await get('/dashboard', idle)).status, 401)

  const busy = await logIn()
  for (let passed = 0; passed < 12 * HOUR - 20 * MINUTE; passed += 20 * MINUTE) {
    clock.advance(20 * MINUTE)
    assert.is((await get('/dashboard', busy)).status, 200)
  }
  clock.advance(20 * MINUTE)
  assert.is((await get('/dashboard', busy)).status, 401)
})

test('revoking its key logs a dashboard out at once, and a key of the same name does not log it in', async () => {
  const { logIn, get, makeKey, store, clock } = openDashboard()
  const [cookie, other] = [await logIn(await makeKey('ada')), await logIn(await makeKey('eve'))]
  assert.match(await (await get('/dashboard', cookie)).text(), '<b>ada</b>')
  await store.keys.revoke('ada', clock.now())
  await makeKey('ada')
  assert.is((await get('/dashboard', cookie)).status, 401)
  assert.is((await get('/dashboard', other)).status, 200)
  const [id = ''] = cookie.replace('coatcheck-dashboard=', '').split('.')
  const found = await store.find(id, clock.now())
  assert.is(found.state === 'ended' && found.tombstone.reason, 'revoked')
})

test('a log-out is final, and takes the cookie away', async () => {
  const { logIn, get, post } = openDashboard()
  const cookie = await logIn()
  const answer = await post('/dashboard/logout', {}, cookie)
  assert.is(statusOf(answer), '303 /dashboard/login')
  assert.match(
    answer.headers.getSetCookie()[0] ?? '',
    /^coatcheck-dashboard=; Max-Age=0; .*Path=\/dashboard/,
  )
  assert.is((await get('/dashboard', cookie)).status, 401)
  assert.is(statusOf(await post('/dashboard/logout', {}, '')), '303 /dashboard/login')
})

test('who logs in again has left the log-in before', async () => {
  const { logIn, post, get } = openDashboard()
  const first = await logIn()
  const second = cookieOf(await post('/dashboard/login', { key: API_KEY }, first))
  assert.is((await get('/dashboard', first)).status, 401)
  assert.is((await get('/dashboard', second)).status, 200)
})

test('forms of other sites are refused, whatever they would do', async () => {
  const { post, logIn, get } = openDashboard()
  const cookie = await logIn()
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
  ]) {
    for (const path of [
      '/dashboard/login',
      '/dashboard/logout',
      '/dashboard/theme',
      '/dashboard/x',
    ]) {
      const answer = await post(path, { key: API_KEY }, cookie, { headers })
      assert.is(answer.status, 403, `${path} ${JSON.stringify(headers)}`)
      assert.equal(answer.headers.getSetCookie(), [])
    }
  }
  assert.is((await get('/dashboard', cookie)).status, 200)
  const own = { headers: { 'sec-fetch-site': 'same-origin', origin: 'http://localhost' } }
  assert.is((await post('/dashboard/theme', { theme: 'dark' }, cookie, own)).status, 303)
})

test('a log-in leads nowhere else', async () => {
  const { post } = openDashboard()
  for (const next of [
    '//evil.example',
    'https://evil.example',
    '/dashboards',
    '/session',
    '/dashboard\\evil',
    '/dashboard/\r\nSet-Cookie: a=b',
    'javascript:alert(1)',
  ]) {
    const answer = await post('/dashboard/login', { key: API_KEY, next })
    assert.is(statusOf(answer), '303 /dashboard', next)
  }
})

test('a body that is no form, and one too large, are refused', async () => {
  const { request } = openDashboard()
  const json = { headers: { 'content-type': 'application/json' }, body: '{}' }
  assert.is(await refusalOf(await request('POST /dashboard/login', json)), '400 bad_request')
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const large = await request('POST /dashboard/login', { headers, body: 'x'.repeat(20_000) })
  assert.is(await refusalOf(large), '413 body_too_large')
})

test('log-ins are in no list, count or number of the API, and nobody else can end or read them', async () => {
  const { logIn, get, request, metrics } = openDashboard({ maxSessionsPerSub: 1 })
  const cookie = await logIn()
  const [id = ''] = cookie.replace('coatcheck-dashboard=', '').split('.')
  const ask = (line: string, body = '{}') => request(line, { key: API_KEY, body })
  assert.is(await (await ask('GET /sessions')).text(), '{"sessions":[],"next":null}')
  assert.is(await (await ask('GET /sessions?count=true')).text(), '{"count":0}')
  assert.is(await (await ask('DELETE /sessions?all=true')).text(), '{"ended":0,"more":false}')
  for (const line of [`GET /sessions/${id}`, `DELETE /sessions/${id}`, `PUT /sessions/${id}/a`]) {
    assert.is(await refusalOf(await ask(line)), '404 session_not_found')
  }
  assert.is((await problemOf(await ask(`PUT /sessions/${id}`))).code, 'invalid_argument')
  const token = cookie.replace('coatcheck-dashboard=', '')
  const asHolder = { cookie: `sid=${token}` }
  assert.is(await refusalOf(await request('GET /session', asHolder)), '404 session_not_found')
  assert.is((await request('GET /verify', asHolder)).status, 401)
  const text = metrics.render('prometheus')
  for (const line of ['coatcheck_sessions 0', 'coatcheck_sessions_created_total 0']) {
    assert.match(text, `\n${line}\n`)
  }
  assert.is((await get('/dashboard', cookie)).status, 200)
})

test("its cookie's name is reserved in /cookies", async () => {
  const { request, logIn } = openDashboard()
  const cookie = await logIn()
  assert.is(await (await request('GET /cookies', { cookie })).text(), '{}')
  for (const name of ['coatcheck-dashboard', '__Host-Http-coatcheck-dashboard']) {
    const put = await request(`PUT /cookies/${name}`, { cookie, body: '{"value":"x"}' })
    const { code, detail } = await problemOf(put)
    assert.is(code, 'invalid_cookie')
    assert.match(detail, 'it is that of the dashboard')
    assert.is((await request(`GET /cookies/${name}`, { cookie })).status, 404)
    assert.is((await request(`DELETE /cookies/${name}`, { cookie })).status, 422)
  }
})

test('log-ins and log-outs are in the audit trail, by the name of the key', async () => {
  const { logIn, post, makeKey, logged } = openDashboard()
  const cookie = await logIn(await makeKey('ada', 'read', 'shop'))
  await post('/dashboard/logout', {}, cookie)
  const events = logged.map((line): Record<string, unknown> => JSON.parse(line))
  const who = { by: 'ada', via: 'dashboard', client: '192.0.2.1', app: 'shop' }
  assert.equal(
    events.map(({ time: _, level: __, ...event }) => event),
    [
      { event: 'dashboard_login', ...who },
      { event: 'dashboard_logout', ...who },
    ],
  )
})

test('beside an admin listener the main one has no dashboard', async () => {
  const { get } = openDashboard({ isBesideAdmin: true })
  const answer = await get('/dashboard')
  assert.is(await refusalOf(answer), '404 route_not_found')
})

test.run()

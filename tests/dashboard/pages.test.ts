/** What each page shows, to whom. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashSecret } from '../../lib/session/token.ts'
import { API_KEY, problemOf } from '../kit/process/open-server.ts'
import { AS_BROWSER, openDashboard, statusOf } from '../kit/clients/dashboard.ts'
import { MINUTE } from '../kit/store/limits.ts'

const test = suite('dashboard: pages')

const PATHS = [
  '/dashboard',
  '/dashboard/sessions',
  '/dashboard/sessions?q=ad',
  '/dashboard/sessions?sub=ada',
  '/dashboard/users',
  '/dashboard/users?q=a',
  '/dashboard/feed',
  '/dashboard/feed?what=ended-revoked&sub=ada',
  '/dashboard/keys',
  '/dashboard/storage',
]

test('each page is there, with its policy, and is kept nowhere', async () => {
  const server = openDashboard({ hasPoints: true })
  const id = await server.create({ claims: { sub: 'ada' } })
  server.clock.advance(3_000)
  const cookie = await server.logIn()
  for (const path of [...PATHS, `/dashboard/session/${id}`, '/dashboard/users/log-out?sub=ada']) {
    const answer = await server.get(path, cookie)
    assert.is(answer.status, 200, path)
    assert.is(answer.headers.get('cache-control'), 'no-store')
    assert.is(
      answer.headers.get('content-security-policy'),
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    const page = await answer.text()
    assert.match(page, /<h1>/)
    // Nothing inline: the policy would refuse it.
    assert.not.match(page, /<script(?! type="module" src=)|<style|\sstyle="|\son\w+="/, path)
    assert.not.match(page, /undefined|\[object|NaN|Infinity/, path)
  }
})

test('a path or a cursor that is not there, and a form without its field, are told as pages', async () => {
  const { get, post, logIn, request } = openDashboard()
  const cookie = await logIn()
  for (const [path, status] of [
    ['/dashboard/nothing', 404],
    ['/dashboard/session/an-id-of-nobody-1', 404],
    ['/dashboard/session/%ff', 400],
    ['/dashboard/sessions?after=x', 400],
    ['/dashboard/users?after=%20', 400],
    ['/dashboard/feed?after=x', 400],
    ['/dashboard/sessions?q=a&q=b', 400],
    ['/dashboard/users/log-out', 400],
    ['/dashboard/assets/x/style.css', 404],
  ] as const) {
    const answer = await get(path, cookie)
    assert.is(answer.status, status, path)
    assert.match(answer.headers.get('content-type') ?? '', 'text/html')
  }
  const asProgram = await request('GET /dashboard/nothing', { cookie })
  assert.is((await problemOf(asProgram)).code, 'route_not_found')
  assert.is((await post('/dashboard/users/log-out', {}, cookie)).status, 400)
  assert.is((await post('/dashboard/keys/revoke', { hash: 'x' }, cookie)).status, 404)
  assert.is((await post('/dashboard/session/an-id-of-nobody-1/end', {}, cookie)).status, 404)
})

test('a key that may only look sees no button, and the server refuses what they would do', async () => {
  const server = openDashboard()
  const id = await server.create({ claims: { sub: 'ada' } })
  const hash = hashSecret(await server.makeKey('other'))
  const cookie = await server.logIn(await server.makeKey('looker', 'read'))
  for (const path of [...PATHS, `/dashboard/session/${id}`]) {
    const page = await (await server.get(path, cookie)).text()
    const forms = [...page.matchAll(/<form[^>]*method="post"[^>]*action="([^"]*)"/g)]
    assert.equal(
      forms.map(([, action]) => action),
      ['/dashboard/logout', '/dashboard/theme'],
      path,
    )
    assert.not.match(page, /log-out\?sub=/, path)
  }
  const before = await server.store.keys.list()
  for (const [path, fields] of [
    [`/dashboard/session/${id}/end`, {}],
    ['/dashboard/users/log-out', { sub: 'ada' }],
    ['/dashboard/keys', { name: 'mine', scope: 'all' }],
    ['/dashboard/keys/revoke', { hash }],
    ['/dashboard/storage/sweep', {}],
  ] as const) {
    const answer = await server.post(path, fields, cookie)
    assert.is(answer.status, 403, path)
    assert.match(await answer.text(), 'may only read')
  }
  assert.is((await server.get('/dashboard/users/log-out?sub=ada', cookie)).status, 403)
  assert.equal(await server.store.keys.list(), before)
  assert.is((await server.store.find(id, server.clock.now())).state, 'live')
  assert.match(server.logged.join(''), '"event":"scope_refused","by":"looker"')
})

test('who looks with a key of an app sees that app alone', async () => {
  const server = openDashboard({ inForce: { texts: { host: '10.1.2.3' }, from: {}, given: [] } })
  const own = await server.create({ claims: { sub: 'ada' } }, 'shop')
  const others = [
    await server.create({ claims: { sub: 'eve' } }, 'blog'),
    await server.create({ claims: { sub: 'adam' } }),
  ]
  await server.makeKey('key-of-blog', 'all', 'blog')
  await server.makeKey('key-of-all', 'all')
  const cookie = await server.logIn(await server.makeKey('shop-keeper', 'all', 'shop'))
  for (const path of [...PATHS, '/dashboard/sessions?q=e', '/dashboard/sessions?sub=eve']) {
    const page = await (await server.get(path, cookie)).text()
    for (const other of [...others, 'eve</a>', 'adam', 'key-of-blog', 'key-of-all', '10.1.2.3']) {
      if (path.includes('eve') && other === 'eve</a>') continue
      assert.not.match(page, other, `${path} has ${other}`)
    }
  }
  assert.match(await (await server.get('/dashboard/sessions', cookie)).text(), own)
  assert.is((await server.get(`/dashboard/session/${own}`, cookie)).status, 200)
  for (const other of [
    ...others,
    `shop~${own}`,
    'blog~x',
    encodeURIComponent(`blog~${others[0]}`),
  ]) {
    assert.is((await server.get(`/dashboard/session/${other}`, cookie)).status, 404, other)
    assert.is((await server.post(`/dashboard/session/${other}/end`, {}, cookie)).status, 404)
  }
  await server.post('/dashboard/users/log-out', { sub: 'adam' }, cookie)
  assert.is((await server.store.find(others[1] ?? '', server.clock.now())).state, 'live')
  // Its keys are of its app, whatever the form says.
  await server.post('/dashboard/keys', { name: 'mine', scope: 'all', app: 'blog' }, cookie)
  const made = (await server.store.keys.list()).find(({ name }) => name === 'mine')
  assert.is(made?.app, 'shop')
  await server.post('/dashboard/storage/sweep', {}, cookie)
  assert.equal(server.sweeper.history(), [])
})

test('who was active is counted for the server, or for the app of the key', async () => {
  const server = openDashboard({ hasPoints: true })
  await server.create({ claims: { sub: 'ada' } })
  await server.create({ claims: { sub: 'eve' } })
  await server.create({ claims: { sub: 'ada' } }, 'shop')
  server.clock.advance(1_000)
  const tileFor = async (key?: string) => {
    const page = await (await server.get('/dashboard', await server.logIn(key))).text()
    return (/<h2>Active users<\/h2>[^]*?<\/section>/.exec(page)?.[0] ?? '')
      .replace(/<[^>]*>/g, '')
      .replace(/\s+/g, ' ')
  }
  assert.is(await tileFor(), 'Active users 3 about, last 5 min ')
  const key = await server.makeKey('shop-keeper', 'all', 'shop')
  assert.is(await tileFor(key), 'Active users 1 about, last 5 min ')
  // So many apps that there is no place for one more.
  for (let n = 0; n < 17; n++) await server.create({}, `app-${n}`)
  const last = await server.makeKey('keeper-16', 'all', 'app-16')
  assert.is(await tileFor(last), 'Active users – not counted for this app ')
})

test('what is in a session is text, wherever it is shown', async () => {
  const server = openDashboard()
  const evil = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
  const id = await server.create({
    data: { [evil]: evil },
    claims: { sub: evil, [evil]: evil },
    device: { address: evil, userAgent: evil },
  })
  await server.request(`POST /sessions/${id}/renew`, { key: API_KEY })
  const cookie = await server.logIn()
  const { sessions } = await server.sessions.list({
    app: undefined,
    sub: evil,
    after: undefined,
    limit: 1,
  })
  const q = encodeURIComponent(evil)
  const paths = [
    ...PATHS,
    `/dashboard/session/${sessions[0]?.id}`,
    `/dashboard/session/${id}`,
    `/dashboard/sessions?q=${q}`,
    `/dashboard/sessions?sub=${q}`,
    `/dashboard/users?q=${q}`,
    `/dashboard/feed?sub=${q}`,
    `/dashboard/users/log-out?sub=${q}`,
    `/dashboard/keys?revoked=${q}`,
    `/dashboard/sessions?ended=${q}`,
    `/dashboard/session/${q}`,
    `/dashboard/${q}`,
    `/dashboard/feed/rows?since=0`,
  ]
  let shown = 0
  for (const path of paths) {
    const page = await (await server.get(path, cookie)).text()
    assert.not.match(page, /<img|<script>|alert\(2\)<\/script>/, path)
    if (page.includes('&lt;script&gt;')) shown++
  }
  assert.ok(shown >= 7, `${shown} pages show it`)
})

test('a new key is shown once and works; revoked, it does not, and is remembered', async () => {
  const server = openDashboard()
  const { request, get, post, clock } = server
  const cookie = await server.logIn()
  const fields = { name: 'shop', scope: 'all', app: '' }
  const made = await (await post('/dashboard/keys', fields, cookie)).text()
  const key = /ck_[\w-]{43}/.exec(made)?.[0] ?? ''
  assert.is((await request('GET /sessions', { key })).status, 200)
  await server.keyUses.write()
  clock.advance(5 * MINUTE)
  const list = await (await get('/dashboard/keys', cookie)).text()
  assert.not.match(list, key)
  assert.match(list, '5 min ago')
  const again = await post('/dashboard/keys', fields, cookie)
  assert.is(again.status, 422)
  assert.match(await again.text(), 'there is one of that name in force')
  for (const wrong of [{ name: '' }, { name: 'a b' }, { name: 'ck_a' }, { name: 'x', app: 'A' }]) {
    assert.is((await post('/dashboard/keys', { ...fields, ...wrong }, cookie)).status, 422)
  }
  const hash = hashSecret(key)
  const revoked = await post('/dashboard/keys/revoke', { hash }, cookie)
  assert.is(statusOf(revoked), '303 /dashboard/keys?revoked=shop')
  assert.is((await request('GET /sessions', { key })).status, 401)
  assert.match(await (await get('/dashboard/keys', cookie)).text(), 'Revoked keys, 1')
  const events = server.logged.map((line): string => JSON.parse(line).event)
  assert.ok(events.includes('key_made') && events.includes('key_revoked'))
  assert.not.match(server.logged.join(''), key)
})

test('storage tells its health with the way out, what was swept, and settings without secrets', async () => {
  const texts = { host: '127.0.0.1', 'api-key': '***', 'sweep-interval': '1m' }
  const from = { 'api-key': 'COATCHECK_API_KEY', host: '--host' }
  const server = openDashboard({ inForce: { texts, from, given: [] } })
  await server.create({})
  const cookie = await server.logIn()
  server.clock.advance(40 * MINUTE)
  const fresh = await server.logIn()
  const answer = await server.post('/dashboard/storage/sweep', {}, fresh)
  assert.is(statusOf(answer), '303 /dashboard/storage?swept=1')
  const page = await (await server.get('/dashboard/storage?swept=1', fresh)).text()
  assert.match(page, 'one expired session was ended')
  assert.match(page, 'All writes are taken')
  assert.match(page, /--api-key<\/code><\/td>\s*<td class="value">\*\*\*/)
  assert.match(page, 'COATCHECK_API_KEY')
  assert.match(page, 'the command line')
  assert.match(page, 'coatcheck backup --data /data/sessions.db sessions-backup.db')
  assert.not.match(page, API_KEY)
  assert.is((await server.get('/dashboard', cookie)).status, 401)
})

test('new rows of the feed come as the page has them, behind a place and by the filter', async () => {
  const server = openDashboard()
  const cookie = await server.logIn()
  const page = await (await server.get('/dashboard/feed?what=ended-revoked', cookie)).text()
  const [, place = ''] = /data-feed="([^"]*)"/.exec(page) ?? []
  const id = await server.create({ claims: { sub: 'ada' } })
  await server.request(`DELETE /sessions/${id}`, { key: API_KEY })
  const filter = /data-filter="([^"]*)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const rows = await server.get(`/dashboard/feed/rows?since=${place}&${filter}`, cookie)
  const text = await rows.text()
  assert.is(text.match(/<tr>/g)?.length, 1)
  assert.match(text, 'revoked')
  const next = rows.headers.get('feed-next') ?? ''
  const none = await server.get(`/dashboard/feed/rows?since=${next}&${filter}`, cookie)
  assert.is(await none.text(), '')
})

test('without a feed the pages say so, and the reasons stay', async () => {
  const server = openDashboard({ feed: { maxEvents: 0 } })
  const id = await server.create({ claims: { sub: 'ada' } })
  await server.request(`DELETE /sessions/${id}`, { key: API_KEY })
  const cookie = await server.logIn()
  for (const path of ['/dashboard', '/dashboard/feed', `/dashboard/session/${id}`]) {
    const answer = await server.get(path, cookie)
    assert.is(answer.status, 200, path)
    assert.match(await answer.text(), 'No events are kept', path)
  }
  const page = await (await server.get(`/dashboard/session/${id}`, cookie)).text()
  assert.match(page, 'with an API key')
})

test('what a script asks for by itself keeps nobody logged in', async () => {
  const server = openDashboard()
  const cookie = await server.logIn()
  for (let minutes = 0; minutes < 30; minutes += 10) {
    const live = await server.request('GET /dashboard/feed/rows?since=0', {
      cookie,
      headers: AS_BROWSER,
    })
    assert.is(live.status === 401, false)
    server.clock.advance(10 * MINUTE)
  }
  assert.is((await server.get('/dashboard', cookie)).status, 401)
})

test('the theme is a choice of the browser, kept in a cookie of its own', async () => {
  const { get, post, logIn } = openDashboard()
  const cookie = await logIn()
  const answer = await post('/dashboard/theme', { theme: 'dark', next: '/dashboard/keys' }, cookie)
  assert.is(statusOf(answer), '303 /dashboard/keys')
  const theme = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  assert.match(await (await get('/dashboard', `${cookie}; ${theme}`)).text(), 'data-theme="dark"')
  const wrong = await post('/dashboard/theme', { theme: '"><script>' }, cookie)
  assert.match(wrong.headers.getSetCookie()[0] ?? '', 'coatcheck-dashboard-theme=system;')
})

test.run()

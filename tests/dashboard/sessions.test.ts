/** One session and lists of them, what a search finds, and what ends one. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { API_KEY } from '../kit/process/open-server.ts'
import { openDashboard, statusOf } from '../kit/clients/dashboard.ts'
import { DAY, HOUR } from '../kit/store/limits.ts'

const test = suite('dashboard: sessions')

test('data is shown to the digit, folded at 4 kB', async () => {
  const server = openDashboard()
  const id = await server.create({})
  const body = `{"data":{"big":12345678901234567890,"one":1.0,"long":"${'x'.repeat(9_000)}","end":true}}`
  await server.request(`PATCH /sessions/${id}`, { key: API_KEY, body })
  const page = await (await server.get(`/dashboard/session/${id}`, await server.logIn())).text()
  assert.match(page, '&quot;big&quot;: 12345678901234567890')
  assert.match(page, '&quot;one&quot;: 1.0')
  const [first = '', ...rest] = page.split('<summary>The rest</summary>')
  assert.is(rest.length, 1)
  assert.not.match(first, '&quot;end&quot;: true')
  assert.match(rest.join(''), '&quot;end&quot;: true')
})

test('why a session ended is on its page: the reason, when, whose it was', async () => {
  const server = openDashboard({ maxSessionsPerSub: 2, keepEndedMs: DAY })
  const { request, clock } = server
  const ids: Record<string, string> = {}
  for (const name of ['evicted', 'revoked', 'idle_timeout']) {
    ids[name] = await server.create({ claims: { sub: 'ada' } })
    clock.advance(1_000)
  }
  await request(`DELETE /sessions/${ids['revoked']}`, { key: API_KEY })
  clock.advance(HOUR)
  await server.sweeper.sweepNow()
  const cookie = await server.logIn()
  for (const [name, words] of [
    ['evicted', 'one session too many'],
    ['revoked', 'with an API key'],
    ['idle_timeout', 'No request used it'],
  ] as const) {
    const answer = await server.get(`/dashboard/session/${ids[name]}`, cookie)
    assert.is(answer.status, 200, name)
    const page = await answer.text()
    assert.match(page, words, name)
    assert.match(page, '<a href="/dashboard/sessions?sub=ada">ada</a>')
    assert.match(page, 'Lived for')
  }
  const user = await (await server.get('/dashboard/sessions?sub=ada', cookie)).text()
  assert.match(user, 'This user has no live session')
  for (const id of Object.values(ids)) assert.match(user, id)
  const feed = await (await server.get('/dashboard/feed?what=ended-evicted&sub=ada', cookie)).text()
  assert.match(feed, ids['evicted'] ?? 'none')
  assert.not.match(feed, ids['revoked'] ?? 'none')
})

test('an end that is remembered by the feed alone is told, too', async () => {
  const server = openDashboard({ keepEndedMs: 0 })
  const { request, clock } = server
  const cookie = await server.logIn()
  const id = await server.create({ claims: { sub: 'ada' }, keepEnded: 0 })
  const page = async () => await (await server.get(`/dashboard/session/${id}`, cookie)).text()
  assert.match(await page(), 'will be forgotten at once')
  clock.advance(1_000)
  await request(`DELETE /sessions/${id}`, { key: API_KEY })
  const ended = await page()
  for (const words of ['with an API key', 'Lived for', '>ada</a>']) assert.match(ended, words)
  const other = await server.create({})
  const renewed = await request(`POST /sessions/${other}/renew`, { key: API_KEY })
  const next: { id: string } = JSON.parse(await renewed.text())
  clock.advance(1)
  const old = await (await server.get(`/dashboard/session/${other}`, cookie)).text()
  assert.match(old, 'Goes on as')
  assert.match(old, `href="/dashboard/session/${next.id}"`)
})

test('a lifetime without an end is said to be so', async () => {
  const server = openDashboard()
  const id = await server.create({ lifetime: null })
  const page = await (await server.get(`/dashboard/session/${id}`, await server.logIn())).text()
  assert.match(page, '<b>Lifetime</b> without an end')
  assert.not.match(page, 'Lifetime ends')
})

test('ids that back ends chose: whatever they have in them leads to their page', async () => {
  const server = openDashboard()
  const { request } = server
  const cookie = await server.logIn()
  for (const id of ['a/b?c#d%', '"><img src=x>', 'ada', '\u{10ffff}é 1']) {
    const path = encodeURIComponent(id)
    assert.is(
      (await request(`PUT /sessions/${path}`, { key: API_KEY, body: '{"data":{}}' })).status,
      201,
    )
    const list = await (await server.get('/dashboard/sessions', cookie)).text()
    assert.match(list, `href="/dashboard/session/${path.replaceAll("'", '&#39;')}"`)
    assert.not.match(list, '<img')
    const answer = await server.get(`/dashboard/sessions?q=${path}`, cookie)
    assert.is(statusOf(answer), `303 /dashboard/session/${path}`)
    assert.is((await server.get(`/dashboard/session/${path}`, cookie)).status, 200)
  }
  // The name of a user, too: whoever searches sees both.
  await server.create({ claims: { sub: 'ada' } })
  const both = await (await server.get('/dashboard/sessions?q=ada', cookie)).text()
  assert.match(both, 'By their id')
  assert.match(both, 'href="/dashboard/session/ada"')
  assert.match(both, 'href="/dashboard/sessions?sub=ada"')
  assert.is(
    statusOf(await server.post('/dashboard/session/a%2Fb%3Fc%23d%25/end', {}, cookie)),
    '303 /dashboard/session/a%2Fb%3Fc%23d%25?ended=1',
  )
})

test('a renewed session leads to the one that it goes on as', async () => {
  const server = openDashboard()
  const id = await server.create({})
  const renewed = await server.request(`POST /sessions/${id}/renew`, { key: API_KEY })
  const next: { id: string } = JSON.parse(await renewed.text())
  const page = await (await server.get(`/dashboard/session/${id}`, await server.logIn())).text()
  assert.match(page, `href="/dashboard/session/${next.id}"`)
  assert.match(page, 'Goes on as')
})

test('a search finds users by the beginning of their names, and ids; a whole one leads to its page', async () => {
  const server = openDashboard()
  const ada = await server.create({ claims: { sub: 'ada' } })
  const eve = await server.create({ claims: { sub: 'eve' } })
  const ended = await server.create({})
  await server.request(`DELETE /sessions/${ended}`, { key: API_KEY })
  const cookie = await server.logIn()
  const search = async (q: string) =>
    await (await server.get(`/dashboard/sessions?q=${encodeURIComponent(q)}`, cookie)).text()
  const found = await search('ad')
  assert.match(found, ada)
  assert.not.match(found, eve)
  // All were made in the same second.
  const byId = await search(ada.slice(0, 6))
  for (const id of [ada, eve, ended]) assert.match(byId, id)
  assert.match(await search('zzz'), 'No user with a live session')
  for (const id of [ada, ended]) {
    const answer = await server.get(`/dashboard/sessions?q=+${id}+`, cookie)
    assert.is(statusOf(answer), `303 /dashboard/session/${id}`)
  }
  const token = `${ada}.${'s'.repeat(43)}`
  const asToken = await server.get(`/dashboard/sessions?q=${token}`, cookie)
  assert.is(statusOf(asToken), `303 /dashboard/session/${ada}`)
})

test('lists go on by a cursor, and have each session once', async () => {
  const server = openDashboard()
  const { store, clock } = server
  for (let n = 0; n < 120; n++) {
    await store.insert({
      ...{ id: `session-of-a-test-${n}`, secretHash: null, data: '{}', permanent: false },
      ...{ claims: JSON.stringify({ sub: `user-${String(n).padStart(3, '0')}` }), device: null },
      ...{ createdAt: clock.now(), lastSeenAt: clock.now(), idleTimeoutMs: HOUR, lifetimeMs: DAY },
      ...{ ownIdleTimeout: false, ownLifetime: false, version: 1 },
    })
  }
  const cookie = await server.logIn()
  for (const [path, pattern, count] of [
    ['/dashboard/sessions', /data-row href="\/dashboard\/session\/([^"]*)"/g, 120],
    ['/dashboard/sessions?q=user-', /data-row href="\/dashboard\/session\/([^"]*)"/g, 120],
    ['/dashboard/users', /data-row href="\/dashboard\/sessions\?sub=([^"]*)"/g, 120],
    ['/dashboard/feed', /class="id" href="\/dashboard\/session\/([^"]*)"/g, 120],
  ] as const) {
    const seen: string[] = []
    let next: string | undefined = path
    while (next !== undefined) {
      const page: string = await (await server.get(next, cookie)).text()
      seen.push(...[...page.matchAll(pattern)].map(([, id = '']) => id))
      next = /rel="next"\s+href="([^"]*)"/.exec(page)?.[1]?.replaceAll('&amp;', '&')
    }
    assert.equal([seen.length, new Set(seen).size], [count, count], path)
  }
})

test('a session is ended once, by whom is in the audit trail', async () => {
  const server = openDashboard()
  const id = await server.create({ claims: { sub: 'ada' } })
  const cookie = await server.logIn(await server.makeKey('support'))
  const answer = await server.post(`/dashboard/session/${id}/end`, {}, cookie)
  assert.is(statusOf(answer), `303 /dashboard/session/${id}?ended=1`)
  const page = await (await server.get(`/dashboard/session/${id}?ended=1`, cookie)).text()
  assert.match(page, 'One session was ended')
  const again = await server.post(`/dashboard/session/${id}/end`, {}, cookie)
  assert.is(statusOf(again), `303 /dashboard/session/${id}`)
  const lines = server.logged.filter((line) => line.includes('sessions_ended'))
  assert.is(lines.length, 1)
  assert.match(lines[0] ?? '', '"by":"support","via":"dashboard","client":"192.0.2.1"')
})

test('log out everywhere asks once, says how many, and ends no others', async () => {
  const server = openDashboard()
  for (let n = 0; n < 3; n++) await server.create({ claims: { sub: 'ada' } })
  const other = await server.create({ claims: { sub: 'adam' } })
  const cookie = await server.logIn()
  const ask = await (await server.get('/dashboard/users/log-out?sub=ada', cookie)).text()
  assert.match(ask, 'End all 3 sessions')
  assert.is(await server.sessions.count({ app: undefined, sub: 'ada' }), 3)
  const done = await server.post('/dashboard/users/log-out', { sub: 'ada' }, cookie)
  assert.is(statusOf(done), '303 /dashboard/sessions?sub=ada&ended=3')
  assert.is(await server.sessions.count({ app: undefined, sub: 'ada' }), 0)
  assert.is((await server.store.find(other, server.clock.now())).state, 'live')
  const none = await (await server.get('/dashboard/users/log-out?sub=ada', cookie)).text()
  assert.match(none, 'has no live session')
  assert.not.match(none, 'method="post" action="/dashboard/users/log-out"')
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listOf, openBackEnd } from '../../kit/clients/back-end.ts'
import { problemOf, refusalOf, signIn } from '../../kit/process/open-server.ts'

const test = suite('GET /sessions')

const WRONG = [
  ...['', '0', '-1', '1001', '1.5', '1e2', 'ten', '%31%30%30%31', ' 1', '99999999999999999999'].map(
    (value) => `limit=${value.replace(' ', '%20')}`,
  ),
  ...['', '-1', '1.5', 'next', 'null', '0x1', '99999999999999999999'].map(
    (value) => `after=${value}`,
  ),
  'sub=',
  'sub',
  'limit',
  'Sub=ada',
  'subs=ada',
  'user=ada',
  'offset=1',
  'sub[]=ada',
  'all=true',
  '=',
  'sub=%ff',
  'sub=ada&sub=ada',
  'sub=ada&sub=bob',
  'sub=ada&s%75b=bob',
  'limit=1&limit=1',
  'after=1&after=2',
]

/** The ids of all pages, one after the other; `between` runs after each. */
async function walk(
  ask: ReturnType<typeof openBackEnd>['ask'],
  query: string,
  between = async () => {},
) {
  const ids: string[] = []
  for (let after = ''; ;) {
    const { sessions, next } = await listOf(await ask(`GET /sessions?${query}${after}`))
    ids.push(...sessions.map(({ id }) => id))
    if (next === null) return ids
    after = `&after=${next}`
    await between()
  }
}

test('a parameter that is malformed, unknown, misspelt or given twice is 400', async () => {
  const { ask, create } = openBackEnd()
  await create({ claims: { sub: 'ada' } })
  for (const query of WRONG) {
    const answer = await ask(`GET /sessions?${query}`)
    const { code, status, detail } = await problemOf(answer)
    assert.equal([status, code], [400, 'bad_request'], query)
    assert.match(detail, /^Cannot read /)
  }
})

test('a session that comes after the last of a page went is on the next page', async () => {
  const { ask, create } = openBackEnd()
  await create()
  const last = await create()
  await create()
  const { next } = await listOf(await ask('GET /sessions?limit=2'))
  const { sessions } = await listOf(await ask(`GET /sessions?after=${next}`))
  for (const { id } of [...sessions, last]) await ask(`DELETE /sessions/${id}`)
  const { id } = await create()
  const page = await listOf(await ask(`GET /sessions?after=${next}`))
  assert.equal(
    page.sessions.map((session) => session.id),
    [id],
  )
})

test('no session is an empty list, and so is a user whom nobody knows', async () => {
  const { ask, create } = openBackEnd()
  const empty = { sessions: [], next: null }
  assert.equal(await listOf(await ask('GET /sessions')), empty)
  await create({ claims: { sub: 'ada' } })
  for (const sub of ['eve', 'ad', 'adaa', 'Ada', '%20ada', 'ada%20', "ada'--", '%25', 'a*', '*']) {
    assert.equal(await listOf(await ask(`GET /sessions?sub=${sub}`)), empty, sub)
  }
})

test('sessions are listed as they came, each as GET /sessions/:id shows it', async () => {
  const { ask, create } = openBackEnd()
  const first = await create({ data: { a: 1 }, claims: { sub: 'ada' }, permanent: true })
  const second = await create({ claims: { role: 'guest' } })
  const { sessions, next } = await listOf(await ask('GET /sessions'))
  assert.is(next, null)
  for (const [index, { id }] of [first, second].entries()) {
    const shown = await ask(`GET /sessions/${id}?touch=false`)
    assert.equal(sessions[index], JSON.parse(await shown.text()))
  }
})

test('no token, no secret and no hash of one is in the list', async () => {
  const { ask, create, database } = openBackEnd()
  const { token = '' } = await create({ claims: { sub: 'ada' } })
  const text = await (await ask('GET /sessions')).text()
  const hash = String(database.prepare('select secret_hash from sessions').pluck().get())
  for (const part of [token, token.split('.')[1] ?? '', hash]) assert.not(text.includes(part))
  const [shown] = JSON.parse(text).sessions
  const names = 'id data claims permanent createdAt lastSeenAt expiresAt lifetimeEndsAt device'
  assert.equal(Object.keys(shown), names.split(' '))
})

test('?sub= lists the live sessions of this user and nobody else', async () => {
  const { ask, request, create, clock } = openBackEnd()
  const ada = await create({ claims: { sub: 'ada' } })
  await create({ claims: { sub: 'bob' } })
  await create({ data: { sub: 'ada' } })
  await create({ claims: { user: 'ada' } })
  await signIn(request, { sub: 'ada' })
  const [ended, idle] = [
    await create({ claims: { sub: 'ada' } }),
    await create({ claims: { sub: 'ada' }, idleTimeout: 1 }),
  ]
  await ask(`DELETE /sessions/${ended.id}`)
  clock.advance(1_000)
  assert.equal(await walk(ask, 'sub=ada'), [ada.id])
  assert.not((await walk(ask, '')).includes(idle.id))
})

test('a sub of any characters is found by its escaped name', async () => {
  const { ask, create } = openBackEnd()
  for (const sub of [
    'ada@example.org',
    'a&b=c',
    'a+b',
    'a b',
    '日本',
    '%',
    "o'hara",
    '"',
    '\\',
    '__proto__',
    '1',
  ]) {
    const { id } = await create({ claims: { sub } })
    assert.equal(await walk(ask, `sub=${encodeURIComponent(sub)}`), [id], sub)
  }
  assert.is((await walk(ask, 'sub=a+b')).length, 1)
})

test('a session changes lists with its user', async () => {
  const { ask, create } = openBackEnd()
  const { id } = await create({ claims: { sub: 'ada' } })
  const body = '{"claims":{"sub":"bob"}}'
  const renewed = await ask(`PATCH /sessions/${id}`, { body })
  const next: { id: string } = JSON.parse(await renewed.text())
  assert.equal([await walk(ask, 'sub=ada'), await walk(ask, 'sub=bob')], [[], [next.id]])
  await ask(`PATCH /sessions/${next.id}`, { body: '{"claims":{"sub":null}}' })
  assert.equal([await walk(ask, 'sub=bob'), (await walk(ask, '')).length], [[], 1])
})

test('a page has 100 sessions unless ?limit= says less or more, up to 1000', async () => {
  const { ask, create } = openBackEnd()
  for (let n = 0; n < 101; n++) await create({ claims: { sub: 'ada' } })
  const sizeOf = async (query: string) => {
    const { sessions, next } = await listOf(await ask(`GET /sessions${query}`))
    return [sessions.length, next === null]
  }
  assert.equal(await sizeOf(''), [100, false])
  assert.equal(await sizeOf('?sub=ada'), [100, false])
  assert.equal(await sizeOf('?limit=1'), [1, false])
  assert.equal(await sizeOf('?limit=1000'), [101, true])
})

test('the pages hold each session once and in order, for every size of a page', async () => {
  const { ask, create } = openBackEnd()
  const all: string[] = []
  const ada: string[] = []
  for (let n = 0; n < 12; n++) {
    const { id } = await create({ claims: { sub: n % 3 === 0 ? 'ada' : 'bob' } })
    all.push(id)
    if (n % 3 === 0) ada.push(id)
  }
  for (const limit of [1, 2, 3, 4, 5, 12, 13]) {
    assert.equal(await walk(ask, `limit=${limit}`), all)
    assert.equal(await walk(ask, `sub=ada&limit=${limit}`), ada)
  }
})

test('a session that stays is in exactly one page, while others come and go', async () => {
  const { ask, create } = openBackEnd()
  const opened = []
  for (let n = 0; n < 12; n++) opened.push(await create({ claims: { sub: 'ada' } }))
  const going = opened.filter((_, n) => n % 4 === 1 || n % 4 === 2).map(({ id }) => id)
  const staying = opened.filter(({ id }) => !going.includes(id)).map(({ id }) => id)
  const came: string[] = []
  const seen = await walk(ask, 'sub=ada&limit=3', async () => {
    const id = going.shift()
    if (id === undefined) return
    await ask(`DELETE /sessions/${id}`)
    came.push((await create({ claims: { sub: 'ada' } })).id)
    await ask(`PUT /sessions/${staying[0]}/a`, { body: '1' })
  })
  assert.is(new Set(seen).size, seen.length)
  assert.equal(
    seen.filter((id) => staying.includes(id)),
    staying,
  )
})

test('a cursor holds when the session it points at has ended', async () => {
  const { ask, create } = openBackEnd()
  const ids = []
  for (let n = 0; n < 4; n++) ids.push((await create()).id)
  const { next } = await listOf(await ask('GET /sessions?limit=2'))
  for (const id of ids.slice(0, 3)) await ask(`DELETE /sessions/${id}`)
  const { sessions } = await listOf(await ask(`GET /sessions?limit=2&after=${next}`))
  assert.equal(
    sessions.map(({ id }) => id),
    ids.slice(3),
  )
})

test('a page of large sessions ends early, and the pages still hold all of them', async () => {
  const { ask, create } = openBackEnd()
  const ids = []
  for (let n = 0; n < 40; n++) ids.push((await create({ data: { a: 'x'.repeat(60_000) } })).id)
  const { sessions, next } = await listOf(await ask('GET /sessions'))
  assert.ok(sessions.length < 40 && next !== null)
  assert.equal(await walk(ask, ''), ids)
})

test('to be listed is no activity', async () => {
  const { ask, create, clock } = openBackEnd()
  const { id, lastSeenAt } = await create({ claims: { sub: 'ada' } })
  clock.advance(60_000)
  await ask('GET /sessions')
  const { sessions } = await listOf(await ask('GET /sessions?sub=ada'))
  assert.equal([sessions[0]?.id, sessions[0]?.lastSeenAt], [id, lastSeenAt])
})

test('activity of which the file does not know yet shows in the list', async () => {
  const { ask, request, create, clock } = openBackEnd({ idleTimeoutMs: 2_000 })
  const { cookie } = await create({ claims: { sub: 'ada' } })
  clock.advance(1_500)
  await request('GET /session', { cookie })
  clock.set(clock.now() + 1_500)
  const { sessions } = await listOf(await ask('GET /sessions?sub=ada'))
  assert.is(sessions.length, 1)
  assert.is(Date.parse(sessions[0]?.lastSeenAt ?? ''), clock.now() - 1_500)
})

test('HEAD has the status of GET and no body', async () => {
  const { ask } = openBackEnd()
  const head = await ask('HEAD /sessions?sub=ada')
  assert.equal([head.status, await head.text()], [200, ''])
  assert.is((await ask('HEAD /sessions?limit=0')).status, 400)
  assert.is(await refusalOf(await ask('GET /sessions?limit=0')), '400 bad_request')
})

test.run()

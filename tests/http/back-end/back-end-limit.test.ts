import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  bodyOf,
  endingOf,
  jsonPatch,
  listOf,
  openBackEnd,
  rowsOf,
} from '../../kit/clients/back-end.ts'
import { cookieOf, problemOf, refusalOf, sessionOf, signIn } from '../../kit/process/open-server.ts'
import { sealRows } from '../../kit/store/seal-rows.ts'

const test = suite('sessions of one user')

const REFUSE = { maxSessionsPerSub: 2, onSessionLimit: 'refuse' } as const
const ADA = { claims: { sub: 'ada' } }
const EVICTED = '410 session_ended evicted'

/** A server on which ada has as many sessions as she may, the oldest first. */
async function openFull(options = {}) {
  const server = openBackEnd({ maxSessionsPerSub: 2, ...options })
  const log = async () => {
    server.clock.advance(1_000)
    return await server.create(ADA)
  }
  const oldest = await log()
  const newest = await log()
  const liveOf = async (sub: string) => {
    const { sessions } = await listOf(await server.ask(`GET /sessions?sub=${sub}`))
    return sessions.map(({ id }) => id)
  }
  return { ...server, oldest, newest, log, liveOf }
}

test('where the limit refuses, the one too many is 409, and nothing is created or ended', async () => {
  const { ask, ...server } = await openFull(REFUSE)
  const visitor = await signIn(server.request, { a: 1 })
  const other = await server.create({ claims: { sub: 'bob' } })
  const before = rowsOf(server)
  const body = JSON.stringify(ADA)
  for (const [line, more] of [
    ['POST /sessions', { body }],
    ['PUT /sessions/a-session-of-my-own', { body }],
    [`PUT /sessions/${other.id}`, { body }],
    [`PATCH /sessions/${other.id}`, { body }],
    [`PATCH /sessions/${other.id}`, jsonPatch([{ op: 'add', path: '/claims/sub', value: 'ada' }])],
    ['PATCH /session', { body, cookie: visitor }],
  ] as const) {
    const answer = await ask(line, more)
    assert.is(answer.headers.get('set-cookie'), null)
    const { status, code, detail } = await problemOf(answer)
    assert.equal([status, code], [409, 'too_many_sessions'], line)
    assert.match(
      detail,
      'there are 2 already, the limit is 2; end one of them first (--max-sessions-per-sub)',
    )
  }
  assert.equal(rowsOf(server), before)
  assert.is((await server.request('GET /session', { cookie: visitor })).status, 200)
})

test('where the limit refuses, room is made by whatever ends a session', async () => {
  const { ask, request, clock, oldest, newest, log } = await openFull(REFUSE)
  const body = JSON.stringify(ADA)
  const isFull = async () => (await ask('POST /sessions', { body })).status === 409
  await request('DELETE /session', { cookie: oldest.cookie })
  await log()
  assert.ok(await isFull())
  await ask(`PATCH /sessions/${newest.id}`, { body: '{"claims":{"sub":"bob"}}' })
  await log()
  assert.ok(await isFull())
  await ask('DELETE /sessions?sub=ada')
  await log()
  const short = await ask('POST /sessions', { body: JSON.stringify({ ...ADA, idleTimeout: 60 }) })
  assert.is(short.status, 201)
  assert.ok(await isFull())
  clock.advance(60_000)
  assert.not(await isFull())
})

test('the one too many evicts the oldest, names it, and its holder is told', async () => {
  const { request, oldest, newest, log, liveOf } = await openFull()
  assert.equal([oldest.evicted, newest.evicted], [[], []])
  const third = await log()
  assert.equal(third.evicted, [oldest.id])
  assert.equal(await liveOf('ada'), [newest.id, third.id])

  const { cookie } = oldest
  for (const line of ['GET /session', 'DELETE /session', 'POST /session/clear']) {
    assert.is(await endingOf(await request(line, { cookie })), EVICTED)
  }
  const verified = await request('GET /verify', { cookie })
  assert.equal([verified.status, verified.headers.get('session-sub')], [401, ''])
})

test('the oldest is the one created first, however lately it was used or renewed', async () => {
  const { ask, request, clock, oldest, newest, log, liveOf } = await openFull()
  const renewed = await bodyOf(await ask(`POST /sessions/${oldest.id}/renew`))
  clock.advance(60_000)
  await request('PUT /session/a', { cookie: `sid=${renewed.token}`, body: '1' })
  const third = await log()
  assert.equal(third.evicted, [renewed.id])
  assert.equal(await liveOf('ada'), [newest.id, third.id])
})

test('each way to become a session of the user evicts the oldest, and says so to the back end', async () => {
  const body = JSON.stringify(ADA)
  const steps = jsonPatch([{ op: 'add', path: '/claims', value: { sub: 'ada' } }])
  for (const [line, more] of [
    ['POST /sessions', { body }],
    ['PUT /sessions/a-session-of-my-own', { body }],
    ['PUT /sessions/BOB', { body }],
    ['PATCH /sessions/BOB', { body }],
    ['PATCH /sessions/BOB', steps],
    ['PATCH /session', { body, cookie: 'VISITOR' }],
    ['PATCH /session', { ...steps, cookie: 'VISITOR' }],
  ] as const) {
    const { ask, request, create, oldest, newest, liveOf } = await openFull()
    const bob = await create({ claims: { sub: 'bob' } })
    const cookie = 'cookie' in more ? await signIn(request, { a: 1 }) : ''
    const answer = await ask(line.replace('BOB', bob.id), { ...more, cookie })
    assert.ok(answer.ok, line)
    const { id, evicted } = await bodyOf(answer)
    assert.equal(evicted, [oldest.id], line)
    assert.equal(new Set(await liveOf('ada')), new Set([newest.id, id]), line)
    assert.is(await endingOf(await request('GET /session', { cookie: oldest.cookie })), EVICTED)
  }
})

test('a session that is of the user already evicts none, whatever is written to it', async () => {
  const { ask, request, oldest, newest, liveOf } = await openFull()
  const both = [oldest.id, newest.id]
  await ask(`PUT /sessions/${newest.id}`, { body: JSON.stringify(ADA) })
  await ask(`PATCH /sessions/${newest.id}`, { body: '{"claims":{"sub":"ada","role":"admin"}}' })
  await request('PUT /session/a', { cookie: newest.cookie, body: '1' })
  assert.equal(await liveOf('ada'), both)
  const renewed = cookieOf(await request('POST /session/renew', { cookie: newest.cookie }))
  const { id } = await sessionOf(await request('GET /session', { cookie: renewed }))
  assert.equal(await liveOf('ada'), [oldest.id, id])
})

test('sessions of others and of nobody are neither counted nor evicted', async () => {
  const { ask, request, create, oldest, log, liveOf } = await openFull()
  const bob = await create({ claims: { sub: 'bob' } })
  const guests = []
  for (let n = 0; n < 5; n++) guests.push(await signIn(request, { n }))
  await create({ data: { sub: 'ada' } })
  assert.equal((await log()).evicted, [oldest.id])
  assert.equal(await liveOf('bob'), [bob.id])
  for (const cookie of guests) assert.is((await request('GET /session', { cookie })).status, 200)
  assert.is((await listOf(await ask('GET /sessions'))).sessions.length, 9)
})

test('what has expired is not counted, and what lives by activity of late is', async () => {
  const { request, create, clock, liveOf } = openLimited()
  const [idle, used] = [
    await create({ ...ADA, idleTimeout: 2 }),
    await create({ ...ADA, idleTimeout: 2 }),
  ]
  clock.set(clock.now() + 1_500)
  await request('GET /session', { cookie: used.cookie })
  clock.set(clock.now() + 1_500)
  const third = await create(ADA)
  assert.equal(third.evicted, [])
  assert.equal(await liveOf('ada'), [used.id, third.id])
  assert.is(
    await endingOf(await request('GET /session', { cookie: idle.cookie })),
    '410 session_ended idle_timeout',
  )
  assert.equal((await create(ADA)).evicted, [used.id])
})

test('a user who has more than a limit that was lowered is brought down to it', async () => {
  const { database, clock, create, liveOf } = openLimited()
  const insert = database.prepare(
    `insert into sessions (id, data, claims, sub, permanent, created_at, last_seen_at,
       idle_timeout_ms, lifetime_ms, sweep_at, version)
     values (?, '{}', '{"sub":"ada"}', 'ada', 0, $now, $now, 60000, 60000, $now + 60000, 1)`,
  )
  const old = ['old-1', 'old-2', 'old-3', 'old-4', 'old-5']
  for (const id of old) insert.run(id, { now: clock.now() })
  sealRows(database)
  const { id, evicted } = await create(ADA)
  assert.equal(evicted, old.slice(0, 4))
  assert.equal(await liveOf('ada'), ['old-5', id])
})

test('with a limit of 1 the newest log-in is the only one', async () => {
  const { create, request, clock } = openBackEnd({ maxSessionsPerSub: 1 })
  let last = await create(ADA)
  for (let n = 0; n < 5; n++) {
    clock.advance(1)
    const next = await create(ADA)
    assert.equal(next.evicted, [last.id])
    assert.is(await endingOf(await request('GET /session', { cookie: last.cookie })), EVICTED)
    last = next
  }
})

test('20 log-ins of one user at once leave as many as may be, the others evicted once each', async () => {
  const { request, create, liveOf } = openLimited(5)
  const opened = await Promise.all(Array.from({ length: 20 }, () => create(ADA)))
  const evicted = opened.flatMap((session) => session.evicted ?? [])
  assert.equal([evicted.length, new Set(evicted).size], [15, 15])
  assert.is((await liveOf('ada')).length, 5)
  for (const { id, cookie } of opened) {
    const answer = await request('GET /session', { cookie })
    assert.is(answer.ok ? '' : await endingOf(answer), evicted.includes(id) ? EVICTED : '')
  }
})

test('without a limit nobody is evicted', async () => {
  const { ask, create } = openBackEnd()
  for (let n = 0; n < 30; n++) assert.equal((await create(ADA)).evicted, [])
  assert.is((await listOf(await ask('GET /sessions?sub=ada'))).sessions.length, 30)
})

test('where the limit refuses, a session of the user may still become that of another', async () => {
  const { ask, oldest, liveOf } = await openFull(REFUSE)
  const body = '{"claims":{"sub":"bob"}}'
  assert.is((await ask(`PATCH /sessions/${oldest.id}`, { body })).status, 200)
  assert.is((await liveOf('ada')).length, 1)
  assert.is(
    await refusalOf(await ask(`PATCH /sessions/${oldest.id}`, { body })),
    '410 session_ended',
  )
})

test.run()

function openLimited(maxSessionsPerSub = 2) {
  const server = openBackEnd({ maxSessionsPerSub })
  const liveOf = async (sub: string) => {
    const { sessions } = await listOf(await server.ask(`GET /sessions?sub=${sub}`))
    return sessions.map(({ id }) => id)
  }
  return { ...server, liveOf }
}

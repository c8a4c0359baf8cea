import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checksumOf, defineChecksums } from '../../lib/store-sqlite/tables/checksum.ts'
import { END_OF_TIME_MS } from '../../lib/session/session.ts'
import { parseSessionLine, renderSessionLine } from '../../lib/transfer/session-line.ts'
import { bodyOf, jsonPatch, openBackEnd } from '../kit/clients/back-end.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { DAY, HOUR, MINUTE, LIMITS } from '../kit/store/limits.ts'
import { openFileStore } from '../kit/store/open-file-store.ts'
import { cookieOf, problemOf, refusalOf, sessionOf } from '../kit/process/open-server.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('limits of a session')

/** Both equal to those of the settings. */
const ORDINARY = { idleTimeout: 1_800, lifetime: 43_200 }

test('limits that were given are kept as given, though they equal those of the settings', async () => {
  for (const [given, idleMs, lifetimeMs] of [
    [ORDINARY, 30 * MINUTE, 12 * HOUR],
    [{ idleTimeout: 1_800 }, 30 * MINUTE, 31 * DAY],
    [{ lifetime: 43_200 }, 12 * HOUR, 12 * HOUR],
    [{}, 31 * DAY, 31 * DAY],
  ] as const) {
    for (const ask of [{ body: '{"permanent":true}' }, jsonPatch([PERMANENT])]) {
      const { request, create, clock } = openBackEnd()
      const { cookie } = await create(given)
      const seen = await sessionOf(await request('PATCH /session', { cookie, ...ask }))
      assert.is(seen.permanent, true)
      assert.is(Date.parse(seen.expiresAt), clock.now() + idleMs)
      assert.is(Date.parse(seen.lifetimeEndsAt), clock.now() + lifetimeMs)
    }
  }
})

const PERMANENT = { op: 'replace', path: '/permanent', value: true }

test('limits of a permanent session that equal those of the settings are kept, too', async () => {
  const { request, create, clock } = openBackEnd()
  const days = 31 * 86_400
  const { cookie } = await create({ permanent: true, idleTimeout: days, lifetime: days })
  const answer = await request('PATCH /session', { cookie, body: '{"permanent":false}' })
  const seen = await sessionOf(answer)
  assert.is(Date.parse(seen.lifetimeEndsAt), clock.now() + 31 * DAY)
})

const ENDLESS = '9999-12-31T23:59:59.999Z'

test('a lifetime of null is none: the session lives as long as it is used, and no longer', async () => {
  const { request, create, clock } = openBackEnd({ lifetimeMs: 2 * MINUTE, idleTimeoutMs: MINUTE })
  const { cookie, lifetimeEndsAt } = await create({ lifetime: null })
  assert.is(lifetimeEndsAt, ENDLESS)
  for (let n = 0; n < 5; n++) {
    clock.advance(MINUTE - 1)
    assert.is((await request('GET /session', { cookie })).status, 200)
  }
  clock.advance(MINUTE)
  const ended = await problemOf(await request('GET /session', { cookie }))
  assert.equal([ended.code, ended.reason], ['session_ended', 'idle_timeout'])
})

test('a lifetime of null comes by PATCH and PUT, too, and goes by a lifetime', async () => {
  const { ask, create } = openBackEnd()
  const { id, createdAt } = await create()
  for (const [line, body, ends] of [
    ['PATCH', { lifetime: null }, ENDLESS],
    ['PATCH', { permanent: true }, ENDLESS],
    ['PATCH', { lifetime: 600 }, Date.parse(createdAt) + 600_000],
    ['PUT', { lifetime: null, idleTimeout: 3_650 * 86_400 }, ENDLESS],
    ['PUT', {}, Date.parse(createdAt) + 12 * HOUR],
  ] as const) {
    const answer = await ask(`${line} /sessions/${id}`, { body: JSON.stringify(body) })
    const { lifetimeEndsAt } = await bodyOf(answer)
    assert.is(typeof ends === 'number' ? Date.parse(lifetimeEndsAt) : lifetimeEndsAt, ends)
  }
})

test('the cookie of a permanent session without a lifetime lasts as long as browsers keep one', async () => {
  const { create } = openBackEnd()
  const { setCookie } = await create({ permanent: true, lifetime: null })
  assert.match(setCookie ?? '', `Max-Age=${400 * 86_400};`)
})

test('a lifetime from now begins with each write that gives one', async () => {
  const { ask, create, clock } = openBackEnd()
  const { id } = await create({ idleTimeout: 3_600, lifetime: 3_600 })
  const body = '{"idleTimeout":3600,"lifetime":3600,"lifetimeFrom":"now"}'
  for (const method of ['PUT', 'PATCH', 'PUT', 'PUT']) {
    clock.advance(50 * MINUTE)
    const seen = await bodyOf(await ask(`${method} /sessions/${id}`, { body }))
    assert.is(Date.parse(seen.lifetimeEndsAt), clock.now() + HOUR, method)
  }
  clock.advance(HOUR - 1)
  assert.is((await ask(`GET /sessions/${id}`)).status, 200)
  clock.advance(1)
  const ended = await problemOf(await ask(`GET /sessions/${id}`))
  assert.equal([ended.code, ended.reason], ['session_ended', 'lifetime'])
})

test('a lifetime from its creation on is what counts without a word', async () => {
  const { ask, create, clock } = openBackEnd()
  const { id, createdAt } = await create({ idleTimeout: 7_200 })
  clock.advance(HOUR)
  for (const body of ['{"lifetime":7200}', '{"lifetime":7200,"lifetimeFrom":"creation"}']) {
    const { lifetimeEndsAt } = await bodyOf(await ask(`PATCH /sessions/${id}`, { body }))
    assert.is(Date.parse(lifetimeEndsAt), Date.parse(createdAt) + 2 * HOUR)
  }
})

test('an idle timeout longer than a lifetime from now is refused, however old the session is', async () => {
  const { ask, create, clock } = openBackEnd()
  const { id } = await create({ idleTimeout: 7_200 })
  clock.advance(HOUR)
  const body = '{"lifetime":3600,"lifetimeFrom":"now"}'
  const refused = await problemOf(await ask(`PATCH /sessions/${id}`, { body }))
  assert.is(refused.code, 'invalid_argument')
  assert.match(refused.detail, '"idleTimeout" would be 7200 seconds and "lifetime" 3600')
})

test('lifetimeFrom that says nothing, or no lifetime, is refused', async () => {
  const { ask, request, create } = openBackEnd()
  const { id, cookie } = await create()
  for (const times of [
    { lifetimeFrom: 'now' },
    { lifetime: null, lifetimeFrom: 'now' },
    { lifetime: 60, lifetimeFrom: 'then' },
    { lifetime: 60, lifetimeFrom: true },
    { idleTimeout: null },
    { lifetime: 0 },
    { lifetime: 'null' },
  ]) {
    const body = JSON.stringify(times)
    for (const line of ['POST /sessions', `PUT /sessions/${id}`, `PATCH /sessions/${id}`]) {
      assert.is(await refusalOf(await ask(line, { body })), '422 invalid_argument', body)
    }
  }
  const own = await request('PATCH /session', { cookie, body: '{"lifetime":null}' })
  assert.is(await refusalOf(own), '422 invalid_argument')
})

test('a line of an export keeps a lifetime that has no end, and one that began anew', () => {
  const lifetimes = [END_OF_TIME_MS - 5_000, 600 * DAY]
  for (const lifetimeMs of lifetimes) {
    const session = sessionAt(5_000, { secretHash: null, lifetimeMs, ownLifetime: true })
    assert.equal(parseSessionLine(renderSessionLine(session, true), 0), session)
  }
  const over = renderSessionLine(sessionAt(5_001, { lifetimeMs: END_OF_TIME_MS - 5_000 }), false)
  assert.throws(() => parseSessionLine(over, 0), /must not end the session after the year 9999/)
})

test('limits outlive a new id and a new sub, and PUT takes them back', async () => {
  const { ask, request, create, clock } = openBackEnd()
  const { cookie } = await create(ORDINARY)
  const renewed = cookieOf(await request('POST /session/renew', { cookie }))
  const body = '{"claims":{"sub":"ada"}}'
  const assigned = await ask('PATCH /session', { cookie: renewed, body })
  const more = { cookie: cookieOf(assigned), body: '{"permanent":true}' }
  const { id, lifetimeEndsAt } = await sessionOf(await request('PATCH /session', more))
  assert.is(Date.parse(lifetimeEndsAt), clock.now() + 12 * HOUR)

  const replaced = await bodyOf(await ask(`PUT /sessions/${id}`, { body: '{}' }))
  assert.is(replaced.permanent, false)
  const last = await ask(`PATCH /sessions/${replaced.id}`, { body: '{"permanent":true}' })
  assert.is(Date.parse((await bodyOf(last)).lifetimeEndsAt), clock.now() + 31 * DAY)
})

test('an idle timeout over the lifetime is 422, and nothing is written', async () => {
  const { ask, create, database } = openBackEnd()
  const days = 30 * 86_400
  const { id } = await create({ idleTimeout: 1_000 })
  const before = database.prepare('select * from sessions').all()
  for (const [line, given, flag] of [
    ['POST /sessions', { idleTimeout: days }, / \(--lifetime\)/],
    ['POST /sessions', { idleTimeout: 43_201 }, / \(--lifetime\)/],
    ['POST /sessions', { idleTimeout: days, lifetime: days - 1 }, /"lifetime" 2591999, which/],
    ['POST /sessions', { permanent: true, idleTimeout: days * 2 }, /--permanent-lifetime/],
    ['POST /sessions', { permanent: true, idleTimeout: 60, lifetime: 59 }, /"lifetime" 59, which/],
    ['PUT /sessions/an-id-of-17-chars', { idleTimeout: days }, / \(--lifetime\)/],
    [`PUT /sessions/${id}`, { idleTimeout: days }, / \(--lifetime\)/],
    [`PATCH /sessions/${id}`, { idleTimeout: days }, / \(--lifetime\)/],
    [`PATCH /sessions/${id}`, { lifetime: 999 }, /"lifetime" 999, which/],
  ] as const) {
    const problem = await problemOf(await ask(line, { body: JSON.stringify(given) }))
    assert.equal([problem.status, problem.code], [422, 'invalid_argument'], line)
    assert.match(problem.detail, /"idleTimeout" would be \d+ seconds and "lifetime" \d+/)
    assert.match(problem.detail, flag)
  }
  assert.equal(database.prepare('select * from sessions').all(), before)
})

test('a flag that would leave an idle timeout of its own over the lifetime is 422', async () => {
  const { request, create, clock } = openBackEnd()
  const { cookie } = await create({ permanent: true, idleTimeout: 20 * 86_400 })
  const refused = await request('PATCH /session', { cookie, body: '{"permanent":false}' })
  assert.is(await refusalOf(refused), '422 invalid_argument')
  const { permanent, expiresAt } = await sessionOf(await request('GET /session', { cookie }))
  assert.equal([permanent, Date.parse(expiresAt)], [true, clock.now() + 20 * DAY])
})

test('a back end sets limits by PATCH, from creation on, and they are of its own then', async () => {
  const { ask, request, create, clock } = openBackEnd()
  const { id, cookie } = await create()
  const began = clock.now()
  clock.advance(MINUTE)
  const body = '{"idleTimeout":1800,"lifetime":43200}'
  for (const [line, more] of [
    ['PATCH /session', { cookie }],
    [`PATCH /sessions/${id}`, {}],
  ] as const) {
    const seen = await bodyOf(await ask(line, { ...more, body }))
    assert.is(Date.parse(seen.expiresAt), clock.now() + 30 * MINUTE)
    assert.is(Date.parse(seen.lifetimeEndsAt), began + 12 * HOUR)
  }
  const holder = { cookie, body: '{"permanent":true}' }
  const { lifetimeEndsAt } = await sessionOf(await request('PATCH /session', holder))
  assert.is(Date.parse(lifetimeEndsAt), began + 12 * HOUR)
})

test('a holder sets no limits, and nothing else of its patch is done', async () => {
  const { request, create } = openBackEnd()
  const { cookie } = await create()
  for (const name of ['idleTimeout', 'lifetime']) {
    const body = JSON.stringify({ data: { a: 1 }, [name]: 60 })
    const answer = await request('PATCH /session', { cookie, body })
    const { status, code, detail } = await problemOf(answer)
    assert.equal([status, code], [422, 'invalid_argument'])
    assert.match(
      detail,
      'with its API key, login, idleTimeout, lifetime, lifetimeFrom and keepEnded',
    )
  }
  assert.equal((await sessionOf(await request('GET /session', { cookie }))).data, {})
})

test('a cookie is kept as long as the lifetime that a back end gave, where it is permanent', async () => {
  const { ask, request, create, clock } = openBackEnd()
  const days = 30 * 86_400
  const own = { idleTimeout: days, lifetime: days }
  assert.not.match((await create(own)).setCookie ?? '', 'Max-Age')
  const { cookie, setCookie } = await create({ ...own, permanent: true })
  assert.match(setCookie ?? '', `; Max-Age=${days};`)

  clock.advance(10_000)
  const renewed = await request('POST /session/renew', { cookie })
  assert.match(renewed.headers.get('set-cookie') ?? '', `; Max-Age=${days - 10};`)
  const last = { cookie: cookieOf(renewed) }
  const patched = await ask('PATCH /session', { ...last, body: '{"lifetime":3000000}' })
  assert.is(cookieOf(patched), last.cookie)
  assert.match(patched.headers.get('set-cookie') ?? '', '; Max-Age=2999990;')
  const same = await ask('PATCH /session', { ...last, body: '{"lifetime":3000000}' })
  assert.is(same.headers.get('set-cookie'), null)
})

test('a restart with other limits changes no session; the flag brings those of today', async () => {
  const clock = createFakeClock()
  const now = clock.now()
  const first = await openFileStore({ clock })
  await first.store.insert(sessionAt(now, { id: 'ordinary' }))
  await first.store.insert(sessionAt(now, { id: 'own', ownIdleTimeout: true, ownLifetime: true }))
  await first.store.close()

  const limits = { ...LIMITS, ordinary: { idleTimeoutMs: HOUR, lifetimeMs: DAY } }
  const { store } = await openFileStore({ path: first.path, clock, limits })
  const limitsOf = async (id: string, permanent?: boolean) => {
    const changed =
      permanent === undefined
        ? await store.find(id, now)
        : await store.change(id, now, { name: 'update', permanent })
    if (changed.state !== 'live') throw new Error('it has ended')
    return [changed.session.idleTimeoutMs, changed.session.lifetimeMs]
  }
  for (const id of ['ordinary', 'own']) assert.equal(await limitsOf(id), [30 * MINUTE, 12 * HOUR])
  assert.equal(await limitsOf('ordinary', false), [30 * MINUTE, 12 * HOUR])
  assert.equal(await limitsOf('ordinary', true), [31 * DAY, 31 * DAY])
  assert.equal(await limitsOf('ordinary', false), [HOUR, DAY])
  for (const flag of [true, false]) {
    assert.equal(await limitsOf('own', flag), [30 * MINUTE, 12 * HOUR])
  }
  await store.close()
})

test('an export tells which limits are a session’s own; a line of before counts them as given', () => {
  const now = Date.UTC(2026, 0, 1)
  for (const own of [
    { ownIdleTimeout: true, ownLifetime: true },
    { ownIdleTimeout: true, ownLifetime: false },
    { ownIdleTimeout: false, ownLifetime: true },
    { ownIdleTimeout: false, ownLifetime: false },
  ]) {
    const session = sessionAt(now, { id: 'an-id-of-17-chars', secretHash: null, ...own })
    assert.equal(parseSessionLine(renderSessionLine(session, true), now), session)
    const older = renderSessionLine(session, true).replace(/"own(IdleTimeout|Lifetime)":\w+,/g, '')
    const { ownIdleTimeout, ownLifetime } = parseSessionLine(older, now)
    assert.equal([ownIdleTimeout, ownLifetime], [true, true])
  }
})

test('a default idle timeout over the lifetime is read back, one of its own is not', () => {
  const now = Date.UTC(2026, 0, 1)
  const session = sessionAt(now, {
    id: 'an-id-of-17-chars',
    secretHash: null,
    idleTimeoutMs: 2 * DAY,
    lifetimeMs: DAY,
    ownIdleTimeout: false,
    ownLifetime: true,
  })
  const line = renderSessionLine(session, true)
  assert.equal(parseSessionLine(line, now), session)
  // Before, nobody was told that such a one ends sooner; so it is no wrong line.
  assert.equal(
    parseSessionLine(line.replace(/"own(IdleTimeout|Lifetime)":\w+,/g, ''), now),
    session,
  )
  assert.is(renderSessionLine({ ...session, ownIdleTimeout: true }, true), line)
  assert.throws(
    () => parseSessionLine(line.replace('"ownIdleTimeout":false', '"ownIdleTimeout":true'), now),
    /"idleTimeoutMs" of its own \("ownIdleTimeout"\) must not be over "lifetimeMs"/,
  )
})

test('sessions of schema 5 are as they were, and their holders cannot lengthen them', async () => {
  const clock = createFakeClock()
  const now = clock.now()
  const path = join(makeFolder(), 'sessions.db')
  const session = sessionAt(now, { id: 'before', ownIdleTimeout: true, ownLifetime: true })
  makeFileOfSchema5(path)
  const database = new Database(path)
  database
    .prepare(
      `insert into sessions (id, secret_hash, data, claims, permanent, created_at, last_seen_at,
         idle_timeout_ms, lifetime_ms, sweep_at, version, checksum)
       values (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)`,
    )
    // CRC-32 and last activity, as schema 5 has had it.
    .run(
      'before',
      'hash',
      '{}',
      '{}',
      now,
      now,
      30 * MINUTE,
      12 * HOUR,
      now,
      1,
      checksumOf(session),
    )
  database.close()

  const { store } = await openFileStore({ path, clock })
  assert.equal(await store.find('before', now), { state: 'live', session })
  const changed = await store.change('before', now, { name: 'update', permanent: true })
  assert.equal(changed, {
    state: 'live',
    session: { ...session, permanent: true, version: 2 },
  })
  await store.close()
})

function makeFileOfSchema5(path: string): void {
  const database = new Database(path)
  defineChecksums(database)
  for (const name of [
    '001-sessions',
    '002-back-ends',
    '003-outside-changes',
    '004-checksums',
    '005-tombstone-checksums',
  ]) {
    const file = new URL(`../../lib/store-sqlite/database/migrations/${name}.sql`, import.meta.url)
    database.exec(readFileSync(file, 'utf8'))
  }
  database.pragma(`application_id = ${0x436f6174}`)
  database.pragma('user_version = 5')
  database.close()
}

test.run()

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { expiresAt, type Session } from '../../lib/session/session.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { DAY, HOUR, LIMITS } from '../kit/store/limits.ts'
import { openFileStore } from '../kit/store/open-file-store.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('migrations')

const MIGRATIONS = globSync('lib/store-sqlite/database/migrations/*.sql').length

/** Of a session of before nobody knows where its limits came from: they count as given. */
const OWN_LIMITS = { ownIdleTimeout: true, ownLifetime: true }

test('a file of schema 1 keeps its sessions and tombstones, and works as a new one', async () => {
  const clock = createFakeClock()
  const now = clock.now()
  const path = join(makeFolder(), 'sessions.db')
  makeFileOfSchema1(path, now)

  const { store } = await openFileStore({ path, clock })
  const session = sessionAt(now, { id: 'b', data: '{"n":1.0}', version: 7, ...OWN_LIMITS })
  assert.equal(await store.find('b', now), { state: 'live', session })
  const ended = await store.find('ended', now)
  assert.is(ended.state === 'ended' && ended.tombstone.reason, 'logout')
  const all = { app: undefined, sub: undefined, after: undefined, limit: 10 }
  assert.equal(
    (await store.list(all, now)).sessions.map(({ id }) => id),
    ['b', 'a'],
  )
  await store.change('a', now, { name: 'update', claims: '{"sub":"ada"}' })
  assert.is((await store.list({ ...all, sub: 'ada' }, now)).sessions.length, 1)
  assert.is((await store.sweep(now + 30 * 60_000)).ended, 2)
  await store.close()
})

test('each column of schema 1 comes through as it was, and new sessions stand behind the old', async () => {
  const clock = createFakeClock()
  const now = clock.now()
  const path = join(makeFolder(), 'sessions.db')
  makeFileOfSchema1(path, now)
  const kept = sessionAt(now - HOUR, {
    id: 'kept',
    secretHash: null,
    data: '{"n":12345678901234567890,"x": 1.0 ,"__proto__":{"😀":"\\ud800"}}',
    claims: '{"role":"x"}',
    permanent: true,
    lastSeenAt: now,
    idleTimeoutMs: 7 * HOUR,
    lifetimeMs: 2 ** 52,
    version: 2 ** 40,
    ...OWN_LIMITS,
  })
  changeFile(path, (database) => {
    insertOfSchema1(database, kept)
    insertOfSchema1(database, sessionAt(now - DAY, { id: 'expired' }))
    database.exec("delete from sessions where id = 'a'")
    const bury = database.prepare('insert into tombstones values (?, ?, ?, ?)')
    bury.run('no hash', null, 'revoked', now - 1)
    bury.run('long ago', 'hash', 'renewed', now - DAY)
  })

  const { store } = await openFileStore({ path, clock })
  assert.equal(await store.find('kept', now), { state: 'live', session: kept })
  const tombstone = {
    id: 'no hash',
    secretHash: null,
    reason: 'revoked',
    endedAt: now - 1,
  } as const
  assert.equal(await store.find('no hash', now), { state: 'ended', tombstone })
  assert.equal(await store.find('long ago', now), { state: 'absent' })
  assert.is((await store.insert(sessionAt(now, { id: 'ended' }))).inserted, false)
  assert.is((await store.insert(sessionAt(now, { id: 'b' }))).inserted, false)

  await store.insert(sessionAt(now, { id: '0-new' }))
  const all = { app: undefined, sub: undefined, after: undefined, limit: 10 }
  const { sessions } = await store.list(all, now)
  assert.equal(
    sessions.map(({ id }) => id),
    ['b', 'kept', '0-new'],
  )
  assert.equal(await store.sweep(now), { ended: 1, removed: 1, damaged: 0 })
  await store.close()
})

test('a file of schema 1 with a limit of sessions lets its users log in again', async () => {
  const clock = createFakeClock()
  const now = clock.now()
  const path = join(makeFolder(), 'sessions.db')
  makeFileOfSchema1(path, now)
  const limits = { ...LIMITS, maxSessionsPerSub: 1 }
  const { store } = await openFileStore({ path, clock, limits })
  const logIn = { name: 'update', claims: '{"sub":"ada"}' } as const
  const [first, second] = [await store.change('b', now, logIn), await store.change('a', now, logIn)]
  assert.equal(first.state === 'live' && first.evicted, [])
  assert.equal(second.state === 'live' && second.evicted, ['b'])
  await store.close()
})

test('a file whose migration fails half-way stays as it was, and works once it can be done', async () => {
  const clock = createFakeClock()
  const path = join(makeFolder(), 'sessions.db')
  makeFileOfSchema1(path, clock.now())
  // In the way of what the migration makes last.
  changeFile(path, (database) => database.exec('create table api_keys (a)'))
  const refused = await openFileStore({ path, clock }).then(() => 'opened', String)
  assert.match(refused, /api_keys/)
  changeFile(path, (database) => {
    assert.is(database.pragma('user_version', { simple: true }), 1)
    assert.is(database.prepare('select count(*) from sessions').pluck().get(), 2)
    database.exec('drop table api_keys')
  })

  const { store } = await openFileStore({ path, clock })
  assert.is((await store.find('b', clock.now())).state, 'live')
  assert.equal(await store.keys.list(), [])
  await store.close()
  changeFile(path, (database) => {
    assert.is(database.pragma('user_version', { simple: true }), MIGRATIONS)
    assert.is(database.pragma('integrity_check', { simple: true }), 'ok')
  })
})

test('an end of an older file is forgotten after the time of the setting, a new one after its own', async () => {
  const clock = createFakeClock()
  const now = clock.now()
  const path = join(makeFolder(), 'sessions.db')
  makeFileOfSchema1(path, now)
  const { store } = await openFileStore({ path, clock })
  await store.change('a', now, { name: 'update', keepEndedMs: 2 * DAY })
  await store.end('a', now, 'logout')
  assert.is((await store.sweep(now + DAY)).removed, 1)
  assert.is((await store.find('a', now + 2 * DAY - 1)).state, 'ended')
  assert.is((await store.insert(sessionAt(now, { id: 'ended' }))).inserted, true)
  await store.close()
})

/** Two sessions, `b` before `a`, and a tombstone. */
function makeFileOfSchema1(path: string, now: number): void {
  const database = new Database(path)
  const migration = new URL(
    '../../lib/store-sqlite/database/migrations/001-sessions.sql',
    import.meta.url,
  )
  database.exec(readFileSync(migration, 'utf8'))
  for (const id of ['b', 'a']) {
    insertOfSchema1(database, sessionAt(now, { id, data: '{"n":1.0}', version: 7 }))
  }
  database.prepare("insert into tombstones values ('ended', 'hash', 'logout', ?)").run(now)
  database.pragma(`application_id = ${0x436f6174}`)
  database.pragma('user_version = 1')
  database.close()
}

function insertOfSchema1(database: Database.Database, session: Session): void {
  const { id, secretHash, data, claims, permanent, createdAt, lastSeenAt } = session
  const { idleTimeoutMs, lifetimeMs, version } = session
  const times = [createdAt, lastSeenAt, idleTimeoutMs, lifetimeMs, expiresAt(session)]
  database
    .prepare(
      `insert into sessions (id, secret_hash, data, claims, permanent, created_at, last_seen_at,
         idle_timeout_ms, lifetime_ms, expires_at, version)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(id, secretHash, data, claims, Number(permanent), ...times, version)
}

function changeFile(path: string, change: (database: Database.Database) => void): void {
  const database = new Database(path)
  change(database)
  database.close()
}

test.run()

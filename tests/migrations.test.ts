import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openFileStore } from './support/open-file-store.ts'
import { makeFolder } from './support/spawn-server.ts'
import { sessionAt } from './support/store-contract.ts'

const test = suite('migrations')

test('a file of schema 1 keeps its sessions and tombstones, and works as a new one', async () => {
  const { store: ignored, clock } = await openFileStore()
  await ignored.close()
  const now = clock.now()
  const path = join(makeFolder(), 'sessions.db')
  makeFileOfSchema1(path, now)

  const { store } = await openFileStore({ path, clock })
  const session = sessionAt(now, { id: 'b', data: '{"n":1.0}', version: 7 })
  assert.equal(await store.find('b', now), { state: 'live', session })
  const ended = await store.find('ended', now)
  assert.is(ended.state === 'ended' && ended.tombstone.reason, 'logout')
  const all = { sub: undefined, after: undefined, limit: 10 }
  assert.equal(
    (await store.list(all, now)).sessions.map(({ id }) => id),
    ['b', 'a'],
  )
  await store.change('a', now, { name: 'update', claims: '{"sub":"ada"}' })
  assert.is((await store.list({ ...all, sub: 'ada' }, now)).sessions.length, 1)
  assert.is((await store.sweep(now + 30 * 60_000)).ended, 2)
  await store.close()
})

/** Two sessions, `b` before `a`, and a tombstone. */
function makeFileOfSchema1(path: string, now: number): void {
  const database = new Database(path)
  const migration = new URL('../lib/store/migrations/001-sessions.sql', import.meta.url)
  database.exec(readFileSync(migration, 'utf8'))
  const insert = database.prepare(
    `insert into sessions (id, secret_hash, data, claims, permanent, created_at, last_seen_at,
       idle_timeout_ms, lifetime_ms, expires_at, version)
     values (?, 'hash', '{"n":1.0}', '{}', 0, ?, ?, 1800000, 43200000, ?, 7)`,
  )
  for (const id of ['b', 'a']) insert.run(id, now, now, now + 1_800_000)
  database.prepare("insert into tombstones values ('ended', 'hash', 'logout', ?)").run(now)
  database.pragma(`application_id = ${0x436f6174}`)
  database.pragma('user_version = 1')
  database.close()
}

test.run()

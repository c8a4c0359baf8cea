/** The store on a file, with its writer's thread: the contract, and what is SQLite's own. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createFile,
  type Durability,
  openReaderDatabase,
  openWriterDatabase,
  prepareDatabase,
} from '../../lib/store-sqlite/database/database.ts'
import { StorageError } from '../../lib/store-sqlite/database/storage-error.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { insertExpired } from '../kit/store/expired-sessions.ts'
import { openFileStore } from '../kit/store/open-file-store.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'
import { LIMITS } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { testStore } from '../contract/contract.ts'

testStore('SQLite', ({ limits, ...given } = {}) =>
  openFileStore({ ...given, limits: { ...LIMITS, ...limits } }),
)

const test = suite('SQLite store')

test('a second store on the same file is refused, and the first goes on', async () => {
  const { store, clock, path } = await openFileStore()
  const session = sessionAt(clock.now())

  const error = await openFileStore({ path }).then(
    () => undefined,
    (refusal: unknown) => refusal,
  )
  assert.instance(error, StorageError)
  assert.is(error instanceof StorageError && error.fault, 'in_use')

  assert.is((await store.insert(session)).inserted, true)
  assert.equal(await store.find(session.id, clock.now()), { state: 'live', session })
  await store.close()
})

test('a file is free again once its store is closed', async () => {
  const { store, path } = await openFileStore()
  await store.close()
  const again = await openFileStore({ path })
  await again.store.close()
})

test('a file that is refused is not left locked', async () => {
  const path = join(makeFolder(), 'sessions.db')
  createFile(path)
  const theirs = new Database(path)
  theirs.exec('create table theirs (a)')
  const refused = await openFileStore({ path }).catch((error: unknown) => error)
  assert.is(refused instanceof StorageError && refused.fault, 'foreign')

  theirs.exec('drop table theirs')
  theirs.close()
  const { store } = await openFileStore({ path })
  await store.close()
})

test('writes beyond maxPendingWrites are refused as overloaded, and only those', async () => {
  const { store, clock } = await openFileStore({ maxPendingWrites: 3 })
  const inserts = Array.from({ length: 5 }, (_, n) =>
    store.insert(sessionAt(clock.now(), { id: `session-${n}` })).then(() => 'inserted', codeOf),
  )
  const outcomes = await Promise.all(inserts)
  assert.equal(outcomes, ['inserted', 'inserted', 'inserted', 'overloaded', 'overloaded'])
  assert.equal(await store.find('session-3', clock.now()), { state: 'absent' })
  assert.is((await store.insert(sessionAt(clock.now(), { id: 'session-3' }))).inserted, true)
  await store.close()
})

test('many writes at once are answered in the order in which they were asked', async () => {
  const { store, clock } = await openFileStore()
  const { id } = sessionAt(clock.now())
  await store.insert(sessionAt(clock.now()))
  const values: (string | undefined)[] = []
  await Promise.all(
    Array.from({ length: 500 }, async () => {
      const operation = { name: 'increment', key: 'hits', by: '1' } as const
      const changed = await store.change(id, clock.now(), operation)
      values.push(changed.state === 'live' ? changed.value : changed.state)
    }),
  )
  assert.equal(
    values,
    Array.from({ length: 500 }, (_, n) => String(n + 1)),
  )
  await store.close()
})

test('close writes down what was asked and touched before it', async () => {
  const { store, clock, path } = await openFileStore()
  const session = sessionAt(clock.now())
  const inserted = store.insert(session)
  store.touch(session.id, clock.now() + 1)
  await store.close()
  assert.is((await inserted).inserted, true)

  const again = await openFileStore({ path })
  const found = await again.store.find(session.id, clock.now())
  assert.equal(found, { state: 'live', session: { ...session, lastSeenAt: clock.now() + 1 } })
  await again.store.close()
})

test('close settles a sweep that is under way', async () => {
  const { store, clock, path } = await openFileStore()
  await store.close()
  const database = new Database(path)
  insertExpired(database, 2_000, clock.now())
  database.close()

  const again = await openFileStore({ path })
  const swept = again.store.sweep(clock.now()).then(() => 'swept', codeOf)
  await again.store.close()
  assert.ok(['swept', 'storage_failed'].includes(await swept))
})

test('close is enough to refuse every later write as storage_failed', async () => {
  const { store, clock } = await openFileStore()
  await store.close()
  assert.is(await store.insert(sessionAt(clock.now())).catch(codeOf), 'storage_failed')
})

test('another reader sees every acknowledged write and stops none', async () => {
  const { store, clock, path } = await openFileStore()
  const count = (reader: Database.Database) =>
    reader.prepare('select count(*) from sessions').pluck().get()
  const beside = new Database(path, { readonly: true })
  await store.insert(sessionAt(clock.now(), { id: 'first' }))

  // A transaction that stays open, as a backup's does, keeps what it saw.
  beside.exec('begin')
  assert.is(count(beside), 1)
  assert.is((await store.insert(sessionAt(clock.now(), { id: 'second' }))).inserted, true)
  assert.is((await store.find('second', clock.now())).state, 'live')
  assert.is(count(beside), 1)
  beside.exec('commit')
  assert.is(count(beside), 2)
  beside.close()
  await store.close()
})

test('sessions and tombstones are there after the file is opened again', async () => {
  const { store, clock, path } = await openFileStore()
  const session = sessionAt(clock.now(), { data: '{"n":1.0,"__proto__":1e400}' })
  const gone = sessionAt(clock.now(), { id: 'gone' })
  await store.insert(session)
  await store.insert(gone)
  await store.end('gone', clock.now(), 'revoked')
  const tombstone = await store.find('gone', clock.now())
  await store.close()

  const again = await openFileStore({ path })
  assert.equal(await again.store.find(session.id, clock.now()), { state: 'live', session })
  assert.equal(await again.store.find('gone', clock.now()), tombstone)
  assert.is(tombstone.state, 'ended')
  await again.store.close()
})

test('a fresh file gets its application id, its schema version and strict tables', () => {
  const path = freshFile()
  const database = openReaderDatabase(path)
  const tables = database
    .prepare("select name, strict from pragma_table_list where schema = 'main' order by name")
    .all()
  assert.is(database.pragma('application_id', { simple: true }), 0x436f6174)
  assert.is(database.pragma('user_version', { simple: true }), 11)
  assert.equal(tables, [
    { name: 'api_keys', strict: 1 },
    { name: 'events', strict: 1 },
    { name: 'feed_runs', strict: 1 },
    { name: 'outside_changes', strict: 1 },
    { name: 'sessions', strict: 1 },
    { name: 'sqlite_schema', strict: 0 },
    { name: 'sqlite_sequence', strict: 0 },
    { name: 'tombstones', strict: 1 },
  ])
  database.close()
})

test('a file that is up to date is opened again without a change', async () => {
  const { store, clock, path } = await openFileStore({ maxEvents: 0 })
  await store.insert(sessionAt(clock.now()))
  await store.close()
  const before = readFileSync(path)
  const again = await openFileStore({ path, maxEvents: 0 })
  await again.store.close()
  assert.ok(readFileSync(path).equals(before))
})

for (const durability of ['full', 'relaxed'] as const) {
  test(`the connections are set up as the design has it, ${durability} durability`, () => {
    const path = freshFile()
    const writer = openWriterDatabase(path, durability)
    const reader = openReaderDatabase(path)
    assert.equal(pragmasOf(writer), {
      ...SHARED_PRAGMAS,
      synchronous: durability === 'full' ? 2 : 1,
      secure_delete: 2,
      query_only: 0,
    })
    const { synchronous: _, secure_delete: __, ...ofReader } = pragmasOf(reader)
    assert.equal(ofReader, { ...SHARED_PRAGMAS, query_only: 1 })
    assert.throws(() => reader.exec('delete from sessions'), /readonly/)
    reader.close()
    writer.close()
  })
}

test('the log is moved into the file every second when durability is relaxed, else it grows', async () => {
  assert.is(await growsWithinASecond('full'), false)
  assert.is(await growsWithinASecond('relaxed'), true)
})

async function growsWithinASecond(durability: Durability): Promise<boolean> {
  const { store, clock, path } = await openFileStore({ durability })
  const before = statSync(path).size
  await store.insert(sessionAt(clock.now(), { data: `{"big":"${'x'.repeat(50_000)}"}` }))
  clock.advance(1_000)
  // Answered after the tick's work: the writer takes one thing after another.
  await store.insert(sessionAt(clock.now(), { id: 'afterwards' }))
  const grew = statSync(path).size > before + 40_000
  await store.close()
  return grew
}

const SHARED_PRAGMAS = {
  journal_mode: 'wal',
  busy_timeout: 5_000,
  mmap_size: 0,
  trusted_schema: 0,
  cell_size_check: 1,
  // No long-lived exclusive lock: Litestream and the shell read beside the server.
  locking_mode: 'normal',
}

function pragmasOf(database: Database.Database): Record<string, unknown> {
  const names = [...Object.keys(SHARED_PRAGMAS), 'synchronous', 'secure_delete', 'query_only']
  return Object.fromEntries(
    names.map((name) => [name, database.pragma(name, { simple: true })] as const),
  )
}

function freshFile(): string {
  const path = join(makeFolder(), 'sessions.db')
  createFile(path)
  prepareDatabase(path)
  return path
}

test.run()

/** What becomes of writes when storage fails: the writer by itself, and the store over its thread. */
import { setImmediate as turn } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openMemoryDatabase } from '../../../lib/store-sqlite/database/database.ts'
import { createReader } from '../../../lib/store-sqlite/reader.ts'
import type { WriteRequest } from '../../../lib/store-sqlite/writer/protocol.ts'
import { createWriter } from '../../../lib/store-sqlite/writer/writer.ts'
import { codeOf } from '../../kit/runner/code-of.ts'
import { DAY, LIMITS } from '../../kit/store/limits.ts'
import { openFileStore } from '../../kit/store/open-file-store.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const NOW = Date.UTC(2026, 0, 1)
const test = suite('failing writer')

test('a full database refuses the whole batch, changes nothing and goes on when there is room', () => {
  const { database, writer, reader } = openWriter()
  const pages = Number(database.pragma('page_count', { simple: true }))
  database.pragma(`max_page_count = ${pages + 4}`)

  const batch = [small('before'), large('large'), small('after')]
  assert.equal(writer.run(batch).map(codeOfOutcome), Array(3).fill('storage_full'))
  assert.is(database.inTransaction, false)
  for (const id of ['before', 'large', 'after']) assert.is(reader.find(id, NOW, 0).state, 'absent')
  assert.equal(writer.run([small('before')]), [
    { ok: true, answer: { inserted: true, evicted: [] } },
  ])

  database.pragma(`max_page_count = ${pages + 400}`)
  assert.equal(writer.run(batch), [
    { ok: true, answer: { inserted: false, evicted: [] } },
    { ok: true, answer: { inserted: true, evicted: [] } },
    { ok: true, answer: { inserted: true, evicted: [] } },
  ])
  database.close()
})

test('an insert of a row that cannot be is refused as a fault, and the others of the batch go on', () => {
  const { database, writer, reader } = openWriter()
  const session = sessionAt(NOW, { id: 'impossible', idleTimeoutMs: NaN })
  const impossible = { kind: 'insert', session, seenAt: 0 } as const
  const outcomes = writer.run([small('before'), impossible, small('after')])
  assert.equal(outcomes.map(codeOfOutcome), ['ok', 'internal', 'ok'])
  assert.is(reader.find('impossible', NOW, 0).state, 'absent')
  assert.is(reader.find('after', NOW, 0).state, 'live')
  database.close()
})

test('a sweep for which there is no room is refused and ends nothing', () => {
  const { database, writer, reader } = openWriter()
  writer.run(Array.from({ length: 200 }, (_, n) => small(`session-${n}`)))
  // Nothing is free for the tombstones until the sessions are gone, so the first to grow is refused.
  database.exec('create table filler (a)')
  database.exec(
    `create trigger hostile before insert on tombstones begin
       insert into filler values (zeroblob(100000)); end`,
  )
  database.pragma(`max_page_count = ${Number(database.pragma('page_count', { simple: true }))}`)
  assert.is(
    thrownBy(() => writer.sweepSlice(NOW + DAY, 100)),
    'storage_full',
  )
  assert.is(reader.find('session-0', NOW, 0).state, 'live')
  database.close()
})

test('a database that another program holds refuses the whole batch and goes on once it is free', async () => {
  const { store, clock, path } = await openFileStore()
  await store.close()
  const theirs = new Database(path)
  const database = new Database(path, { timeout: 0 })
  const writer = createWriter(database, LIMITS, DAY)

  theirs.exec('begin immediate')
  assert.equal(writer.run([small('a'), small('b')]).map(codeOfOutcome), [
    'storage_busy',
    'storage_busy',
  ])
  theirs.exec('rollback')
  assert.equal(writer.run([insertOf('a', clock.now())]), [
    { ok: true, answer: { inserted: true, evicted: [] } },
  ])
  theirs.close()
  database.close()
})

test('a commit that fails makes run throw and leaves nothing behind', () => {
  const { database, writer, reader } = openWriter()
  // The row that breaks the rule is found at the commit, not before.
  database.pragma('foreign_keys = on')
  database.exec(
    `create table parents (id primary key);
     create table children (parent references parents (id) deferrable initially deferred);
     create trigger hostile after insert on sessions begin insert into children values (7); end`,
  )
  assert.throws(
    () => writer.run([small('a')]),
    (error: unknown) =>
      error instanceof Database.SqliteError && error.code === 'SQLITE_CONSTRAINT_FOREIGNKEY',
  )
  assert.is(database.inTransaction, false)
  assert.is(reader.find('a', NOW, 0).state, 'absent')
  database.close()
})

test('a statement that fails for a reason nobody knows makes run throw and undoes the batch', () => {
  const { database, writer, reader } = openWriter()
  database.exec(
    `create trigger hostile before insert on sessions when new.id = 'bad'
       begin select raise(abort, 'hostile'); end`,
  )
  assert.throws(() => writer.run([small('good'), small('bad')]), /hostile/)
  assert.is(database.inTransaction, false)
  assert.is(reader.find('good', NOW, 0).state, 'absent')
  database.close()
})

test('a sweep that fails for a reason nobody knows throws', () => {
  const { database, writer, reader } = openWriter()
  writer.run([small('a')])
  database.pragma('query_only = 1')
  assert.throws(() => writer.sweepSlice(NOW + DAY, 10), /readonly/)
  assert.is(reader.find('a', NOW, 0).state, 'live')
  database.close()
})

test("a writer's thread that dies is final: no write is acknowledged, reads go on", async () => {
  const { store, clock, path, failures } = await openFileStore()
  const session = sessionAt(clock.now())
  await store.insert(session)
  beHostile(path, 'update')

  const set = { name: 'set', key: 'k', value: '1' } as const
  const waiting = [
    store.insert(sessionAt(clock.now(), { id: 'innocent' })),
    store.change(session.id, clock.now(), set),
    // Begins once these are done, and so has surely done nothing.
    store.sweep(clock.now()),
  ]
  assert.equal(await Promise.all(waiting.map((promise) => promise.catch(codeOf))), [
    'outcome_unknown',
    'outcome_unknown',
    'storage_failed',
  ])
  assert.is(await store.change(session.id, clock.now(), set).catch(codeOf), 'storage_failed')
  assert.is(await store.end(session.id, clock.now(), 'logout').catch(codeOf), 'storage_failed')
  assert.is(await store.sweep(clock.now()).catch(codeOf), 'storage_failed')

  assert.equal(await store.find(session.id, clock.now()), { state: 'live', session })
  assert.equal(await store.find('innocent', clock.now()), { state: 'absent' })
  store.touch(session.id, clock.now() + 1)
  clock.advance(5_000)
  await threadEnd(failures)
  await store.close()
  assert.equal(
    failures.map(({ message }) => message),
    ['hostile'],
  )
})

test('of a sweep that is under way as the thread dies nobody can tell what it has done', async () => {
  const { store, clock, path, failures } = await openFileStore()
  await store.insert(sessionAt(clock.now()))
  beHostile(path, 'delete')
  const later = clock.now() + DAY
  assert.is(await store.sweep(later).catch(codeOf), 'outcome_unknown')
  assert.is(await store.sweep(later).catch(codeOf), 'storage_failed')
  await store.close()
  assert.equal(
    failures.map(({ message }) => message),
    ['hostile'],
  )
})

test('what waits for the batch that fails was never begun', async () => {
  const { store, clock, path } = await openFileStore()
  const session = sessionAt(clock.now())
  await store.insert(session)
  beHostile(path, 'update')
  const set = { name: 'set', key: 'k', value: '1' } as const
  const changed = store.change(session.id, clock.now(), set).catch(codeOf)
  // Sends what there is.
  const swept = store.sweep(clock.now()).catch(codeOf)
  const inserted = store.insert(sessionAt(clock.now(), { id: 'later' })).catch(codeOf)
  assert.is(await changed, 'outcome_unknown')
  assert.is(await inserted, 'storage_failed')
  assert.is(await swept, 'storage_failed')
  assert.equal(await store.find('later', clock.now()), { state: 'absent' })
  await store.close()
})

test('what was committed before the failure is acknowledged, however close the two are', async () => {
  for (let round = 0; round < 20; round++) {
    const { store, clock, path } = await openFileStore()
    beHostile(path, 'update')
    const session = sessionAt(clock.now())
    const inserted = store.insert(session)
    // What was asked before a sweep is sent, and committed, by itself.
    const swept = store.sweep(clock.now()).catch(codeOf)
    const set = { name: 'set', key: 'k', value: '1' } as const
    const changed = store.change(session.id, clock.now(), set).catch(codeOf)
    assert.equal(await inserted, { inserted: true, evicted: [] })
    assert.is(await changed, 'outcome_unknown')
    await swept
    await store.close()
  }
})

test('a table that is gone is final for writes, and a read says that storage failed', async () => {
  const { store, clock, path, failures } = await openFileStore()
  await store.insert(sessionAt(clock.now()))
  const theirs = new Database(path)
  theirs.exec('drop table sessions; drop table api_keys')
  theirs.close()

  const insert = store.insert(sessionAt(clock.now(), { id: 'other' }))
  assert.is(await insert.catch(codeOf), 'outcome_unknown')
  const find = async () => await store.find('other', clock.now())
  assert.is(await find().catch(codeOf), 'storage_failed')
  const all = { app: undefined, sub: undefined, after: undefined, limit: 10 }
  assert.is(await store.list(all, clock.now()).catch(codeOf), 'storage_failed')
  assert.is(await store.keys.list().catch(codeOf), 'storage_failed')
  assert.is(failures.length, 1)
  await store.close()
})

test("a failed touch is final, too: what waits after it isn't acknowledged", async () => {
  const { store, clock, path, failures } = await openFileStore()
  const session = sessionAt(clock.now())
  await store.insert(session)
  beHostile(path, 'update')
  store.touch(session.id, clock.now() + 1)
  clock.advance(1_000)
  const insert = store.insert(sessionAt(clock.now(), { id: 'other' }))
  assert.ok(['outcome_unknown', 'storage_failed'].includes(String(await insert.catch(codeOf))))
  // What is in memory is still counted.
  const found = await store.find(session.id, clock.now())
  assert.is(found.state === 'live' && found.session.lastSeenAt, session.lastSeenAt + 1)
  await store.close()
  assert.is(failures.length, 1)
})

/** The thread tells of its error first and of its end a little later. */
async function threadEnd(failures: readonly Error[]): Promise<void> {
  while (failures.length === 0) await turn()
  await turn()
}

function openWriter() {
  const database = openMemoryDatabase()
  return {
    database,
    writer: createWriter(database, LIMITS, DAY),
    reader: createReader(database, DAY),
  }
}

/** Makes a statement of the writer's fail in a way that it does not foresee. */
function beHostile(path: string, statement: 'insert' | 'update' | 'delete'): void {
  const database = new Database(path)
  database.exec(
    `create trigger hostile before ${statement} on sessions
       begin select raise(abort, 'hostile'); end`,
  )
  database.close()
}

function insertOf(id: string, now: number, data = '{}'): WriteRequest {
  return { kind: 'insert', seenAt: 0, session: sessionAt(now, { id, data }) }
}

function small(id: string): WriteRequest {
  return insertOf(id, NOW)
}

function large(id: string): WriteRequest {
  return insertOf(id, NOW, `{"big":"${'x'.repeat(60_000)}"}`)
}

function codeOfOutcome(outcome: { ok: boolean; refusal?: { code: string } }): string {
  return outcome.ok ? 'ok' : String(outcome.refusal?.code)
}

function thrownBy(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return codeOf(error)
  }
  return 'nothing'
}

test.run()

/**
 * A request that is refused has changed nothing, however late it was refused: not in the file, not in
 * what the writer remembers, not for the others of its batch.
 */
import type Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Operation } from '../../../lib/session/operations.ts'
import { tombstoneChecksumOf } from '../../../lib/store-sqlite/tables/checksum.ts'
import { openMemoryDatabase } from '../../../lib/store-sqlite/database/database.ts'
import { createReader } from '../../../lib/store-sqlite/reader.ts'
import type { WriteOutcome, WriteRequest } from '../../../lib/store-sqlite/writer/protocol.ts'
import { createWriter, type Writer } from '../../../lib/store-sqlite/writer/writer.ts'
import { codeOf } from '../../kit/runner/code-of.ts'
import { DAY, HOUR, MINUTE, LIMITS } from '../../kit/store/limits.ts'
import { openMemoryStore } from '../../kit/store/memory-store.ts'
import { sealRows } from '../../kit/store/seal-rows.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const NOW = Date.UTC(2026, 0, 1)
const test = suite('refused late')

const set: Operation = { name: 'set', key: 'k', value: '1' }
const logIn: Operation = { name: 'update', claims: '{"sub":"ada"}' }
const renew: Operation = { name: 'renew', renewal: { id: 'renewed-id', secretHash: 'new' } }
const logInAnew: Operation = {
  name: 'update',
  claims: '{"sub":"ada"}',
  renewal: { id: 'renewed-id', secretHash: 'new' },
}

/** The statement that comes to damage, and the request that comes upon it once it has begun to write. */
const CASES: Readonly<Record<string, { at: string; request: WriteRequest }>> = {
  'an insert that evicts': {
    at: `insert on tombstones when new.reason = 'evicted'`,
    request: insertOf('new', { claims: '{"sub":"ada"}' }),
  },
  'an insert over what is forgotten': {
    at: `delete on tombstones when old.id = 'forgotten'`,
    request: insertOf('forgotten'),
  },
  'a change': { at: `update on sessions when old.id = 'mine'`, request: changeOf('mine', set) },
  'a change that evicts': {
    at: `insert on tombstones when new.reason = 'evicted'`,
    request: changeOf('mine', logIn),
  },
  'a change that assigns': {
    at: `update of sub on sessions when old.id = 'mine'`,
    request: changeOf('mine', logIn),
  },
  'a renewal': {
    at: `insert on tombstones when new.reason = 'renewed'`,
    request: changeOf('mine', renew),
  },
  'a log-in that renews and evicts': {
    at: `insert on tombstones when new.reason = 'renewed'`,
    request: changeOf('mine', logInAnew),
  },
  'an end': {
    at: `insert on tombstones when new.id = 'mine'`,
    request: { kind: 'end', id: 'mine', now: NOW, seenAt: 0, reason: 'logout', when: undefined },
  },
  'an end of a damaged session': {
    at: `insert on tombstones when new.id = 'damaged'`,
    request: { kind: 'end', id: 'damaged', now: NOW, seenAt: 0, reason: 'logout', when: undefined },
  },
  'an end of many, in their midst': {
    at: `insert on tombstones when new.id = 'ada-2'`,
    request: {
      kind: 'end_many',
      app: undefined,
      sub: 'ada',
      except: undefined,
      now: NOW,
      reason: 'revoked',
      limit: 10,
    },
  },
  'a new API key': {
    at: 'insert on api_keys',
    request: {
      kind: 'add_api_key',
      key: { hash: 'h', name: 'n', scope: 'all', createdAt: NOW, revokedAt: null },
    },
  },
  'a change outside': {
    at: 'update of made on outside_changes',
    request: { kind: 'change_outside' },
  },
  'a note of changes outside': {
    at: 'update of seen on outside_changes',
    request: { kind: 'see_outside', made: 3 },
  },
}

for (const [name, { at, request }] of Object.entries(CASES)) {
  test(`${name} that comes to damage is refused, and as if it had never been asked for`, () => {
    const damaged = openFilled(at)
    const sound = openFilled(at)
    const outcomes = damaged.writer.run([changeOf('before', set), request, changeOf('after', set)])
    assert.equal(outcomes.map(codeOfOutcome), ['ok', 'storage_damaged', 'ok'])
    sound.writer.run([changeOf('before', set), changeOf('after', set)])
    assert.equal(dump(damaged.database), dump(sound.database))

    // What the writer remembers is what is in the file, for those in the batch and for all others.
    damaged.database.exec('drop trigger late')
    sound.database.exec('drop trigger late')
    const next = ['before', 'mine', 'after', 'ada-1', 'ada-2'].map((id) => changeOf(id, renew))
    assert.equal(damaged.writer.run(next), sound.writer.run(next))
    assert.equal(dump(damaged.database), dump(sound.database))
  })

  test(`${name} that comes to damage is refused alone, and in each of two places of a batch`, () => {
    const { writer, database } = openFilled(at)
    const before = dump(database)
    assert.equal(writer.run([request]).map(codeOfOutcome), ['storage_damaged'])
    assert.equal(writer.run([request, { ...request }]).map(codeOfOutcome), [
      'storage_damaged',
      'storage_damaged',
    ])
    assert.equal(dump(database), before)
  })

  test(`${name} that comes to damage takes with it what is to be done together`, () => {
    const { writer, database } = openFilled(at)
    const before = dump(database)
    const together = () => writer.runTogether([changeOf('before', set), request])
    assert.is(thrownBy(together), 'storage_damaged')
    assert.equal(dump(database), before)
  })
}

test('activity of a session that comes to damage is passed over, that of all others is written', () => {
  const { writer, database } = openFilled(`update on sessions when old.id = 'mine'`)
  const seen = ['before', 'mine', 'after'].map((id) => [id, NOW + 5] as const)
  assert.equal(writer.run([{ kind: 'touch', seen }]).map(codeOfOutcome), ['ok'])
  const seenAt = database.prepare<[string], number>(
    'select last_seen_at from sessions where id = ?',
  )
  assert.equal(
    seen.map(([id]) => seenAt.pluck().get(id)),
    [NOW + 5, NOW, NOW + 5],
  )
})

test('activity of a session that was damaged counts again once its id has been ended or made anew', () => {
  const end = (id: string): WriteRequest => ({
    ...{ kind: 'end', id, now: NOW, seenAt: 0, reason: 'revoked', when: undefined },
  })
  const all = {
    app: undefined,
    sub: undefined,
    except: undefined,
    reason: 'revoked',
    limit: 10,
  } as const
  const ways: Readonly<Record<string, readonly WriteRequest[]>> = {
    'an end': [end('mine')],
    'an end of many': [{ kind: 'end_many', ...all, now: NOW }],
    'a renewal': [changeOf('mine', renew)],
  }
  for (const [way, requests] of Object.entries(ways)) {
    const { writer, database } = openFilled(
      `update of last_seen_at on sessions when old.id = 'mine'`,
    )
    const touch = (seenAt: number) =>
      writer.run([{ kind: 'touch', seen: [['mine', seenAt]] }]).map(codeOfOutcome)
    assert.equal(touch(NOW + 5), ['ok'])
    database.exec('drop trigger late')
    assert.equal(writer.run(requests).map(codeOfOutcome), ['ok'], way)
    database.exec(`delete from tombstones where id = 'mine'`)
    assert.equal(writer.run([insertOf('mine')]).map(codeOfOutcome), ['ok'])
    assert.equal(touch(NOW + 6), ['ok'])
    const seenAt = database.prepare(`select last_seen_at from sessions where id = 'mine'`)
    assert.is(seenAt.pluck().get(), NOW + 6, way)
  }
})

test('activity of a session that was damaged counts again once it was swept, or replaced in its row', () => {
  for (const way of ['swept', 'forgotten and inserted over'] as const) {
    const { writer, database } = openFilled(
      `update of last_seen_at on sessions when old.id = 'mine'`,
    )
    const touch = (seenAt: number) => writer.run([{ kind: 'touch', seen: [['mine', seenAt]] }])
    touch(NOW + 5)
    database.exec('drop trigger late')
    const later = NOW + DAY
    if (way === 'swept') {
      assert.is(writer.sweepSlice(later, 100).more, false)
      assert.is(writer.sweepSlice(later + DAY, 100).more, false)
    }
    const session = sessionAt(later + DAY, { id: 'mine' })
    assert.equal(writer.run([{ kind: 'insert', seenAt: 0, session }]).map(codeOfOutcome), ['ok'])
    touch(later + DAY + 6)
    const seenAt = database.prepare(`select last_seen_at from sessions where id = 'mine'`)
    assert.is(seenAt.pluck().get(), later + DAY + 6, way)
  }
})

test('activity that comes to damage at many sessions is written one request at a time, too', () => {
  const { writer, database } = openFilled()
  const names = Array.from({ length: 200 }, (_, n) => `many-${n}`)
  writer.run(names.map((id) => insertOf(id)))
  database.exec(
    `create trigger late after update of last_seen_at on sessions when old.id like 'many-%' begin
       insert into api_keys (hash, name, created_at, revoked_at) values ('twice', 'twice', 0, 0), ('twice', 'twice', 0, 0); end`,
  )
  let runs = 0
  database.function('count_runs', () => ++runs)
  database.exec(
    `create temp trigger counting after update of data on main.sessions when new.id = 'before' begin
       select count_runs(); end`,
  )
  const touches: WriteRequest[] = names.map((id) => ({ kind: 'touch', seen: [[id, NOW + 5]] }))
  const batch = [changeOf('before', set), ...touches]
  assert.equal(writer.run(batch).map(codeOfOutcome), Array(batch.length).fill('ok'))
  assert.ok(runs <= 20, `${runs} runs of one request`)
  const data = database.prepare(`select data from sessions where id = 'before'`).pluck().get()
  assert.match(String(data), '"k":1')
})

test('activity that comes to damage at many sessions of one request is written by halves', () => {
  const { writer, database } = openFilled()
  const names = Array.from({ length: 200 }, (_, n) => `many-${n}`)
  writer.run(names.map((id) => insertOf(id)))
  let runs = 0
  database.function('count_runs', () => ++runs)
  database.exec(
    `create trigger late after update of last_seen_at on sessions when old.id like 'many-%' begin
       insert into api_keys (hash, name, created_at, revoked_at) values ('twice', 'twice', 0, 0), ('twice', 'twice', 0, 0); end;
     create temp trigger counting after update of last_seen_at on main.sessions
       when new.id = 'before' begin select count_runs(); end`,
  )
  const seen = ['before', ...names, 'after'].map((id) => [id, NOW + 5] as const)
  assert.equal(writer.run([{ kind: 'touch', seen }]), [{ ok: true, answer: undefined }])
  assert.ok(runs < 100, `${runs} runs of one piece`)
  const seenAt = database.prepare<[string], number>(
    'select last_seen_at from sessions where id = ?',
  )
  assert.equal(
    ['before', 'many-0', 'after'].map((id) => seenAt.pluck().get(id)),
    [NOW + 5, NOW, NOW + 5],
  )
})

test('a slice of a sweep that comes to damage ends nothing', () => {
  const { writer, database } = openFilled(`insert on tombstones when new.id = 'mine'`)
  const before = dump(database)
  assert.is(
    thrownBy(() => writer.sweepSlice(NOW + 40 * MINUTE, 100)),
    'storage_damaged',
  )
  assert.equal(dump(database), before)
})

test('a log-in on a session that has lost its row evicts nobody, in the file or in memory', async () => {
  for (const operation of [logIn, logInAnew]) {
    const { store, clock, database } = openMemoryStore({ limits: { maxSessionsPerSub: 1 } })
    const now = clock.now()
    await store.insert(sessionAt(now, { id: 'old', claims: '{"sub":"ada"}' }))
    await store.insert(sessionAt(now, { id: 'mine' }))
    await store.find('old', now)
    await store.change('mine', now, set)
    database.exec(`delete from sessions where id = 'mine'`)
    assert.is(await store.change('mine', now, operation).catch(codeOf), 'storage_damaged')
    assert.is((await store.find('old', now)).state, 'live')
    assert.is((await store.change('old', now, set)).state, 'live')
    assert.equal(database.prepare('select id from sessions').pluck().all(), ['old'])
    assert.equal(database.prepare('select id from tombstones').pluck().all(), [])
    await store.close()
  }
})

test('a damaged session that makes room ends like any other', () => {
  const { writer, database } = openFilled()
  database.exec(`update sessions set data = '{"x":1}' where id = 'ada-1'`)
  const [outcome] = writer.run([changeOf('mine', logIn)])
  assert.is(outcome?.ok, true)
  const ended = database.prepare('select id, reason from tombstones order by id').all()
  assert.equal(ended, [
    { id: 'ada-1', reason: 'evicted' },
    { id: 'ada-2', reason: 'evicted' },
    { id: 'forgotten', reason: 'logout' },
  ])
})

test('a renewal to an id that is in use, dead or alive, changes nothing', () => {
  for (const id of ['before', 'forgotten-row']) {
    const { writer, database } = openFilled()
    database.exec(
      `update sessions set id = 'forgotten-row', created_at = 0, last_seen_at = 0 where id = 'after'`,
    )
    const before = dump(database)
    const [outcome] = writer.run([
      changeOf('mine', { name: 'renew', renewal: { id, secretHash: 'new' } }),
    ])
    assert.match(codeOfOutcome(outcome), /^(internal|storage_damaged)$/)
    assert.equal(dump(database), before)
  }
})

test('an insert that gives its place to nobody leaves there what was there', () => {
  const { writer, database } = openFilled()
  database.exec(
    `update sessions set id = 'forgotten', created_at = 0, last_seen_at = 0 where id = 'after';
     create trigger never before insert on sessions begin select raise(ignore); end`,
  )
  sealRows(database)
  const before = dump(database)
  assert.equal(writer.run([insertOf('forgotten')]).map(codeOfOutcome), ['internal'])
  assert.equal(dump(database), before)
})

test('a batch of which much comes to damage is answered, the sound ones done', () => {
  const { writer } = openFilled(`update on sessions when old.id = 'mine'`)
  const batch = Array.from({ length: 100 }, (_, n) => changeOf(n % 2 === 0 ? 'mine' : 'after', set))
  const codes = writer.run(batch).map(codeOfOutcome)
  assert.equal(
    codes,
    batch.map((_, n) => (n % 2 === 0 ? 'storage_damaged' : 'ok')),
  )
})

test('a batch in the midst of which the disk is full is refused whole, though SQLite undid it', () => {
  const { writer, database } = openFilled()
  const before = dump(database)
  database.pragma(`max_page_count = ${Number(database.pragma('page_count', { simple: true })) + 1}`)
  const large = insertOf('large', { data: JSON.stringify({ x: 'x'.repeat(60_000) }) })
  const batch = [changeOf('before', set), large, changeOf('after', set)]
  assert.equal(writer.run(batch).map(codeOfOutcome), Array(3).fill('storage_full'))
  assert.equal(dump(database), before)
  assert.is(
    thrownBy(() => writer.runTogether(batch)),
    'storage_full',
  )
  assert.equal(dump(database), before)
  assert.equal(writer.run([changeOf('after', set)]).map(codeOfOutcome), ['ok'])
})

/**
 * Sessions of several kinds, all but the forgotten ones in the writer's memory. `at`: a statement that
 * comes upon rows that contradict each other, after it is done, as it comes upon a damaged page.
 */
function openFilled(at?: string): { writer: Writer; database: Database.Database } {
  const database = openMemoryDatabase()
  const writer = createWriter(database, { ...LIMITS, maxSessionsPerSub: 1 }, HOUR)
  const names = ['before', 'mine', 'after', 'damaged']
  writer.run(names.map((id) => insertOf(id)))
  const ada = createWriter(database, LIMITS, HOUR)
  ada.run(['ada-1', 'ada-2'].map((id) => insertOf(id, { claims: '{"sub":"ada"}' })))
  const first: Operation = { name: 'set', key: 'k', value: '0' }
  writer.run([...names, 'ada-1', 'ada-2'].map((id) => changeOf(id, first)))
  const forgotten = {
    id: 'forgotten',
    secretHash: null,
    reason: 'logout',
    endedAt: NOW - DAY,
  } as const
  const { endedAt } = forgotten
  const checksum = tombstoneChecksumOf(forgotten)
  database.exec(
    `insert into tombstones values ('forgotten', null, 'logout', ${endedAt}, ${checksum}, null);
     update sessions set data = '{"damaged":1}' where id = 'damaged'`,
  )
  if (at !== undefined) {
    database.exec(
      `create trigger late after ${at} begin
         insert into api_keys (hash, name, created_at, revoked_at) values ('twice', 'twice', 0, 0), ('twice', 'twice', 0, 0); end`,
    )
  }
  assert.is(createReader(database, HOUR).find('mine', NOW, 0).state, 'live')
  return { writer, database }
}

function dump(database: Database.Database): unknown {
  const tables = ['sessions', 'tombstones', 'api_keys', 'outside_changes']
  return tables.map((table) => database.prepare(`select * from ${table}`).all())
}

function insertOf(id: string, given = {}): WriteRequest {
  return { kind: 'insert', seenAt: 0, session: sessionAt(NOW, { id, ...given }) }
}

function changeOf(id: string, operation: Operation): WriteRequest {
  return { kind: 'change', id, now: NOW, seenAt: 0, operation }
}

function codeOfOutcome(outcome: WriteOutcome | undefined): string {
  return outcome?.ok === false ? outcome.refusal.code : 'ok'
}

function thrownBy(run: () => unknown): string {
  try {
    run()
    return 'nothing'
  } catch (error) {
    return codeOf(error)
  }
}

test.run()

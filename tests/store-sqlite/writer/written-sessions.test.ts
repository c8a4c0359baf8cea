/** What the writer remembers of the sessions that it wrote lately is what their rows say. */
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  openMemoryDatabase,
  openWriterDatabase,
} from '../../../lib/store-sqlite/database/database.ts'
import type { WriteOutcome, WriteRequest } from '../../../lib/store-sqlite/writer/protocol.ts'
import { createWriter, type Writer } from '../../../lib/store-sqlite/writer/writer.ts'
import { prepareLazily } from '../../kit/store/lazy-statements.ts'
import { DAY, MINUTE, LIMITS } from '../../kit/store/limits.ts'
import { sealRows } from '../../kit/store/seal-rows.ts'
import { idOf, makeSessionFile } from '../../kit/store/session-file.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('written sessions')

const NOW = Date.UTC(2026, 0, 1)
const { id: ID } = sessionAt(NOW)

test('a session that another connection has changed is read anew', () => {
  const { writer, theirs } = openFile()
  writer.run([set(idOf(0), 'a', '1')])
  theirs.exec(`update sessions set data = '{"theirs":true}', version = 7`)
  sealRows(theirs)
  assert.equal(sessionIn(writer.run([set(idOf(0), 'a', '2')])[0]), {
    data: '{"theirs":true,"a":2}',
    version: 8,
  })
  theirs.close()
})

test('a session that another connection has ended is ended for the next write', () => {
  const { writer, theirs } = openFile()
  writer.run([set(idOf(0), 'a', '1')])
  theirs.exec('delete from sessions')
  assert.equal(writer.run([set(idOf(0), 'a', '2')]), [{ ok: true, answer: { state: 'absent' } }])
  theirs.close()
})

test('what a transaction has written that came to nothing is not remembered', () => {
  const { database, writer } = openWriter()
  writer.run([insert(ID), set(ID, 'a', '1')])
  const pages = Number(database.pragma('page_count', { simple: true }))
  database.pragma(`max_page_count = ${pages + 4}`)
  const tooMuch = set(ID, 'big', `"${'x'.repeat(60_000)}"`)
  assert.ok(writer.run([set(ID, 'b', '2'), tooMuch]).every(({ ok }) => !ok))
  assert.equal(sessionIn(writer.run([set(ID, 'c', '3')])[0]), {
    data: '{"a":1,"c":3}',
    version: 3,
  })
  database.close()
})

test('a session that is remembered, and whose row has no id any more, is damaged', () => {
  const { database, writer } = openWriter()
  writer.run([insert(ID), set(ID, 'a', '1')])
  database.exec(`update sessions set id = 'something-else-entirely'`)
  const [outcome] = writer.run([set(ID, 'a', '2')])
  assert.is(outcome?.ok === false && outcome.refusal.code, 'storage_damaged')
  assert.equal(writer.run([set(ID, 'a', '3')]), [{ ok: true, answer: { state: 'absent' } }])
  database.close()
})

test('activity counts for a session that is remembered', () => {
  const { database, writer } = openWriter()
  writer.run([insert(ID), set(ID, 'a', '1')])
  const late = NOW + 20 * MINUTE
  writer.run([{ kind: 'touch', seen: [[ID, late]] }])
  const [outcome] = writer.run([set(ID, 'a', '2', late + 20 * MINUTE)])
  assert.is(sessionIn(outcome)?.data, '{"a":2}')
  database.close()
})

test('whatever was written, a writer that remembers it does as one that has to read it', () => {
  fc.assert(
    fc.property(batches(), (together) => {
      const remembering = openWriter()
      const forgetful = prepareLazily(openMemoryDatabase())
      for (const batch of together) {
        const outcomes = remembering.writer.run(batch)
        assert.equal(outcomes, newWriter(forgetful).run(batch))
        assert.equal(rowsOf(remembering.database), rowsOf(forgetful))
      }
      const [now, limit] = [NOW + 40 * MINUTE, 10]
      assert.equal(
        remembering.writer.sweepSlice(now, limit),
        newWriter(forgetful).sweepSlice(now, limit),
      )
      assert.equal(rowsOf(remembering.database), rowsOf(forgetful))
      remembering.database.close()
      forgetful.close()
    }),
    { numRuns: 200 },
  )
})

/** Requests about a few sessions, at moments between their beginning and some time after their end. */
function batches(): fc.Arbitrary<WriteRequest[][]> {
  const id = fc.constantFrom('one', 'two', 'three')
  const now = fc.constantFrom(0, 1, 10, 29, 31).map((minutes) => NOW + minutes * MINUTE)
  const value = fc.constantFrom('1', '"text"', '{"deep":[]}')
  const request: fc.Arbitrary<WriteRequest> = fc.oneof(
    id.map(insert),
    { weight: 4, arbitrary: fc.tuple(id, value, now).map(([of, v, at]) => set(of, 'k', v, at)) },
    fc.tuple(id, now).map(([of, at]): WriteRequest => {
      return {
        kind: 'change',
        ...named(of, at),
        operation: { name: 'increment', key: 'n', by: '1' },
      }
    }),
    fc.tuple(id, id, now).map(([of, to, at]): WriteRequest => {
      const renewal = { id: `${to}-renewed`, secretHash: 'another hash' }
      return { kind: 'change', ...named(of, at), operation: { name: 'renew', renewal } }
    }),
    fc.tuple(id, fc.boolean(), now).map(([of, permanent, at]): WriteRequest => {
      const claims = '{"sub":"ada"}'
      return { kind: 'change', ...named(of, at), operation: { name: 'update', claims, permanent } }
    }),
    fc.tuple(id, now).map(([of, at]): WriteRequest => ({ kind: 'touch', seen: [[of, at]] })),
    fc.tuple(id, now).map(([of, at]): WriteRequest => {
      return { kind: 'end', ...named(of, at), reason: 'logout', when: undefined }
    }),
    now.map((at): WriteRequest => {
      const who = { app: undefined, sub: 'ada', except: undefined }
      return { kind: 'end_many', ...who, now: at, reason: 'revoked', limit: 2 }
    }),
  )
  return fc.array(fc.array(request, { minLength: 1, maxLength: 4 }), { maxLength: 10 })
}

function insert(id: string): WriteRequest {
  return { kind: 'insert', seenAt: 0, session: sessionAt(NOW, { id }) }
}

function set(id: string, key: string, value: string, now = NOW): WriteRequest {
  return { kind: 'change', ...named(id, now), operation: { name: 'set', key, value } }
}

function named(id: string, now: number) {
  return { id, now, seenAt: 0 }
}

/** What a change left, as far as it is looked at here. */
function sessionIn(
  outcome: WriteOutcome | undefined,
): { data: string; version: number } | undefined {
  if (outcome?.ok !== true) return undefined
  const { answer } = outcome
  if (typeof answer !== 'object' || !('state' in answer)) return undefined
  if (answer.state !== 'live') return undefined
  const { data, version } = answer.session
  return { data, version }
}

function rowsOf(database: Database.Database): unknown[] {
  const tables = ['sessions order by number', 'tombstones order by id']
  return tables.map((table) => database.prepare(`select * from ${table}`).raw().all())
}

function openWriter() {
  const database = prepareLazily(openMemoryDatabase())
  return { database, writer: newWriter(database) }
}

function newWriter(database: Database.Database): Writer {
  return createWriter(database, { ...LIMITS, maxSessionsPerSub: 2 }, DAY)
}

/** A file with one session, its writer, and another connection to it. */
function openFile() {
  const path = makeSessionFile(1, { data: '{}', now: NOW })
  return {
    writer: newWriter(openWriterDatabase(path, 'relaxed')),
    theirs: new Database(path),
  }
}

test.run()

import Database from 'better-sqlite3'
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createReader } from '../lib/store/reader.ts'
import { createWriter } from '../lib/store/writer.ts'
import { DAY, RULES } from './support/memory-store.ts'
import { sessionAt } from './support/store-contract.ts'

const test = suite('query plans')

const ALL = { sub: undefined, except: undefined }

test('nothing that serves a request reads a whole table', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const plans = statements().map((sql) => ({ sql, plan: planOf(database, sql) }))
  assert.ok(plans.length >= 20, `${plans.length} statements`)
  const scans = plans.filter(({ plan }) => /\bSCAN\b/.test(plan) && !/api_keys/.test(plan))
  assert.equal(scans, [])
  database.close()
})

test("a user's sessions are found by the index of users, in the order of the listing", () => {
  const { database, statements } = openWatched()
  exercise(database)
  const bySub = statements().filter((sql) => /where sub = /i.test(sql))
  assert.ok(bySub.length >= 3, `${bySub.length} statements`)
  for (const sql of bySub) assert.match(planOf(database, sql), /USING INDEX sessions_by_sub/, sql)
  const listing = bySub.find((sql) => sql.includes('number >')) ?? ''
  assert.not.match(planOf(database, listing), /TEMP B-TREE/)
  database.close()
})

/** A database in memory that tells which statements were run, with their values put in. */
function openWatched() {
  const run = new Set<string>()
  const database = new Database(':memory:', {
    verbose: (sql) =>
      /^\s*(select|insert|update|delete)/i.test(String(sql)) && run.add(String(sql)),
  })
  const folder = new URL('../lib/store/migrations/', import.meta.url)
  for (const name of readdirSync(folder).toSorted()) {
    database.exec(readFileSync(new URL(name, folder), 'utf8'))
  }
  run.clear()
  return { database, statements: () => [...run] }
}

/** Runs every kind of read and write once. */
function exercise(database: Database.Database): void {
  const rules = { ...RULES, maxSessionsPerSub: 2 }
  const writer = createWriter(database, rules, DAY)
  const reader = createReader(database, DAY)
  const now = 1_000
  const named = { now, seenAt: 0 }
  const claims = '{"sub":"ada"}'
  const renewal = { id: 'renewed', secretHash: 'hash' }
  const outcomes = writer.run([
    { kind: 'insert', session: sessionAt(now, { id: 'one', claims }) },
    { kind: 'insert', session: sessionAt(now, { id: 'two', claims }) },
    { kind: 'insert', session: sessionAt(now, { id: 'three', claims }) },
    { kind: 'insert', session: sessionAt(now, { id: 'four' }) },
    { kind: 'change', id: 'four', ...named, operation: { name: 'update', claims, renewal } },
    { kind: 'touch', seen: [['renewed', now + 1]] },
    { kind: 'end', id: 'renewed', ...named, reason: 'logout', when: undefined },
    { kind: 'end_many', sub: 'ada', except: 'x', now, reason: 'revoked', limit: 1 },
    { kind: 'end_many', ...ALL, now, reason: 'revoked', limit: 10 },
  ])
  assert.ok(outcomes.every(({ ok }) => ok))
  reader.find('nobody', now, 0)
  for (const sub of [undefined, 'ada']) reader.list({ sub, after: 0, limit: 1 }, now, () => 0)
  writer.sweepSlice(now + 2 * DAY, 10)
}

function planOf(database: Database.Database, sql: string): string {
  const steps = database.prepare<[], { detail: string }>(`explain query plan ${sql}`).all()
  return steps.map(({ detail }) => detail).join('; ')
}

test.run()

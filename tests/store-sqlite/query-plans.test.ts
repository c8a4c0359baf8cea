import Database from 'better-sqlite3'
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defineChecksums } from '../../lib/store-sqlite/tables/checksum.ts'
import { createReader } from '../../lib/store-sqlite/reader.ts'
import { createWriter } from '../../lib/store-sqlite/writer/writer.ts'
import { DAY, LIMITS } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { sealRows } from '../kit/store/seal-rows.ts'

const test = suite('query plans')

const ALL = { sub: undefined, except: undefined }

test('nothing that serves a request reads a whole table', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const plans = statements().map((sql) => ({ sql, plan: planOf(database, sql) }))
  assert.ok(plans.length >= 20, `${plans.length} statements`)
  // API keys are few; of everybody's sessions it takes so many as it may from one end.
  const few = /api_keys|^SCAN sessions USING INDEX sessions_by_sweep$|SCAN CONSTANT ROW(;|$)/
  const scans = plans.filter(({ plan }) => /\bSCAN\b/.test(plan) && !few.test(plan))
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

test('listing, counting and ending the sessions of a user go by their index', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const named: [what: string, pattern: RegExp][] = [
    ['listing', /where sub = 'ada' and number > /],
    ['counting for the limit', /where sub = 'ada' and id <> /],
    ['ending', /where sub = 'ada' and id is not /],
  ]
  for (const [what, pattern] of named) {
    const sql = statements().find((text) => pattern.test(text)) ?? ''
    assert.is.not(sql, '', what)
    const plan = planOf(database, sql)
    assert.match(plan, /^SEARCH sessions USING (COVERING )?INDEX sessions_by_sub \(sub=\?/, what)
    assert.not.match(plan, /SCAN|sessions_by_sweep/, what)
  }
  database.close()
})

test('listing everybody goes along the primary key, in its order', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const sql = statements().find((text) => /from sessions\s+where number > /.test(text)) ?? ''
  const plan = planOf(database, sql)
  assert.is(plan, 'SEARCH sessions USING INTEGER PRIMARY KEY (rowid>?)')
  database.close()
})

test('the sweep looks at none whose time has not come', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const sql = statements().find((text) => /where sweep_at <= /.test(text)) ?? ''
  assert.match(planOf(database, sql), /^SEARCH sessions USING .*INDEX sessions_by_sweep/, sql)
  assert.not.match(planOf(database, sql), /TEMP B-TREE/)
  database.close()
})

test('no write and no activity changes an index', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const indexed = /\b(?:sweep_at|sub|id|number) =/
  const often = [/^update sessions set data = /, /^update sessions set checksum = checksum/]
  for (const pattern of often) {
    const found = statements().filter((text) => pattern.test(text))
    assert.ok(found.length > 0, String(pattern))
    for (const sql of found) assert.not.match(sql.slice(0, sql.indexOf(' where ')), indexed, sql)
  }
  database.close()
})

test('the plans for one user and for a page stay as they are in a file that somebody has analyzed', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const texts = statements().filter((sql) => /where (?:sub = |number > )/.test(sql))
  assert.ok(texts.length >= 4, `${texts.length} statements`)
  const before = texts.map((sql) => planOf(database, sql))
  fill(database, 5_000)
  database.exec('analyze')
  const after = texts.map((sql) => planOf(database, sql))
  assert.equal(after, before)
  database.close()
})

/** A database in memory that tells which statements were run, with their values put in. */
function openWatched() {
  const run = new Set<string>()
  const database = new Database(':memory:', {
    verbose: (sql) =>
      /^\s*(select|insert|update|delete)/i.test(String(sql)) && run.add(String(sql)),
  })
  const folder = new URL('../../lib/store-sqlite/database/migrations/', import.meta.url)
  defineChecksums(database)
  for (const name of readdirSync(folder).toSorted()) {
    database.exec(readFileSync(new URL(name, folder), 'utf8'))
  }
  run.clear()
  return { database, statements: () => [...run] }
}

/** Runs every kind of read and write once. */
function exercise(database: Database.Database): void {
  const limits = { ...LIMITS, maxSessionsPerSub: 2 }
  const writer = createWriter(database, limits, DAY)
  const reader = createReader(database, DAY)
  const now = 1_000
  const named = { now, seenAt: 0 }
  const claims = '{"sub":"ada"}'
  const renewal = { id: 'renewed', secretHash: 'hash' }
  const outcomes = writer.run([
    { kind: 'insert', seenAt: 0, session: sessionAt(now, { id: 'one', claims }) },
    { kind: 'insert', seenAt: 0, session: sessionAt(now, { id: 'two', claims }) },
    { kind: 'insert', seenAt: 0, session: sessionAt(now, { id: 'three', claims }) },
    { kind: 'insert', seenAt: 0, session: sessionAt(now, { id: 'four' }) },
    { kind: 'change', id: 'four', ...named, operation: { name: 'set', key: 'k', value: '1' } },
    { kind: 'change', id: 'four', ...named, operation: { name: 'update', claims, renewal } },
    { kind: 'touch', seen: [['renewed', now + 1]] },
    { kind: 'end', id: 'renewed', ...named, reason: 'logout', when: undefined },
    { kind: 'end_many', sub: 'ada', except: 'x', now, reason: 'revoked', limit: 1 },
    { kind: 'end_many', ...ALL, now, reason: 'revoked', limit: 10 },
  ])
  assert.ok(outcomes.every(({ ok }) => ok))
  reader.find('nobody', now, 0)
  for (const sub of [undefined, 'ada'])
    reader.list({ sub, after: undefined, limit: 1 }, now, () => 0)
  writer.sweepSlice(now + 2 * DAY, 10)
}

/** Half of the sessions are somebody's, five of each user; and as many tombstones. */
function fill(database: Database.Database, count: number): void {
  database
    .prepare(
      `with recursive n(n) as (values (1) union all select n + 1 from n where n < ?)
       insert into sessions (id, data, claims, sub, permanent, created_at, last_seen_at,
         idle_timeout_ms, lifetime_ms, sweep_at, version)
       select 'session-' || n, '{}', '{}', iif(n % 10 < 5, 'user-' || (n / 10), null), 0, n, n,
         1, 1, n + 1, 1 from n`,
    )
    .run(count)
  sealRows(database)
  database.exec(
    "insert into tombstones select id || '-t', null, 'logout', created_at, null from sessions",
  )
}

function planOf(database: Database.Database, sql: string): string {
  const steps = database.prepare<[], { detail: string }>(`explain query plan ${sql}`).all()
  return steps.map(({ detail }) => detail).join('; ')
}

test.run()

import Database from 'better-sqlite3'
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defineChecksums } from '../../lib/store-sqlite/tables/checksum.ts'
import { SESSION_COLUMNS } from '../../lib/store-sqlite/tables/rows.ts'
import { ROWS } from '../../lib/store-sqlite/tables/selection.ts'
import { createEventHistory } from '../../lib/store-sqlite/event-history.ts'
import type { Browser } from '../../lib/store-sqlite/browse.ts'
import { createReader } from '../../lib/store-sqlite/reader.ts'
import type { WriteRequest } from '../../lib/store-sqlite/writer/protocol.ts'
import { createWriter } from '../../lib/store-sqlite/writer/writer.ts'
import { DAY, LIMITS } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { sealRows } from '../kit/store/seal-rows.ts'

const test = suite('query plans')

const ALL = { app: undefined, sub: undefined, except: undefined }

test('nothing that serves a request reads a whole table', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const plans = statements().map((sql) => ({ sql, plan: planOf(database, sql) }))
  assert.ok(plans.length >= 20, `${plans.length} statements`)
  // API keys and starts of servers are few; of everybody's sessions it takes so many as it may from one end.
  const few =
    /api_keys|^SCAN feed_runs$|^SCAN sessions USING INDEX sessions_by_sweep$|SCAN CONSTANT ROW(;|$)/
  // At the start, and where another program has ended sessions.
  const atStart = 'select count(*) from sessions'
  const scans = plans.filter(
    ({ sql, plan }) => /\bSCAN\b/.test(plan) && !few.test(plan) && sql !== atStart,
  )
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
    ['counting', /where sub = 'ada' and number > \S+ order by number limit 20\)/],
    ['counting the touched', /where sub = 'ada' and number > \S+ and number <= /],
    ['counting for the limit', /where sub = 'ada' and app is null and id <> /],
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

test('listing, counting and ending the sessions of an app go by its own indexes', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const ofApp = String.raw`where app = 'shop' and `
  const named: [what: string, pattern: RegExp, index: RegExp][] = [
    ['listing', /number > .* limit/, /sessions_by_app \(app=\? AND rowid>\?\)$/],
    [
      'counting',
      /number > \S+ order by number limit 20\)/,
      /sessions_by_app \(app=\? AND rowid>\?\)$/,
    ],
    ['ending', /id is not /, /sessions_by_app \(app=\?\)$/],
    ['listing a user', /sub = 'ada' and number > .* limit/, /_by_app_sub \(.* AND rowid>\?\)$/],
    [
      'counting a user',
      /sub = 'ada' and number > \S+ order by number limit 20\)/,
      /_by_app_sub \(.*>\?\)$/,
    ],
    ['ending a user', /sub = 'ada' and id is not /, /_by_app_sub \(app=\? AND sub=\?\)$/],
    [
      'the limit of a user',
      /sub = 'ada' and id <> /,
      /_by_app_sub \(app=\? AND sub=\?\); USE TEMP/,
    ],
  ]
  for (const [what, pattern, index] of named) {
    const sql = statements().find((text) => new RegExp(ofApp + pattern.source).test(text)) ?? ''
    assert.is.not(sql, '', what)
    const plan = planOf(database, sql)
    assert.match(plan, /^SEARCH sessions USING (COVERING )?INDEX sessions_by_app/, what)
    assert.match(plan, index, what)
  }
  database.close()
})

test('only sessions of named apps are in the indexes of apps', () => {
  const { database } = openWatched()
  const writer = createWriter(database, LIMITS, DAY)
  const indexed = database
    .prepare<[], number>(
      `select sum(ncell) from dbstat where name like 'sessions_by_app%' and pagetype = 'leaf'`,
    )
    .pluck()
  const insert = (id: string): WriteRequest => {
    return { kind: 'insert', seenAt: 0, session: sessionAt(1, { id, claims: '{"sub":"ada"}' }) }
  }
  writer.run([insert('one'), insert('two')])
  assert.is(indexed.get(), 0)
  writer.run([insert('shop~one')])
  assert.is(indexed.get(), 2)
  database.close()
})

test('listing everybody goes along the primary key, in its order', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const listing = `select ${SESSION_COLUMNS} from ${ROWS.all} number > `
  const sql = statements().find((text) => text.startsWith(listing)) ?? ''
  const plan = planOf(database, sql)
  assert.is(plan, 'SEARCH sessions USING INTEGER PRIMARY KEY (rowid>?)')
  database.close()
})

test('who looks around goes by an index, and reads no more than a page', () => {
  const { database, statements } = openWatched()
  exercise(database)
  const named: [what: string, pattern: RegExp, plan: RegExp][] = [
    [
      'newest',
      /where not .* number < /,
      /^SEARCH sessions USING INTEGER PRIMARY KEY \(rowid<\?\)$/,
    ],
    ['of a user', /where sub = 'ada' and number < /, /sessions_by_sub \(sub=\? AND rowid<\?\)$/],
    ['of an app', /where app = 'shop' and number < /, /sessions_by_app \(app=\? AND rowid<\?\)$/],
    ['of a user there', /app = 'shop' and sub = 'ada' and number < /, /_by_app_sub \(.*<\?\)$/],
    [
      'the next user',
      /not null and sub >= /,
      /COVERING INDEX sessions_by_sub \(sub>\? AND sub<\?\)$/,
    ],
    [
      'the next user there',
      /app = 'shop' and sub >= /,
      /_by_app_sub \(app=\? AND sub>\? AND sub<\?\)$/,
    ],
    [
      'a user counted',
      /device from \S+ indexed .* sub = 'ada' and number > /,
      /_by_sub \(.* AND rowid>\?\)$/,
    ],
    [
      'ids',
      /device from sessions where id >= /,
      /sqlite_autoindex_sessions_1 \(id>\? AND id<\?\)$/,
    ],
    [
      'events backwards',
      /from events where number < /,
      /^SEARCH events USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)$/,
    ],
    ['ended ids', /from tombstones where id >= /, /PRIMARY KEY \(id>\? AND id<\?\)$/],
  ]
  for (const [what, pattern, plan] of named) {
    const sql = statements().find((text) => pattern.test(text)) ?? ''
    assert.is.not(sql, '', what)
    assert.match(planOf(database, sql), plan, what)
    assert.not.match(planOf(database, sql), /TEMP B-TREE|SCAN/, what)
  }
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

test('each kind of tombstone is forgotten by its own index, also in a file that somebody has analyzed', () => {
  const { database, statements } = openWatched()
  exercise(database)
  for (const isAnalyzed of [false, true]) {
    if (isAnalyzed) {
      fill(database, 5_000)
      database.exec('analyze')
    }
    for (const [condition, index] of [
      ['keep_ended_ms is null', 'tombstones_by_age'],
      ['keep_ended_ms is not null', 'tombstones_by_own_age'],
    ] as const) {
      const sql = statements().find((text) => text.includes(`from tombstones where ${condition}`))
      const plan = planOf(database, sql ?? '')
      assert.match(plan, `SEARCH tombstones USING INDEX ${index} (`)
      assert.not.match(plan, /TEMP B-TREE|SCAN tombstones/)
    }
  }
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
  const texts = statements().filter((sql) => /where (?:sub = |app = |not \()/.test(sql))
  assert.ok(texts.length >= 11, `${texts.length} statements`)
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
      /^\s*(select|insert|update|delete)/i.test(String(sql)) &&
      run.add(String(sql).replaceAll(/\s+/g, ' ')),
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
    { kind: 'end_many', app: undefined, sub: 'ada', except: 'x', now, reason: 'revoked', limit: 1 },
    { kind: 'end_many', ...ALL, now, reason: 'revoked', limit: 10 },
    ...exerciseApp(now),
  ])
  assert.ok(outcomes.every(({ ok }) => ok))
  reader.find('nobody', now, 0)
  for (const id of ['late', 'shop~late']) {
    writer.run([{ kind: 'insert', seenAt: 0, session: sessionAt(now, { id, claims }) }])
  }
  for (const sub of [undefined, 'ada']) {
    for (const app of [undefined, 'shop']) {
      reader.list({ app, sub, after: undefined, limit: 1 }, now, () => 0)
      reader.countAfter(
        0,
        { app, sub },
        now + DAY,
        () => 1,
        () => true,
      )
    }
  }
  exerciseBrowser(createReader(database, DAY).browser, now)
  createEventHistory(database, {
    bounds: () => ({ oldest: 1, newest: 9 }),
    eventOf() {
      throw new Error('There is no event')
    },
  }).read({
    ...{ app: undefined, sub: 'nobody', type: undefined, reason: undefined, session: undefined },
    ...{ after: undefined, limit: 1 },
  })
  writer.sweepSlice(now + 2 * DAY, 10)
}

function exerciseBrowser(browser: Browser, now: number): void {
  for (const app of [undefined, 'shop']) {
    const query = { app, prefix: 'a', after: undefined, limit: 1 }
    for (const sub of [undefined, 'ada']) browser.newest({ ...query, sub }, now, () => 0)
    browser.ofUsers(query, now, () => 0)
    browser.idsFrom(query, now, () => 0)
    const user = { sub: 'ada', sessions: 0, isMore: false, since: 0, lastSeenAt: 0 }
    browser.addSessions(user, { app, sub: 'ada' }, 0, now, () => 0)
  }
}

/** Ends what it begins. */
function exerciseApp(now: number): readonly WriteRequest[] {
  const claims = '{"sub":"ada"}'
  const session = sessionAt(now, { id: 'shop~one', claims })
  const end = {
    kind: 'end_many',
    app: 'shop',
    except: 'x',
    now,
    reason: 'revoked',
    limit: 9,
  } as const
  return [
    { kind: 'insert', seenAt: 0, session },
    { ...end, sub: 'ada' },
    { ...end, sub: undefined },
  ]
}

/** Half of the sessions are somebody's, five of each user, a third is an app's; and as many tombstones. */
function fill(database: Database.Database, count: number): void {
  database
    .prepare(
      `with recursive n(n) as (values (1) union all select n + 1 from n where n < ?)
       insert into sessions (id, data, claims, sub, permanent, created_at, last_seen_at,
         idle_timeout_ms, lifetime_ms, sweep_at, version)
       select iif(n % 3 = 0, 'shop~', '') || 'session-' || n, '{}', '{}', iif(n % 10 < 5, 'user-' || (n / 10), null), 0, n, n,
         1, 1, n + 1, 1 from n`,
    )
    .run(count)
  sealRows(database)
  database.exec(
    `insert into tombstones (id, reason, ended_at, keep_ended_ms)
     select id || '-t', 'logout', created_at, iif(number % 2 = 0, 60000, null) from sessions`,
  )
}

function planOf(database: Database.Database, sql: string): string {
  const steps = database.prepare<[], { detail: string }>(`explain query plan ${sql}`).all()
  // A subquery of a piece is a table of that piece.
  const ofTables = steps.filter(({ detail }) => !detail.endsWith('(subquery-1)'))
  return ofTables.map(({ detail }) => detail).join('; ')
}

test.run()

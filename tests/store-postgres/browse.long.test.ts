// Looking around in a PostgreSQL of this file's own: what the contract cannot ask of every store.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Cursor } from '../../lib/store/selection.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { type Cluster, findPostgres, startCluster, until } from '../kit/postgres/cluster.ts'
import { openOn } from '../kit/postgres/open-postgres-store.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { skip } from '../kit/runner/skip.ts'
import { DAY, HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { readAll } from '../contract/browse.ts'

const test = suite('browsing PostgreSQL')

const ALL = { app: undefined, sub: undefined, after: undefined, limit: 50 }
const EVERY_USER = { app: undefined, prefix: '', after: undefined, limit: 50 }

const bin = findPostgres()

if (bin === undefined) {
  test('pages go by an index', () => skip('postgresql is not installed'))
} else {
  // What it does by itself would be counted, too.
  const cluster = await startCluster(bin, ['autovacuum=off'])

  test('a page reads few blocks, also of a small app beside a large one', async () => {
    const { database, store, now } = await openFilled(cluster, {
      count: 60_000,
      app: "'big'",
      sub: "case when n % 3 = 0 then 'guest' else 'user-' || n % 20000 end",
    })
    await store.close()
    await cluster.query('vacuum analyze sessions', database)
    // The database goes by what it knew then: that all are of one app.
    const ofSmallApp = { app: "'small'", sub: "'guest'", at: now }
    await insertRows(cluster, database, { ...ofSmallApp, count: 3, from: 60_000 })
    const reopen = async () => {
      const opened = await openOn(cluster, database, createFakeClock())
      // They are counted beside what is asked, and the estimate until then has no small app.
      await until(async () => assert.is(opened.counts().sessions, 60_003))
      return opened
    }
    // To start reads all of them once.
    await (await reopen()).close()
    const atStart = await blocksRead(cluster, database)
    await (await reopen()).close()
    const ofStart = (await blocksRead(cluster, database)) - atStart

    const again = await reopen()
    const { browse } = again
    const ofSmall = { ...ALL, app: 'small' }
    const shown = [
      await browse.newest(ALL, now),
      await browse.newest(ofSmall, now),
      await browse.newest({ ...ALL, sub: 'guest', after: 'n30000' }, now),
      await browse.newest({ ...ofSmall, sub: 'guest' }, now),
      await browse.newest({ ...ALL, app: 'big', sub: 'user-100' }, now),
      await browse.ofUsers({ ...EVERY_USER, prefix: 'user-1' }, now),
      await browse.ofUsers({ ...EVERY_USER, app: 'small' }, now),
      await browse.ofUsers({ ...EVERY_USER, app: 'big', prefix: 'guest-' }, now),
      await again.list({ ...ofSmall }, now),
      await again.list({ ...ofSmall, sub: 'guest' }, now),
      await again.list({ ...ALL, app: 'big', sub: 'user-100' }, now),
    ].map(({ sessions }) => sessions.length)
    const users = [
      await browse.users({ ...EVERY_USER, app: 'small' }, now),
      await browse.users({ ...EVERY_USER, prefix: 'user-1', limit: 10 }, now),
      await browse.users({ ...EVERY_USER, app: 'big', prefix: 'user-1', limit: 10 }, now),
    ].map((page) => page.users.length)
    await browse.idsFrom({ app: 'big', prefix: 'big~1234', limit: 10 }, now)
    await again.close()

    assert.equal(shown, [50, 3, 50, 3, 2, 50, 3, 0, 3, 3, 2])
    assert.equal(users, [1, 10, 10])
    const ofPages = (await blocksRead(cluster, database)) - atStart - 2 * ofStart
    assert.ok(ofPages < 600, `${ofPages} blocks`)
  })

  test('many that have expired make a page short, and the next one goes on behind them', async () => {
    const { database, store, now } = await openFilled(cluster, { count: 1, sub: "'ada'" })
    await insertRows(cluster, database, { count: 600, from: 1, sub: "'ada'", at: now - DAY })
    for (const read of [
      (after: Cursor | undefined) => store.browse.newest({ ...ALL, after }, now),
      (after: Cursor | undefined) => store.browse.newest({ ...ALL, sub: 'ada', after }, now),
      (after: Cursor | undefined) => store.browse.ofUsers({ ...EVERY_USER, after }, now),
    ]) {
      const first = await read(undefined)
      assert.equal(first.sessions, [])
      const { sessions, next } = await read(first.next)
      assert.equal(
        sessions.map(({ id }) => id),
        ['id-1'],
      )
      assert.is(next, undefined)
    }
    await store.close()
  })

  test('a full page at the end of the list has no next one', async () => {
    const { store, now } = await openFilled(cluster, { count: 4, sub: "'user-' || n" })
    const limit = 4
    const pages = [
      await store.browse.newest({ ...ALL, limit }, now),
      await store.browse.ofUsers({ ...EVERY_USER, limit }, now),
      await store.browse.users({ ...EVERY_USER, limit }, now),
    ]
    assert.equal(
      pages.map(({ next }) => next),
      [undefined, undefined, undefined],
    )
    await store.close()
  })

  test('a user is found whose newest sessions have all expired', async () => {
    const { database, store, now } = await openFilled(cluster, { count: 3, sub: "'ada'" })
    await insertRows(cluster, database, { count: 450, from: 3, sub: "'ada'", at: now - DAY })
    const { users } = await store.browse.users(EVERY_USER, now)
    const times = { since: now, lastSeenAt: now }
    assert.equal(users, [{ sub: 'ada', sessions: 3, isMore: false, ...times }])
    await store.close()
  })

  test('a page of users looks at so many rows, and the next one goes on behind them', async () => {
    const { database, store, now } = await openFilled(cluster, { count: 1, sub: "'b'" })
    const old = { at: now - DAY }
    await insertRows(cluster, database, { ...old, count: 2_000, from: 1, sub: "'a' || n" })
    await insertRows(cluster, database, { ...old, count: 16_000, from: 2_001, sub: "'b'" })
    await insertRows(cluster, database, { count: 1, from: 18_001, sub: "'c'", at: now })
    const pages: string[][] = []
    const read = (after: Cursor | undefined) => store.browse.users({ ...EVERY_USER, after }, now)
    const names = await readAll(read, ({ users }) => {
      pages.push(users.map(({ sub, sessions }) => `${sub} ${sessions}`))
      return users.map(({ sub }) => sub)
    })
    assert.equal(names, ['b', 'c'])
    assert.equal(pages, [[], [], ['b 1', 'c 1']])
    await store.close()
  })

  test('of a user with very many sessions the newest are counted', async () => {
    const { store, now } = await openFilled(cluster, {
      count: 201,
      sub: "case when n > 200 then 'b' else 'a' end",
    })
    const { users } = await store.browse.users(EVERY_USER, now)
    const counted = users.map(({ sub, sessions, isMore }) => `${sub} ${sessions} ${isMore}`)
    assert.equal(counted, ['a 200 false', 'b 1 false'])
    await store.close()
    const more = await openFilled(cluster, { count: 201, sub: "'a'" })
    const [user] = (await more.store.browse.users(EVERY_USER, now)).users
    assert.equal([user?.sessions, user?.isMore], [200, true])
    await more.store.close()
  })

  test('names are in the order of UTF-8, whatever the locale of the database', async () => {
    const database = 'of_a_locale'
    await cluster.query(
      `create database ${database} template template0 locale_provider icu icu_locale 'en' locale 'C.UTF-8'`,
    )
    const clock = createFakeClock()
    const store = await openOn(cluster, database, clock)
    const names = ['A', 'Z', 'a', 'b', 'é', '\u{fb00}', '\u{1f600}', 'z\u{10ffff}\u{10ffff}']
    const ordered = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const [n, sub] of names.entries()) {
      await store.insert(sessionAt(clock.now(), { id: `id-${n}`, claims: JSON.stringify({ sub }) }))
    }
    const { users } = await store.browse.users(EVERY_USER, clock.now())
    assert.equal(
      users.map(({ sub }) => sub),
      ordered,
    )
    const { sessions } = await store.browse.ofUsers(EVERY_USER, clock.now())
    assert.equal(
      sessions.map(({ sub }) => sub),
      ordered,
    )
    const ofZ = await store.browse.users({ ...EVERY_USER, prefix: 'z' }, clock.now())
    assert.equal(
      ofZ.users.map(({ sub }) => sub),
      ['z\u{10ffff}\u{10ffff}'],
    )
    await store.close()
  })

  test('a session that was found past its time is ended, swept or not', async () => {
    const { store, now } = await openFilled(cluster, { count: 2, sub: "'ada'" })
    const later = now + HOUR
    assert.is((await store.find('id-1', later)).state, 'ended')
    assert.equal((await store.browse.newest(ALL, later)).sessions, [])
    assert.equal((await store.browse.ofUsers(EVERY_USER, later)).sessions, [])
    assert.equal((await store.browse.users(EVERY_USER, later)).users, [])
    const { live, ended } = await store.browse.idsFrom({ ...EVERY_USER, prefix: 'id-' }, later)
    assert.equal(live, [])
    const endedAt = now + 30 * MINUTE
    assert.equal(ended, [{ id: 'id-1', secretHash: 'hash', reason: 'idle_timeout', endedAt }])
    const forgotten = await store.browse.idsFrom({ ...EVERY_USER, prefix: 'id-' }, now + 3 * DAY)
    assert.equal(forgotten, { live: [], ended: [] })
    await store.close()
  })

  test('a live id is found among thousands that have ended, and of an app by less than its name', async () => {
    const { database, store, now } = await openFilled(cluster, { count: 1, app: "'shop'" })
    await insertRows(cluster, database, {
      ...{ count: 3_000, from: 1, app: "'shop'", at: now - DAY },
      sweepAt: 'null',
      ended: "'logout', $at",
    })
    const found = async (app: string | undefined, prefix: string) => {
      const { live } = await store.browse.idsFrom({ app, prefix, limit: 10 }, now)
      return live.map(({ id }) => id)
    }
    assert.equal(await found(undefined, 'shop~'), ['shop~id-1'])
    assert.equal(await found('shop', 'sh'), ['shop~id-1'])
    assert.equal(await found('shop', 'shop~id-1'), ['shop~id-1'])
    assert.equal(await found('shop', 'stop'), [])
    await store.close()
  })

  test('a cursor of another list, or of other names, is refused', async () => {
    const { store, now } = await openFilled(cluster, { count: 9, sub: "'user-' || n" })
    const { browse } = store
    const lists = [
      (after: Cursor | undefined) => browse.newest({ ...ALL, limit: 1, after }, now),
      (after: Cursor | undefined) => browse.ofUsers({ ...EVERY_USER, limit: 1, after }, now),
      (after: Cursor | undefined) => browse.users({ ...EVERY_USER, limit: 1, after }, now),
      (after: Cursor | undefined) => store.list({ ...ALL, limit: 1, after }, now),
    ]
    for (const list of lists) {
      const { next } = await list(undefined)
      for (const other of lists) {
        const code = await other(next).then(() => 'a page', codeOf)
        assert.is(code, other === list ? 'a page' : 'invalid_argument', next)
      }
    }
    const { next = '' } = await browse.users({ ...EVERY_USER, limit: 1 }, now)
    const ofOthers = { ...EVERY_USER, prefix: 'x', after: next }
    const nul = `${next.slice(0, next.indexOf('.'))}.${Buffer.from('a\0').toString('base64url')}`
    for (const page of [
      browse.users(ofOthers, now),
      browse.ofUsers({ ...ofOthers, after: next.replace('u', 's') }, now),
      browse.users({ ...EVERY_USER, after: nul }, now),
      browse.users({ ...EVERY_USER, after: `${next}.` }, now),
      browse.newest({ ...ALL, after: `n${'9'.repeat(16)}` }, now),
    ]) {
      assert.is(await page.then(() => 'a page', codeOf), 'invalid_argument')
    }
    await store.close()
  })

  test('a text that no name and no id can be finds nothing', async () => {
    const { store, now } = await openFilled(cluster, { count: 1, sub: "'ada'" })
    for (const text of ['a\0', '\0', '\ud800']) {
      const query = { ...EVERY_USER, prefix: text }
      assert.equal((await store.browse.newest({ ...ALL, sub: text }, now)).sessions, [])
      assert.equal((await store.browse.ofUsers(query, now)).sessions, [])
      assert.equal((await store.browse.users(query, now)).users, [])
      assert.equal(await store.browse.idsFrom(query, now), { live: [], ended: [] })
    }
    await store.close()
  })

  test('the cluster stops', () => cluster.stop())
}

test.run()

type Rows = {
  readonly count: number
  readonly from?: number
  /** SQL, of the number `n` of a row. */
  readonly app?: string
  readonly sub?: string
  readonly at: number
  readonly sweepAt?: string
  /** Reason and moment. */
  readonly ended?: string
}

/** Sessions `id-1` to `id-COUNT`, in this order. */
async function openFilled(cluster: Cluster, rows: Omit<Rows, 'at'>) {
  const clock = createFakeClock()
  const database = await cluster.createDatabase()
  const store = await openOn(cluster, database, clock)
  const now = clock.now()
  await insertRows(cluster, database, { ...rows, at: now })
  return { database, store, now }
}

async function insertRows(cluster: Cluster, database: string, rows: Rows): Promise<void> {
  const { count, from = 0, app = 'null', sub = 'null', at } = rows
  const { sweepAt = `${at + 30 * MINUTE}`, ended = 'null, null' } = rows
  await cluster.query(
    `insert into sessions (id, number, secret_hash, data, claims, app, sub, permanent, created_at,
      last_seen_at, idle_timeout_ms, lifetime_ms, own_idle_timeout, own_lifetime, version, device, sweep_at,
      reason, ended_at)
    select coalesce(app || '~', '') || 'id-' || n, nextval('session_numbers'), 'hash', '{}', '{}', app, sub,
      false, ${at}, ${at}, ${30 * MINUTE}, ${12 * HOUR}, false, false, 1, null, ${sweepAt},
      ${ended.replace('$at', String(at))}
    from (select n, (${app})::text as app, (${sub})::text as sub
      from generate_series(${from + 1}, ${from + count}) as n) as rows order by n`,
    database,
  )
}

/** Blocks of the sessions and their indexes that connections have read that are closed. */
async function blocksRead(cluster: Cluster, database: string): Promise<number> {
  for (;;) {
    const [row] = await cluster.query(
      `select (select count(*) from pg_stat_activity where application_name like 'coatcheck %'
          and datname = current_database()),
        heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit
      from pg_statio_user_tables where relname = 'sessions'`,
      database,
    )
    if (Number(row?.[0]) === 0) return Number(row?.[1])
  }
}

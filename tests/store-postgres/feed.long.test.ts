// The feed of several servers on one database, on a PostgreSQL cluster of this file's own.
import pg from 'pg'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseAddress } from '../../lib/base/database-address.ts'
import type { FeedQuery } from '../../lib/store/feed-store.ts'
import { postgresOperatorStores } from '../../lib/store-postgres/operator.ts'
import { END_SOME } from '../../lib/store-postgres/tables/statements.ts'
import { type OpenTwoAndHold, testSharedFeed } from '../contract/shared-feed.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { openOn } from '../kit/postgres/open-postgres-store.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { skip } from '../kit/runner/skip.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const bin = findPostgres()
const test = suite('feed: PostgreSQL')
const ALL: FeedQuery = {
  ...{ after: undefined, limit: 1_000, type: undefined },
  ...{ sub: undefined, session: undefined, app: undefined },
}

if (bin === undefined) {
  test('a feed on PostgreSQL misses nothing', () => skip('postgresql is not installed'))
  test.run()
} else {
  const cluster = await startCluster(bin)

  const openTwo =
    (isolation: string): OpenTwoAndHold =>
    async (given) => {
      const clock = createFakeClock()
      const database = await cluster.createDatabase()
      await cluster.query(
        `alter database ${database} set default_transaction_isolation = '${isolation}'`,
      )
      const stores = [
        await openOn(cluster, database, clock, given),
        await openOn(cluster, database, clock, given),
      ] as const
      return { stores, clock, holdEnd: (id, now) => holdEnd(database, id, now) }
    }
  testSharedFeed('PostgreSQL', openTwo('read committed'))
  testSharedFeed('PostgreSQL, serializable by default', openTwo('serializable'))

  async function holdEnd(database: string, id: string, now: number): Promise<() => Promise<void>> {
    const options = { host: '127.0.0.1', port: cluster.port, user: 'coat', database }
    const client = new pg.Client(options)
    await client.connect()
    await client.query('begin isolation level read committed')
    await client.query(END_SOME.text, [[id], 'revoked', now, now])
    return async () => {
      await client.query('commit')
      await client.end()
    }
  }

  test('what operators end is told of, what they import is not', async () => {
    const clock = createFakeClock()
    const database = await cluster.createDatabase()
    const store = await openOn(cluster, database, clock)
    const operator = await postgresOperatorStores.openStore({
      address: parseAddress(`postgres://coat@127.0.0.1:${cluster.port}/${database}`),
      password: undefined,
    })
    const now = clock.now()
    const claims = '{"sub":"ada"}'
    await operator.insertSome(['one', 'two'].map((id) => sessionAt(now, { id, claims })))
    await operator.end('one', now)
    await operator.end('one', now)
    await operator.endSome({ app: undefined, sub: undefined }, now)
    const { events } = await store.feed.read(ALL)
    const told = events.map(({ cursor: _, ...others }) => others)
    const ended = { type: 'session.ended', at: now, sub: 'ada', reason: 'revoked' }
    assert.equal(told, [
      { ...ended, session: 'one' },
      { ...ended, session: 'two' },
    ])
    await operator.close()
    await store.close()
  })

  test('a cursor of events that a fail-over has lost is none of others, and those before are good', async () => {
    const clock = createFakeClock()
    const database = await cluster.createDatabase()
    const store = await openOn(cluster, database, clock)
    for (const id of ['one', 'two', 'lost']) await store.insert(sessionAt(clock.now(), { id }))
    const [, two, lost] = (await store.feed.read(ALL)).events
    // As on a standby that had not got the last one yet.
    await cluster.query('delete from events where number = 3', database)
    await cluster.query('update event_feed set newest = 2', database)
    await cluster.query("update event_runs set server = 'the one before'", database)
    const after = lost?.cursor
    assert.is(await store.feed.read({ ...ALL, after }).catch(codeOf), 'events_forgotten')
    for (const id of ['three', 'four']) await store.insert(sessionAt(clock.now(), { id }))
    assert.is(await store.feed.read({ ...ALL, after }).catch(codeOf), 'events_forgotten')
    const page = await store.feed.read({ ...ALL, after: two?.cursor })
    assert.equal(
      page.events.map(({ session }) => session),
      ['three', 'four'],
    )
    assert.is.not(page.events[0]?.cursor, lost?.cursor)
    await store.close()
  })

  test('a server that keeps none ends the feed for all; one that keeps some begins another', async () => {
    const clock = createFakeClock()
    const database = await cluster.createDatabase()
    const store = await openOn(cluster, database, clock)
    for (const id of ['one', 'two']) await store.insert(sessionAt(clock.now(), { id }))
    const after = await store.feed.newest()
    const without = await openOn(cluster, database, clock, { maxEvents: 0 })
    await store.insert(sessionAt(clock.now(), { id: 'unseen' }))
    assert.is(await store.feed.read(ALL).catch(codeOf), 'events_not_kept')
    await without.sweep(clock.now())
    assert.equal(await cluster.query('select count(*) from events', database), [['0']])

    const again = await openOn(cluster, database, clock)
    assert.is(await store.feed.read({ ...ALL, after }).catch(codeOf), 'events_forgotten')
    await without.insert(sessionAt(clock.now(), { id: 'seen' }))
    const { events } = await store.feed.read(ALL)
    assert.equal(
      events.map(({ session }) => session),
      ['seen'],
    )
    for (const one of [store, without, again]) await one.close()
  })

  test('events have their places within a second, though nobody reads', async () => {
    const clock = createFakeClock()
    const database = await cluster.createDatabase()
    const store = await openOn(cluster, database, clock)
    await store.insert(sessionAt(clock.now(), { id: 'one' }))
    const placed = new Promise<void>((resolve) => void store.feed.watch(resolve))
    clock.advance(1_000)
    await placed
    assert.equal(await cluster.query('select id from events', database), [['one']])
    assert.equal(await cluster.query('select id from event_outbox', database), [])
    await store.close()
  })

  test('only so many searches of what happened are under way at once', async () => {
    const store = await openOn(cluster, await cluster.createDatabase(), createFakeClock())
    const asked = { ...ALL, limit: 10, reason: undefined }
    const codes = await Promise.all(
      Array.from({ length: 40 }, () => store.browse.events(asked).then(() => 'a page', codeOf)),
    )
    assert.equal(codes.slice(0, 32), Array<string>(32).fill('a page'))
    assert.equal(codes.slice(32), Array<string>(8).fill('overloaded'))
    assert.is(await store.browse.events(asked).then(() => 'a page', codeOf), 'a page')
    await store.close()
  })

  test('the cluster stops', () => cluster.stop())
  test.run()
}

// A primary that dies, or stands still, under load while its standby takes over.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { type Cluster, findPostgres, startCluster, until } from '../kit/postgres/cluster.ts'
import { findLost, INCREMENT, startLoad, type Tally } from '../kit/postgres/load.ts'
import { openAt } from '../kit/postgres/open-postgres-store.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { skip } from '../kit/runner/skip.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('fail-over: PostgreSQL')
const bin = findPostgres()

/** How long reads may be behind. */
const STALE_LIMIT_MS = 3_000

if (bin === undefined) {
  test('a fail-over loses nothing', () => skip('postgresql is not installed'))
} else {
  type Opened = Awaited<ReturnType<typeof openAt>>
  type Pair = { readonly primary: Cluster; readonly standby: Cluster; readonly stores: Opened[] }

  /** Two stores that know both hosts. */
  async function openPair(program: string, isSynchronous: boolean): Promise<Pair> {
    const primary = await startCluster(program)
    const database = await primary.createDatabase()
    const standby = await primary.startStandby('other')
    if (isSynchronous) await primary.set('synchronous_standby_names', "'other'")
    const hosts = [primary, standby].map(({ port }) => `127.0.0.1:${port}`).join(',')
    const address = `postgres://coat@${hosts}/${database}`
    return { primary, standby, stores: [await openAt(address), await openAt(address)] }
  }

  async function close({ primary, standby, stores }: Pair): Promise<void> {
    for (const { store } of stores) await store.close()
    await standby.stop()
    await primary.stop()
  }

  /** Resolves once all stores write and read again. */
  async function untilAllWork(stores: readonly Opened[]): Promise<void> {
    for (const [n, { store, clock }] of stores.entries()) {
      const id = `works-${n}-${Math.random()}`
      await until(() => store.insert(sessionAt(clock.now(), { id })))
      await until(async () => store.find(id, clock.now()))
    }
  }

  test('a primary that is killed under load takes nothing with it that was acknowledged', async () => {
    const pair = await openPair(bin, true)
    const load = await startLoad('load', pair.stores)
    await wait(2_000)
    pair.primary.signal('SIGKILL')
    await pair.standby.promote()
    await untilAllWork(pair.stores)
    await wait(500)
    const tally = await load.stop()
    assertBusy(tally)
    for (const opened of pair.stores) {
      assert.equal(await findLost(opened, [tally]), { lost: 0, surplus: 0, undone: [] })
      // The new primary has no standby, which is told.
      assert.is(opened.store.health().state, 'ok')
    }
    assert.is(tally.stalestMs, 0)
    await close(pair)
  })

  // That the test above would see it: what no standby has is lost with its primary.
  test('without synchronous replication the same loses what was acknowledged', async () => {
    const pair = await openPair(bin, false)
    const load = await startLoad('load', pair.stores)
    await wait(500)
    // From here on nothing reaches the standby, and the primary goes on.
    await pair.standby.set('primary_conninfo', "''")
    await until(async () => {
      const rows = await pair.primary.query('select 1 from pg_stat_replication')
      if (rows.length > 0) throw new Error('The standby still follows')
    })
    await wait(1_000)
    pair.primary.signal('SIGKILL')
    await pair.standby.promote()
    await untilAllWork(pair.stores)
    const tally = await load.stop().catch((error: unknown) => String(error))
    if (typeof tally === 'string') {
      // A counter, even, is not there any more.
      assert.match(tally, /The (?:counter|session) \S+ (?:is|was) absent/)
    } else {
      assertBusy(tally)
      const { lost, undone } = await findLost(pair.stores[0]!, [tally])
      assert.ok(lost > 0, 'no increment was lost')
      assert.ok(undone.length > 0, 'no log-out was lost')
    }
    await close(pair)
  })

  test('a primary that stood still while another took over is neither read from nor written to', async () => {
    const pair = await openPair(bin, true)
    const { primary, standby, stores } = pair
    const load = await startLoad('load', stores)
    await wait(1_500)
    primary.signal('SIGSTOP')
    await standby.promote()
    await untilAllWork(stores)
    primary.signal('SIGCONT')
    await wait(2_000)
    const tally = await load.stop()
    assertBusy(tally)
    for (const opened of stores) {
      assert.equal(await findLost(opened, [tally]), { lost: 0, surplus: 0, undone: [] })
    }
    assert.ok(tally.stalestMs < STALE_LIMIT_MS, `${tally.stalestMs} ms`)
    // Whoever starts now meets both, and both say that they take writes.
    const hosts = [primary, standby].map(({ port }) => `127.0.0.1:${port}`).join(',')
    const [[database] = []] = await standby.query(
      "select datname from pg_database where datname like 'test%'",
    )
    const late = await openAt(`postgres://coat@${hosts}/${String(database)}`)
    assert.equal(await findLost(late, [tally]), { lost: 0, surplus: 0, undone: [] })
    await late.store.close()
    await close(pair)
  })

  test('what was found on a primary that is gone is not what a write on another begins with', async () => {
    const primary = await startCluster(bin)
    const database = await primary.createDatabase()
    const standby = await primary.startStandby('other')
    const hosts = [primary, standby].map(({ port }) => `127.0.0.1:${port}`).join(',')
    // What was found is known for as long as the clock stands still.
    const standing = { clock: createFakeClock(), elapsedMs: () => 0 }
    const { store } = await openAt(`postgres://coat@${hosts}/${database}`, standing)
    const now = standing.clock.now()
    const set = (key: string) => ({ name: 'set', key, value: '1' }) as const
    await store.insert(sessionAt(now, { id: 'cart' }))
    await until(async () => {
      const [[count] = []] = await standby.query('select count(*)::int from sessions', database)
      if (count !== 1) throw new Error('The standby does not have it yet')
    })
    await standby.set('primary_conninfo', "''")
    await until(async () => {
      const rows = await primary.query('select 1 from pg_stat_replication')
      if (rows.length > 0) throw new Error('The standby still follows')
    })
    // The version after this one is there twice: with what is lost, and with what is not.
    await store.change('cart', now, set('lost'))
    await store.find('cart', now)
    primary.signal('SIGKILL')
    await standby.promote()
    const elsewhere = await openAt(`postgres://coat@127.0.0.1:${standby.port}/${database}`)
    await elsewhere.store.change('cart', now, set('theirs'))
    await until(() => store.change('cart', now, set('ours')))
    const found = await elsewhere.store.find('cart', now)
    assert.is(found.state === 'live' && found.session.data, '{"theirs":1,"ours":1}')
    await elsewhere.store.close()
    await store.close()
    await standby.stop()
    await primary.stop()
  })

  test('what was found before the database crashed and lost it is not what a write begins with', async () => {
    const lossy = ['synchronous_commit=off', 'bgwriter_lru_maxpages=0', 'autovacuum=off']
    const cluster = await startCluster(bin, lossy)
    const database = await cluster.createDatabase()
    const address = `postgres://coat@127.0.0.1:${cluster.port}/${database}`
    const standing = { clock: createFakeClock(), elapsedMs: () => 0 }
    const { store } = await openAt(address, { ...standing, durability: 'relaxed' })
    const now = standing.clock.now()
    const set = (key: string) => ({ name: 'set', key, value: '1' }) as const
    await store.insert(sessionAt(now, { id: 'cart' }))
    await cluster.query('checkpoint')
    // Nobody else writes what is committed to the disk; and when it dies all others end, to start anew.
    const [[pid] = []] = await cluster.query(
      "select pid from pg_stat_activity where backend_type = 'walwriter'",
    )
    process.kill(Number(pid), 'SIGSTOP')
    await store.change('cart', now, set('lost'))
    await store.find('cart', now)
    process.kill(Number(pid), 'SIGKILL')
    const elsewhere = await until(() => openAt(address, { durability: 'relaxed' }))
    await elsewhere.store.change('cart', now, set('theirs'))
    await until(() => store.change('cart', now, set('ours')))
    const found = await elsewhere.store.find('cart', now)
    assert.is(found.state === 'live' && found.session.data, '{"theirs":1,"ours":1}')
    await elsewhere.store.close()
    await store.close()
    await cluster.stop()
  })

  test('a replaced primary is not read from for longer than some seconds, and writes there are not acknowledged', async () => {
    const primary = await startCluster(bin)
    const database = await primary.createDatabase()
    const standby = await primary.startStandby('other')
    await primary.set('synchronous_standby_names', "'other'")
    // It knows the old one only, as where the network is cut between the two.
    const cut = await openAt(`postgres://coat@127.0.0.1:${primary.port}/${database}`)
    const { store, clock } = cut
    await store.insert(sessionAt(clock.now(), { id: 'out' }))
    await standby.promote()
    const promotedAt = performance.now()
    const elsewhere = await openAt(`postgres://coat@127.0.0.1:${standby.port}/${database}`)
    await elsewhere.store.end('out', clock.now(), 'logout')
    const written = store.change('out', clock.now(), { name: 'increment', key: 'n', by: '1' })
    let lastReadAt = 0
    while (performance.now() - promotedAt < STALE_LIMIT_MS + 2_000) {
      const askedAt = performance.now()
      const state = await Promise.resolve(store.find('out', clock.now())).then(
        (found) => found.state,
        codeOf,
      )
      if (state === 'live') lastReadAt = askedAt
      await wait(20)
    }
    assert.ok(lastReadAt - promotedAt < STALE_LIMIT_MS, `${lastReadAt - promotedAt} ms`)
    assert.is(store.health().state, 'unreachable')
    assert.is(await written.then(({ state }) => state, codeOf), 'outcome_unknown')
    await elsewhere.store.close()
    await store.close()
    await standby.stop()
    await primary.stop()
  })

  // Why the manual wants each standby to confirm, or the old primary to be stopped first.
  test('a replaced primary acknowledges nothing where each standby must confirm, and goes on where any may', async () => {
    const primary = await startCluster(bin)
    const database = await primary.createDatabase()
    const [one, other] = [await primary.startStandby('one'), await primary.startStandby('other')]
    await primary.set('synchronous_standby_names', "'2 (one, other)'")
    const { store, clock } = await openAt(`postgres://coat@127.0.0.1:${primary.port}/${database}`)
    await store.insert(sessionAt(clock.now(), { id: 'counter' }))
    await one.promote()
    const count = () => store.change('counter', clock.now(), INCREMENT)
    assert.is(await count().then(({ state }) => state, codeOf), 'outcome_unknown')
    await primary.set('synchronous_standby_names', "'ANY 1 (one, other)'")
    assert.is((await until(count)).state, 'live')
    await store.close()
    for (const { stop } of [one, other, primary]) await stop()
  })
}

test.run()

function assertBusy({ counters, loggedOut }: Tally): void {
  for (const { acknowledged } of Object.values(counters)) assert.ok(acknowledged > 10)
  assert.ok(loggedOut.length > 10)
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

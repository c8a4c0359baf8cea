// Processes that are stopped (SIGSTOP, as by a debugger, a hypervisor or an overloaded machine) and go on.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sessionOf } from '../contract/sample-sessions.ts'
import { findPostgres, startCluster, until } from '../kit/postgres/cluster.ts'
import { findLost, startLoad } from '../kit/postgres/load.ts'
import { openAt } from '../kit/postgres/open-postgres-store.ts'
import { startStoreProcess, type StoreProcess } from '../kit/postgres/start-store-process.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { skip } from '../kit/runner/skip.ts'
import { LIMITS } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('stopped processes: PostgreSQL')
const bin = findPostgres()

if (bin === undefined) {
  test('nothing is lost where a process stops', () => skip('postgresql is not installed'))
} else {
  const cluster = await startCluster(bin)
  const newAddress = async () =>
    `postgres://coat@127.0.0.1:${cluster.port}/${await cluster.createDatabase()}`

  test('a process that stops within a transaction holds up others for some seconds, and no longer', async () => {
    const address = await newAddress()
    const child = await startStoreProcess(address, 5)
    const limits = { ...LIMITS, maxSessionsPerSub: 5 }
    const { store, clock } = await openAt(address, { limits })
    const { logIn } = await stopWithinLogIn(child, address)
    const startedAt = performance.now()
    const id = 'the-other'
    const inserted = await store.insert(sessionOf('ada', { id, createdAt: clock.now() }))
    assert.ok(inserted.inserted)
    assert.ok(performance.now() - startedAt < 4_500, String(performance.now() - startedAt))
    child.signal('SIGCONT')
    // It had told nobody of it, and does not now.
    assert.is(await logIn, 'storage_failed')
    assert.is((await store.find('stopped', clock.now())).state, 'absent')
    // And it goes on.
    await until(async () => {
      const again = await child.logIn('ada', 'again')
      if (typeof again === 'string') throw new Error(again)
      assert.ok(again.inserted)
    })
    assert.is(await store.count({ app: undefined, sub: 'ada' }, clock.now()), 2)
    await child.close()
    await store.close()
  })

  test('a process that stops while large answers are on their way to it gives up its locks', async () => {
    const address = await newAddress()
    const child = await startStoreProcess(address, 1_000)
    const limits = { ...LIMITS, maxSessionsPerSub: 1_000 }
    const { store, clock } = await openAt(address, { limits })
    const data = JSON.stringify({ text: 'x'.repeat(65_000) })
    const createdAt = clock.now()
    await Promise.all(
      Array.from({ length: 400 }, (_, n) =>
        store.insert({ ...sessionOf('ada', { id: `large-${n}`, createdAt }), data }),
      ),
    )
    const { logIn } = await stopWithinLogIn(child, address)
    const startedAt = performance.now()
    const id = 'the-other'
    await until(() => store.insert(sessionOf('ada', { id, createdAt: clock.now() })))
    const took = performance.now() - startedAt
    child.signal('SIGCONT')
    await logIn
    assert.ok(took < 15_000, `${took} ms`)
    await child.close()
    await store.close()
  })

  test('a process that stops under load, longer than its transactions may, loses nothing', async () => {
    const address = await newAddress()
    const child = await startStoreProcess(address)
    const opened = await openAt(address)
    await child.startLoad('child')
    const load = await startLoad('here', [opened])
    await wait(1_000)
    child.signal('SIGSTOP')
    await wait(4_000)
    child.signal('SIGCONT')
    await wait(500)
    const tallies = [await child.stopLoad(), await load.stop()]
    assert.ok(tallies.every(({ loggedOut }) => loggedOut.length > 0))
    assert.equal(await findLost(opened, tallies), { lost: 0, surplus: 0, undone: [] })
    assert.equal(
      tallies.map(({ stalestMs }) => stalestMs),
      [0, 0],
    )
    // The other does not wait for it.
    assert.ok(tallies[1]!.longestPauseMs < 3_500, String(tallies[1]!.longestPauseMs))
    await child.close()
    await opened.store.close()
  })

  for (const seconds of [4, 9]) {
    test(`a database that stops for ${seconds} s loses nothing, and is read again when it goes on`, async () => {
      const address = await newAddress()
      const stores = [await openAt(address), await openAt(address)]
      const load = await startLoad('here', stores)
      await wait(1_000)
      cluster.signal('SIGSTOP')
      await wait(seconds * 1_000 - 500)
      for (const { store, clock } of stores) {
        assert.is(
          await Promise.resolve(store.find('any', clock.now())).then(() => '', codeOf),
          'storage_failed',
        )
        assert.is(store.health().state, 'unreachable')
      }
      await wait(500)
      cluster.signal('SIGCONT')
      for (const { store, clock } of stores) await until(async () => store.find('any', clock.now()))
      await wait(500)
      const tally = await load.stop()
      assert.equal(await findLost(stores[0]!, [tally]), { lost: 0, surplus: 0, undone: [] })
      assert.is(tally.stalestMs, 0)
      // No session stays behind: four a store, and the one that asks.
      const sessions = `select count(*)::int from pg_stat_activity where application_name like 'coatcheck %'`
      await until(async () => {
        const [[count] = []] = await cluster.query(sessions)
        if (Number(count) > 8) throw new Error(`There are ${String(count)} sessions`)
      })
      for (const { store } of stores) await store.close()
    })
  }

  test('a store closes while its database stands still', async () => {
    const { store } = await openAt(await newAddress())
    cluster.signal('SIGSTOP')
    const startedAt = performance.now()
    const limit = new Promise((resolve) => setTimeout(resolve, 15_000).unref())
    const closed = await Promise.race([store.close().then(() => 'closed'), limit])
    cluster.signal('SIGCONT')
    assert.is(closed, 'closed')
    assert.ok(performance.now() - startedAt < 12_000)
  })

  test('a store is made anew whose server dies while another is still being asked', async () => {
    const address = await newAddress()
    const stopped = await startCluster(bin)
    const { store, clock } = await openAt(
      address.replace(`:${cluster.port}/`, `:${cluster.port},127.0.0.1:${stopped.port}/`),
    )
    stopped.signal('SIGSTOP')
    const endAll = `select count(pg_terminate_backend(pid)) from pg_stat_activity
      where application_name like 'coatcheck %'`
    // Once for the connections that it has, and once for those that wait for the other host's answer.
    await cluster.query(endAll)
    await until(async () => {
      const [[count] = []] = await cluster.query(endAll)
      if (Number(count) < 4) throw new Error('They are not back yet')
    })
    await wait(3_000)
    await until(() => store.insert(sessionAt(clock.now(), { id: 'after' })))
    assert.is((await until(async () => store.find('after', clock.now()))).state, 'live')
    await store.close()
    stopped.signal('SIGCONT')
    await stopped.stop()
  })

  test('the cluster stops', () => cluster.stop())

  /**
   * Stops the child while it waits for the lock of a user who logs in, and lets it have the lock then. Held from
   * outside, the lock shows when the child waits for it. The answer comes once the child goes on.
   */
  async function stopWithinLogIn(child: StoreProcess, address: string) {
    const { default: pg } = await import('pg')
    const database = address.slice(address.lastIndexOf('/') + 1)
    const place = { host: cluster.folder, port: cluster.port, user: 'coat', database }
    const holder = new pg.Client(place)
    await holder.connect()
    await holder.query('begin')
    await holder.query('select n from locks order by n for update')
    const logIn = child.logIn('ada', 'stopped')
    await until(async () => {
      const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = '${database}'`
      if ((await cluster.query(waiting)).length === 0) throw new Error('It does not wait yet')
    })
    child.signal('SIGSTOP')
    await holder.query('rollback')
    await holder.end()
    return { logIn }
  }
}

test.run()

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

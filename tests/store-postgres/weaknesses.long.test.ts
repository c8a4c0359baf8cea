// What a database's settings weaken: refused at the start, or told then and a minute after it changed.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { findPostgres, startCluster, until } from '../kit/postgres/cluster.ts'
import { openAt } from '../kit/postgres/open-postgres-store.ts'
import { skip } from '../kit/runner/skip.ts'
import { MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('weaknesses: PostgreSQL')
const bin = findPostgres()

if (bin === undefined) {
  test('weak settings are told', () => skip('postgresql is not installed'))
} else {
  const cluster = await startCluster(bin)
  const addressOf = (database: string, { port } = cluster) =>
    `postgres://coat@127.0.0.1:${port}/${database}`

  /** The refusal, or the weaknesses that are told. */
  async function open(address: string, durability: 'full' | 'relaxed' = 'full') {
    const told: (readonly string[])[] = []
    try {
      const { store } = await openAt(address, {
        durability,
        onWeaknesses: (weaknesses) => told.push(weaknesses),
      })
      assert.equal(store.health().weaknesses, told[0])
      await store.close()
      return told
    } catch (error) {
      return String(error)
    }
  }

  test('what a crash may lose is refused, and told where it is accepted', async () => {
    const address = addressOf(await cluster.createDatabase())
    for (const [setting, weakness] of [
      ['fsync', 'no_fsync'],
      ['full_page_writes', 'no_full_page_writes'],
      ['synchronous_commit', 'no_synchronous_commit'],
    ] as const) {
      await cluster.set(setting, "'off'")
      assert.match(String(await open(address)), `(${weakness})`)
      assert.equal(await open(address, 'relaxed'), [[weakness, 'asynchronous_replication']])
      await cluster.set(setting, "'on'")
    }
    assert.equal(await open(address), [['asynchronous_replication']])
  })

  test('what a fail-over may lose is told, for the role and the database that it is set for, too', async () => {
    const database = await cluster.createDatabase()
    const standby = await cluster.startStandby('other')
    await cluster.set('synchronous_standby_names', "'other'")
    assert.equal(await open(addressOf(database)), [])
    await cluster.query(`alter database ${database} set synchronous_commit = local`)
    assert.equal(await open(addressOf(database)), [['asynchronous_replication']])
    await cluster.query(`alter database ${database} set synchronous_commit = off`)
    assert.match(String(await open(addressOf(database))), 'no_synchronous_commit')
    await cluster.query(`alter database ${database} reset synchronous_commit`)
    assert.match(String(await open(addressOf(database, standby))), 'it is a standby')
    await cluster.set('synchronous_standby_names', "''")
    await standby.stop()
  })

  test('another encoding is refused', async () => {
    await cluster.query(
      "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0",
    )
    assert.match(String(await open(addressOf('latin'))), 'its encoding is LATIN1, and must be UTF8')
  })

  test('a database without checksums is told', async () => {
    const plain = await startCluster(bin, [], { checksums: false })
    const address = addressOf(await plain.createDatabase(), plain)
    assert.equal(await open(address), [['asynchronous_replication', 'no_data_checksums']])
    await plain.stop()
  })

  test('a database that takes no writes is refused', async () => {
    const database = await cluster.createDatabase()
    await cluster.query(`alter database ${database} set default_transaction_read_only = on`)
    assert.match(String(await open(addressOf(database))), 'it takes no writes')
  })

  test('what changes while a store is open is told within a minute, and when it is over', async () => {
    const clock = createFakeClock()
    const told: (readonly string[])[] = []
    const { store } = await openAt(addressOf(await cluster.createDatabase()), {
      clock,
      elapsedMs: () => 0,
      durability: 'full',
      onWeaknesses: (weaknesses) => told.push(weaknesses),
    })
    // The fake clock is not the database's.
    const before = told.at(-1) ?? []
    const changes = [
      ['fsync', "'off'", 'no_fsync'],
      ['fsync', "'on'", undefined],
      ['synchronous_commit', "'off'", 'no_synchronous_commit'],
      ['synchronous_commit', "'on'", undefined],
    ] as const
    for (const [setting, value, weakness] of changes) {
      const count = told.length
      await cluster.set(setting, value)
      clock.advance(MINUTE)
      await until(async () => {
        if (told.length === count) throw new Error(`${setting} ${value} is not told`)
      })
      assert.equal(told.at(-1), [...(weakness === undefined ? [] : [weakness]), ...before])
      assert.equal(store.health().weaknesses, told.at(-1))
    }
    await store.close()
  })

  test('of stores on machines whose clocks differ the database decides what is over', async () => {
    const address = addressOf(await cluster.createDatabase())
    const behind = createFakeClock(Date.now() - 7_000)
    const ahead = createFakeClock(Date.now() + 11_000)
    const stores = [
      await openAt(address, { clock: behind }),
      await openAt(address, { clock: ahead }),
    ]
    const [[now] = []] = await cluster.query('select extract(epoch from clock_timestamp()) * 1000')
    for (const { store, clock } of stores) {
      // They stand still; the database's does not.
      assert.ok(Math.abs(clock.now() - Number(now)) < 3_000, String(clock.now() - Number(now)))
      assert.ok((store.health().weaknesses ?? []).includes('clock_differs'))
    }
    const [one, other] = stores as [(typeof stores)[0], (typeof stores)[0]]
    const createdAt = Math.round(Number(now))
    await one.store.insert(sessionAt(createdAt, { id: 'near', idleTimeoutMs: 15_000 }))
    await other.store.insert(sessionAt(createdAt, { id: 'far', idleTimeoutMs: 15_000 }))
    for (const id of ['near', 'far']) {
      for (const { store, clock } of stores) {
        assert.is((await store.find(id, clock.now())).state, 'live', id)
      }
    }
    // By the database it is over in 15 s, whoever asks.
    behind.advance(20_000)
    ahead.advance(20_000)
    for (const id of ['near', 'far']) {
      for (const { store, clock } of stores) {
        assert.is((await store.find(id, clock.now())).state, 'ended', id)
      }
    }
    for (const { store } of stores) await store.close()
  })

  test('the cluster stops', () => cluster.stop())
}

test.run()

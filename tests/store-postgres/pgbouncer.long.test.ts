// The store through a pooler that gives each transaction whatever server session is free.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseAddress } from '../../lib/base/database-address.ts'
import { createConnection } from '../../lib/store-postgres/connection/connection.ts'
import { testEndMany } from '../contract/end-many.ts'
import { testLimits } from '../contract/limits.ts'
import type { OpenStore } from '../contract/open-store.ts'
import { testSessions } from '../contract/sessions.ts'
import { testSharedStorage } from '../contract/shared-storage.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { findPostgres, startCluster, until } from '../kit/postgres/cluster.ts'
import { openAt, openOn } from '../kit/postgres/open-postgres-store.ts'
import { findPgbouncer, startPgbouncer } from '../kit/postgres/pgbouncer.ts'
import { startSwitch } from '../kit/postgres/switch.ts'
import { skip } from '../kit/runner/skip.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const bin = findPostgres()
const program = findPgbouncer()
const test = suite('PostgreSQL through pgbouncer')

if (bin === undefined || program === undefined) {
  test('a store behind pgbouncer keeps the contract', () =>
    skip(`${bin === undefined ? 'postgresql' : 'pgbouncer'} is not installed`))
} else {
  const cluster = await startCluster(bin, ['max_connections=300'])
  const pooler = await startPgbouncer(program, cluster.port)
  const open: OpenStore = async (given) => {
    const clock = createFakeClock()
    const database = await cluster.createDatabase()
    return { store: await openOn(pooler, database, clock, given, '?prepare=false'), clock }
  }
  for (const suites of [testSessions, testEndMany, testLimits]) {
    suites('PostgreSQL through pgbouncer', open)
  }
  testSharedStorage('PostgreSQL through pgbouncer', async (given) => {
    const clock = createFakeClock()
    const database = await cluster.createDatabase()
    const openOne = () => openOn(pooler, database, clock, given, '?prepare=false')
    return { stores: [await openOne(), await openOne()], clock }
  })

  const SETUP = [
    ['enable_hashjoin', 'off'],
    ['idle_in_transaction_session_timeout', '3s'],
  ] as const
  const SHOW = `select current_setting('enable_hashjoin'),
    current_setting('idle_in_transaction_session_timeout')`

  function connectTo(port: number) {
    const address = parseAddress(`postgres://coat@127.0.0.1:${port}/postgres?prepare=false`)
    return createConnection({
      ...address,
      password: undefined,
      certificate: undefined,
      applicationName: 'coatcheck test',
      connectTimeoutMs: 2_000,
      answerTimeoutMs: 5_000,
      whenOverdue: 'keep',
      setup: SETUP,
    })
  }
  const statement = (text: string) => ({ name: '', text })

  test('each statement has the settings of its connection, and nobody else has them', async () => {
    const connection = connectTo(pooler.port)
    await connection.open()
    const shown = await Promise.all([1, 2, 3].map(() => connection.ask(statement(SHOW))))
    for (const { rows } of shown) assert.equal(rows, [['off', '3s']])
    await connection.ask(statement('begin'))
    assert.equal((await connection.ask(statement(SHOW))).rows, [['off', '3s']])
    await connection.ask(statement('rollback'))
    const other = connectTo(pooler.port)
    await other.open()
    await connection.close()
    await other.close()
    const stranger = `postgres://coat@127.0.0.1:${pooler.port}/postgres?prepare=false`
    const plain = createConnection({
      ...parseAddress(stranger),
      password: undefined,
      certificate: undefined,
      applicationName: 'a stranger',
      connectTimeoutMs: 2_000,
      answerTimeoutMs: 5_000,
      whenOverdue: 'keep',
      setup: [],
    })
    await plain.open()
    assert.equal((await plain.ask(statement(SHOW))).rows, [['on', '0']])
    await plain.close()
  })

  test('a statement that fails leaves its connection usable, and nothing of it behind', async () => {
    const connection = connectTo(pooler.port)
    await connection.open()
    await connection.ask(statement('create table tried (n int primary key)'))
    const asked = await Promise.allSettled([
      connection.ask(statement('insert into tried values (1)')),
      connection.ask(statement('insert into tried values (1)')),
      connection.ask(statement('insert into tried values (2)')),
    ])
    assert.equal(
      asked.map((one) => (one.status === 'fulfilled' ? one.value.count : 'failed')),
      [1, 'failed', 1],
    )
    const failed = asked[1] as PromiseRejectedResult
    assert.is((failed.reason as { code: string }).code, '23505')
    const { rows } = await connection.ask(statement('select n from tried order by n'))
    assert.equal(rows, [[1], [2]])
    await connection.close()
  })

  test('an answer tells which server it is from, whoever the pooler turns to meanwhile', async () => {
    const other = await startCluster(bin)
    const turning = await startSwitch(cluster.port)
    const turned = await startPgbouncer(program, turning.port, 1)
    const connection = connectTo(turned.port)
    await connection.open()
    const where = statement('select inet_server_port()')
    const first = await connection.ask(where)
    assert.equal(first.rows, [[cluster.port]])
    assert.is(connection.server(), first.server)
    turning.turnTo(other.port)
    turning.cut()
    const second = await until(() => connection.ask(where))
    assert.equal(second.rows, [[other.port]])
    assert.is.not(second.server, first.server)
    assert.is(connection.server(), second.server)
    await connection.close()
    await turned.stop()
    await turning.stop()
    await other.stop()
  })

  test('a store goes on where the pooler has turned to a server that was promoted', async () => {
    const standby = await cluster.startStandby('other')
    await cluster.set('synchronous_standby_names', "'other'")
    const database = await cluster.createDatabase()
    const turning = await startSwitch(cluster.port)
    const turned = await startPgbouncer(program, turning.port, 3)
    const address = `postgres://coat@127.0.0.1:${turned.port}/${database}?prepare=false`
    const { store, clock } = await openAt(address)
    await store.insert(sessionAt(clock.now(), { id: 'kept' }))
    await store.insert(sessionAt(clock.now(), { id: 'out' }))
    assert.is((await store.find('out', clock.now())).state, 'live')

    // The old primary goes on, and answers reads to whoever is still connected to it.
    await standby.promote()
    turning.turnTo(standby.port)
    const direct = `postgres://coat@127.0.0.1:${standby.port}/${database}`
    const elsewhere = await openAt(direct)
    await elsewhere.store.end('out', clock.now(), 'logout')
    const endedAt = performance.now()
    let isFound = false
    while (!isFound && performance.now() - endedAt < 20_000) {
      const state = await Promise.resolve(store.find('out', clock.now())).then(
        (found) => found.state,
        () => 'refused',
      )
      if (performance.now() - endedAt > 3_000) assert.is.not(state, 'live')
      isFound = state === 'ended'
      if (performance.now() - endedAt > 6_000) turning.cut()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    assert.ok(isFound)
    await until(() => store.change('kept', clock.now(), { name: 'set', key: 'a', value: '1' }))
    await store.close()
    await elsewhere.store.close()
    await turned.stop()
    await turning.stop()
    await standby.stop()
    await cluster.set('synchronous_standby_names', "''")
  })

  test('pgbouncer and the cluster stop', async () => {
    await pooler.stop()
    await cluster.stop()
  })
}

test.run()

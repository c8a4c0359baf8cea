// Two stores on one database, as two servers have them.
import { suite } from 'uvu'
import { testSharedStorage } from '../contract/shared-storage.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { openOn } from '../kit/postgres/open-postgres-store.ts'
import { skip } from '../kit/runner/skip.ts'

const bin = findPostgres()

if (bin === undefined) {
  const test = suite('shared storage: PostgreSQL')
  test('two stores on one database lose nothing', () => skip('postgresql is not installed'))
  test.run()
} else {
  const cluster = await startCluster(bin)
  testSharedStorage('PostgreSQL', async (given) => {
    const clock = createFakeClock()
    const database = await cluster.createDatabase()
    const open = () => openOn(cluster, database, clock, given)
    return { stores: [await open(), await open()], clock }
  })
  const strict = await startCluster(bin, ['default_transaction_isolation=serializable'])
  testSharedStorage('PostgreSQL, serializable by default', async (given) => {
    const clock = createFakeClock()
    const database = await strict.createDatabase()
    const open = () => openOn(strict, database, clock, given)
    return { stores: [await open(), await open()], clock }
  })
  const end = suite('PostgreSQL ends')
  end('the clusters stop', async () => {
    await cluster.stop()
    await strict.stop()
  })
  end.run()
}

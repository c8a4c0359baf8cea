// The contract of a store, on a PostgreSQL cluster of this file's own.
import { suite } from 'uvu'
import { testStore } from '../contract/contract.ts'
import type { OpenStore } from '../contract/open-store.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { openOn } from '../kit/postgres/open-postgres-store.ts'
import { skip } from '../kit/runner/skip.ts'

const bin = findPostgres()

if (bin === undefined) {
  const test = suite('contract: PostgreSQL')
  test('a store on PostgreSQL keeps the contract', () => skip('postgresql is not installed'))
  test.run()
} else {
  const cluster = await startCluster(bin)
  const open: OpenStore = async (given) => {
    const clock = createFakeClock()
    return { store: await openOn(cluster, await cluster.createDatabase(), clock, given), clock }
  }
  testStore('PostgreSQL', open)
  const end = suite('PostgreSQL ends')
  end('the cluster stops', () => cluster.stop())
  end.run()
}

// What operators do, on a PostgreSQL cluster of this file's own.
import { suite } from 'uvu'
import { parseAddress } from '../../lib/base/database-address.ts'
import { postgresOperatorStores as stores } from '../../lib/store-postgres/operator.ts'
import { testOperatorStore } from '../contract/operator.ts'
import { findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { skip } from '../kit/runner/skip.ts'

const bin = findPostgres()

if (bin === undefined) {
  const test = suite('operators: PostgreSQL')
  test('commands work on a database', () => skip('postgresql is not installed'))
  test.run()
} else {
  const cluster = await startCluster(bin)
  const names = await Promise.all(Array.from({ length: 12 }, () => cluster.createDatabase()))
  const optionsOf = (data: string) => ({ address: parseAddress(data), password: undefined })
  testOperatorStore(
    'PostgreSQL',
    {
      openReader: (data) => stores.openReader(optionsOf(data)),
      openReaderOrEmpty: (data) => stores.openReaderOrEmpty(optionsOf(data)),
      openStore: (data) => stores.openStore(optionsOf(data)),
      openOrCreateStore: (data) => stores.openOrCreateStore(optionsOf(data)),
    },
    () => `postgres://coat@127.0.0.1:${cluster.port}/${names.pop() ?? ''}`,
  )
  const end = suite('PostgreSQL ends')
  end('the cluster stops', () => cluster.stop())
  end.run()
}

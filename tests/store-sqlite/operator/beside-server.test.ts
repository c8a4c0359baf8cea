import { join } from 'node:path'
import { sqliteOperatorStores } from '../../../lib/store-sqlite/operator/beside-server.ts'
import { testOperatorStore } from '../../contract/operator.ts'
import { makeFolder } from '../../kit/process/spawn-server.ts'

testOperatorStore('SQLite', sqliteOperatorStores, () => join(makeFolder(), 'sessions.db'))

// A process that holds a store, to be stopped and continued: `node store-process.ts ADDRESS LIMIT`, started
// by `startStoreProcess`, which tells it what to do.
import { CodedError } from '../../../lib/base/errors.ts'
import { LIMITS } from '../store/limits.ts'
import { sessionOf } from '../../contract/sample-sessions.ts'
import { type Load, startLoad } from './load.ts'
import { openAt } from './open-postgres-store.ts'
import type { Order } from './start-store-process.ts'

const [, , address = '', limit = '0'] = process.argv
const maxSessionsPerSub = Number(limit) || undefined
const opened = await openAt(address, { limits: { ...LIMITS, maxSessionsPerSub } })
let load: Load | undefined

process.on('message', (order: Order) => {
  void run(order).then(
    (answer) => process.send?.({ answer }),
    (error: unknown) =>
      process.send?.({ answer: error instanceof CodedError ? error.code : String(error) }),
  )
})
process.send?.({ answer: 'ready' })

async function run(order: Order): Promise<unknown> {
  const { store, clock } = opened
  switch (order.do) {
    case 'load':
      load = await startLoad(order.name, [opened])
      return 'started'
    case 'stop':
      return await load?.stop()
    case 'log in':
      return await store.insert(sessionOf(order.sub, { id: order.id, createdAt: clock.now() }))
    case 'close':
      await store.close()
      // With nothing left to wait for, it ends.
      setImmediate(() => process.disconnect?.())
      return 'closed'
  }
}

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connection } from '../../lib/store-postgres/connection/connection.ts'
import { createHealth } from '../../lib/store-postgres/health.ts'
import { createHeartbeat } from '../../lib/store-postgres/reads/heartbeat.ts'

const test = suite('health: PostgreSQL')

test('no figure is told of a heartbeat before there was one, and its age from then on', async () => {
  let elapsedMs = 10_000
  let takesWrites = false
  const connection = {
    isUp: () => true,
    isOverdue: () => false,
    async ask() {
      if (!takesWrites) throw new Error('It takes none')
      return { rows: [], count: 1, command: 'INSERT', server: 'one' }
    },
  } as Partial<Connection> as Connection
  const options = { limitMs: 3_000, elapsedMs: () => elapsedMs, now: () => 0 }
  const heartbeat = createHeartbeat(connection, options)
  const health = createHealth({
    ...{ writer: connection, beside: connection, heartbeat, limitMs: 3_000 },
    clock: { offsetMs: () => 0 } as Parameters<typeof createHealth>[0]['clock'],
    weaknesses: () => [],
  })

  await heartbeat.beat()
  const none = health()
  assert.equal([none.state, none.reasons], ['unreachable', ['no_recent_commit']])
  assert.equal(none.figures, { clockOffsetMs: 0 })
  takesWrites = true
  await heartbeat.beat()
  elapsedMs += 1_500
  assert.equal(health().figures, { heartbeatAgeSeconds: 1.5, clockOffsetMs: 0 })
  assert.is(health().state, 'ok')
  elapsedMs += 1_500
  assert.equal(health().reasons, ['no_recent_commit'])
})

test.run()

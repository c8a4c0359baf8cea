import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openMemoryStore } from '../kit/store/memory-store.ts'
import { DAY, HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('unchanged sessions')

const SAME = { name: 'set', key: 'a', value: '1' } as const

test('an operation that changes nothing writes nothing; its activity is written with that of reads', async () => {
  const { store, clock, changes, lastSeen } = await openOne({ idleTimeoutMs: 2 * HOUR })
  const before = changes()
  const began = clock.now()
  clock.advance(500)
  for (let n = 0; n < 10; n++) await store.change('one', clock.now(), SAME)
  assert.equal([changes(), lastSeen()], [before, began])
  const found = await store.find('one', clock.now())
  assert.is(found.state === 'live' && found.session.lastSeenAt, began + 500)

  clock.advance(500)
  await new Promise(setImmediate)
  assert.equal([changes(), lastSeen()], [before + 1, began + 500])
  await store.close()
})

test('the activity of a session that ends within the longest wait of a write is written at once', async () => {
  const { store, clock, changes, lastSeen } = await openOne({ idleTimeoutMs: HOUR })
  const before = changes()
  clock.advance(500)
  await store.change('one', clock.now(), SAME)
  assert.equal([changes(), lastSeen()], [before + 1, clock.now()])
  await store.close()
})

test('what was noted for a session that ended since brings nothing back, whoever has its id then', async () => {
  const { store, clock } = await openOne({ idleTimeoutMs: DAY, keepEndedMs: 0 })
  clock.advance(MINUTE)
  const late = store.change('one', clock.now(), SAME)
  const ended = store.end('one', clock.now(), 'logout')
  await Promise.all([late, ended])
  assert.is((await store.find('one', clock.now())).state, 'absent')
  const session = sessionAt(clock.now(), { id: 'one', secretHash: null, data: '{"new":1}' })
  assert.is((await store.insert(session)).inserted, true)
  clock.advance(2_000)
  await new Promise(setImmediate)
  assert.equal(await store.find('one', clock.now()), { state: 'live', session })
  await store.close()
})

test.run()

async function openOne(given: { idleTimeoutMs: number; keepEndedMs?: number }) {
  const { store, clock, database } = openMemoryStore()
  const limits = { lifetimeMs: 2 * DAY }
  await store.insert(
    sessionAt(clock.now(), { id: 'one', secretHash: null, data: '{"a":1}', ...limits, ...given }),
  )
  const changed = database.prepare<[], number>('select total_changes()').pluck()
  const seen = database.prepare<[], number>('select last_seen_at from sessions').pluck()
  return { store, clock, changes: () => changed.get() ?? 0, lastSeen: () => seen.get() }
}

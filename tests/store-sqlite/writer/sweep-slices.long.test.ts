/** A sweep of very many sessions, beside the traffic of the writer's thread. */
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { insertExpired } from '../../kit/store/expired-sessions.ts'
import { openFileStore } from '../../kit/store/open-file-store.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const COUNT = 20_000
const test = suite('sweep in slices')

test('writes sent during a sweep are answered before it has ended', async () => {
  const { store, clock } = await openStoreWithExpired()
  let sweeping = true
  const swept = store.sweep(clock.now()).finally(() => (sweeping = false))

  // One after the other: each of them waits for a slice, none for the sweep.
  let answeredDuringSweep = 0
  for (let n = 0; sweeping; n++) {
    assert.is((await store.insert(sessionAt(clock.now(), { id: `new-${n}` }))).inserted, true)
    if (sweeping) answeredDuringSweep++
  }

  assert.equal(await swept, { ended: COUNT, removed: 0, damaged: 0 })
  assert.ok(answeredDuringSweep >= 5, `${answeredDuringSweep} writes were answered`)
  await store.close()
})

test('a sweep ends all that has expired, each for its reason and as of its time', async () => {
  const { store, clock, path } = await openStoreWithExpired()
  await store.insert(sessionAt(clock.now(), { id: 'alive' }))
  await store.sweep(clock.now())

  const database = new Database(path, { readonly: true })
  const tombstones = database
    .prepare(
      `select reason, count(*) as count, max(ended_at) as last, min(ended_at) as first
         from tombstones group by reason order by reason`,
    )
    .all()
  const now = clock.now()
  assert.equal(tombstones, [
    { reason: 'idle_timeout', count: COUNT / 2, last: now, first: now - COUNT + 2 },
    { reason: 'lifetime', count: COUNT / 2, last: now - 1, first: now - COUNT + 1 },
  ])
  assert.equal(database.prepare('select id from sessions').pluck().all(), ['alive'])
  database.close()
  await store.close()
})

test('sweeps asked for at once are done one after the other', async () => {
  const { store, clock } = await openStoreWithExpired()
  const [first, second] = await Promise.all([store.sweep(clock.now()), store.sweep(clock.now())])
  assert.equal(first, { ended: COUNT, removed: 0, damaged: 0 })
  assert.equal(second, { ended: 0, removed: 0, damaged: 0 })
  await store.close()
})

async function openStoreWithExpired() {
  const opened = await openFileStore()
  const database = new Database(opened.path)
  insertExpired(database, COUNT, opened.clock.now())
  database.close()
  return opened
}

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createHotSessions } from '../../lib/store-sqlite/memory.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { sealRows } from '../kit/store/seal-rows.ts'

const test = suite('hot sessions')

test('a session enters by a read alone', () => {
  const hot = createHotSessions(10_000)
  hot.update('a', sessionAt(0, { id: 'a' }))
  hot.touch('a', 5)
  assert.is(hot.get('a'), undefined)
})

test('an acknowledgement that comes late does not replace what is newer', () => {
  const hot = createHotSessions(10_000)
  const newer = sessionAt(0, { id: 'a', version: 3 })
  hot.add(newer)
  hot.update('a', sessionAt(0, { id: 'a', version: 2 }))
  assert.is(hot.get('a'), newer)
})

test('an acknowledgement replaces what is older', () => {
  const hot = createHotSessions(10_000)
  hot.add(sessionAt(0, { id: 'a', version: 3 }))
  const newer = sessionAt(0, { id: 'a', version: 4 })
  hot.update(newer.id, newer)
  assert.equal(hot.get('a'), newer)
})

test('a session that was removed is gone from both generations', () => {
  const hot = createHotSessions(1_000)
  hot.add(sessionAt(0, { id: 'a' }))
  hot.add(sessionAt(0, { id: 'b' }))
  hot.add(sessionAt(0, { id: 'c' }))
  hot.remove('a')
  assert.is(hot.get('a'), undefined)
})

test('of two ids that maps know by one number, neither is taken for the other', () => {
  const hot = createHotSessions(10_000)
  const first = sessionAt(0, { id: 'Aa' })
  const second = sessionAt(0, { id: 'BB' })
  hot.add(first)
  assert.is(hot.get(second.id), undefined)
  hot.update(second.id, { ...second, version: 9 })
  assert.is(hot.touch(second.id, 9), undefined)
  assert.is(hot.get(first.id), first)
  hot.add(second)
  assert.is(hot.get(first.id), undefined)
  assert.is(hot.get(second.id), second)
})

test('what has expired is gone from both generations, however full they are', () => {
  for (const limit of [1_000, 2_020, 2_520, 10_000]) {
    const hot = createHotSessions(limit)
    const ids = Array.from('abcdefghi')
    for (const id of ids) hot.add(sessionAt(0, { id, idleTimeoutMs: 100 }))
    hot.removeExpired(500)
    assert.equal(
      ids.filter((id) => hot.get(id) !== undefined),
      [],
      String(limit),
    )
  }
})

test('memory is bounded: what is not used makes room, what is used stays', () => {
  const hot = createHotSessions(10_000)
  hot.add(sessionAt(0, { id: 'used' }))
  for (let n = 0; n < 1_000; n++) {
    hot.add(sessionAt(0, { id: `s${n}` }))
    assert.ok(hot.get('used'))
  }
  const kept = Array.from({ length: 1_000 }, (_, n) => hot.get(`s${n}`)).filter(Boolean)
  assert.ok(kept.length > 0 && kept.length <= 40, String(kept.length))
})

test('store answers a hot session without reading the file, and forgets it when it ends', async () => {
  const { store, clock, database } = openMemoryStore()
  const session = sessionAt(clock.now())
  await store.insert(session)
  await store.find(session.id, clock.now())
  database.exec('update sessions set data = \'{"seen":"only by a read of the file"}\'')
  sealRows(database)
  assert.equal(await store.find(session.id, clock.now()), { state: 'live', session })

  await store.end(session.id, clock.now(), 'logout')
  assert.is((await store.find(session.id, clock.now())).state, 'ended')
})

test('store shows the activity that a hot session had before its touch was written', async () => {
  const { store, clock } = openMemoryStore()
  const session = sessionAt(clock.now())
  await store.insert(session)
  await store.find(session.id, clock.now())
  const seenAt = clock.now() + 500
  store.touch(session.id, seenAt)
  clock.advance(1_000)
  await store.sweep(clock.now())
  const found = await store.find(session.id, clock.now())
  assert.is(found.state === 'live' && found.session.lastSeenAt, seenAt)
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DAY, HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { ADA, claimSub, EVERYBODY, idsOf, reasonOf, sessionOf } from './sample-sessions.ts'

/** What every store promises of an id: whose it is, while in use and after. */
export function testIds(name: string, open: OpenStore): void {
  const test = suite(`contract, ids: ${name}`)

  test('a tombstone tells who held a session that was revoked or evicted, and when it ended', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    for (const id of ['one', 'two']) {
      await store.insert(sessionOf('ada', { id, createdAt: clock.now() }))
    }
    await store.endMany(
      { app: undefined, sub: 'ada', except: undefined },
      clock.now() + 5,
      'revoked',
      10,
    )
    const tombstone = { secretHash: 'hash', endedAt: clock.now() }
    assert.equal(await store.find('one', clock.now() + 5), {
      state: 'ended',
      tombstone: { ...tombstone, id: 'one', reason: 'evicted' },
    })
    assert.equal(await store.find('two', clock.now() + 5), {
      state: 'ended',
      tombstone: { ...tombstone, id: 'two', reason: 'revoked', endedAt: clock.now() + 5 },
    })
    await store.close()
  })

  test('a session that no token opens keeps its id whatever its sub becomes', async () => {
    const { store, clock } = await open()
    await store.insert(sessionAt(clock.now(), { id: 'chosen', secretHash: null }))
    const changed = await store.change('chosen', clock.now(), claimSub('ada', 'never'))
    assert.is(changed.state === 'live' && changed.session.id, 'chosen')
    assert.equal(idsOf(await store.list(ADA, clock.now())), ['chosen'])
    await store.close()
  })

  test('what was read before is not shown after it was evicted, ended with others or put anew', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 }, keepEndedMs: 1 })
    await store.insert(sessionOf('ada', { id: 'first', createdAt: clock.now() }))
    await store.find('first', clock.now())
    await store.insert(sessionOf('ada', { id: 'second', createdAt: clock.now() }))
    assert.is(await reasonOf(store, 'first', clock.now()), 'evicted')

    await store.find('second', clock.now())
    const all = { app: undefined, sub: undefined, except: undefined }
    await store.endMany(all, clock.now(), 'revoked', 10)
    assert.is(await reasonOf(store, 'second', clock.now()), 'revoked')

    const later = clock.now() + DAY
    const again = sessionAt(later, { id: 'second', data: '{"new":true}' })
    assert.is((await store.insert(again)).inserted, true)
    assert.equal(await store.find('second', later), { state: 'live', session: again })
    await store.close()
  })

  test('an id that has expired and been forgotten may be used again before it is swept', async () => {
    const { store, clock } = await open({ keepEndedMs: 0 })
    const old = sessionAt(clock.now(), { data: '{"old":true}' })
    await store.insert(old)
    await store.find(old.id, clock.now())
    const later = clock.now() + HOUR
    const session = sessionAt(later, { data: '{"new":true}' })
    assert.equal(await store.insert(session), { inserted: true, evicted: [] })
    assert.equal(await store.find(session.id, later), { state: 'live', session })
    await store.close()
  })

  test('an id that is used again leaves the tombstone of who used it last', async () => {
    const { store, clock } = await open()
    for (const [secretHash, now] of [
      ['first', clock.now()],
      ['last', clock.now() + 2 * DAY],
    ] as const) {
      const session = sessionAt(now, { secretHash })
      await store.insert(session)
      await store.end(session.id, now, 'logout')
      const { id } = session
      const tombstone = { id, secretHash, reason: 'logout', endedAt: now } as const
      assert.equal(await store.find(id, now), { state: 'ended', tombstone })
    }
    await store.close()
  })

  test('an id that is put anew leaves the user that it had, and the place in their list', async () => {
    const { store, clock } = await open({ keepEndedMs: 0, limits: { maxSessionsPerSub: 1 } })
    const began = clock.now()
    await store.insert(sessionOf('ada', { id: 'again', createdAt: began }))
    await store.insert(sessionOf('eve', { id: 'other', createdAt: began + HOUR }))
    const inserted = await store.insert(sessionOf('eve', { id: 'again', createdAt: began + HOUR }))
    assert.equal(inserted, { inserted: true, evicted: ['other'] })
    assert.equal(idsOf(await store.list(ADA, began + HOUR)), [])
    assert.equal(idsOf(await store.list(EVERYBODY, began + HOUR)), ['again'])
    assert.is((await store.sweep(began + HOUR)).ended, 0)
    await store.close()
  })

  test('insert never overwrites a session that only a touch not written yet keeps alive', async () => {
    const { store, clock } = await open({ keepEndedMs: 0 })
    const busy = sessionAt(clock.now(), { data: '{"old":true}' })
    await store.insert(busy)
    store.touch(busy.id, clock.now() + 20 * MINUTE)
    const now = clock.now() + 40 * MINUTE
    const { inserted } = await store.insert(sessionAt(now, { data: '{"new":true}' }))
    const found = await store.find(busy.id, now)
    await store.close()
    assert.is(found.state === 'live' && found.session.data, '{"old":true}')
    assert.is(inserted, false)
  })

  test.run()
}

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { claimSub, EVERYBODY, idsOf, reasonOf, sessionOf } from './sample-sessions.ts'

/** What every store promises of the end of many sessions. */
export function testEndMany(name: string, open: OpenStore): void {
  const test = suite(`contract, end many: ${name}`)

  test('endMany ends the live sessions of one sub, and spares the exception', async () => {
    const { store, clock } = await open()
    await store.insert(sessionOf('ada', { id: 'expired', createdAt: clock.now() - HOUR }))
    for (const id of ['one', 'two', 'here']) {
      await store.insert(sessionOf('ada', { id, createdAt: clock.now() }))
    }
    await store.insert(sessionOf('eve', { id: 'other', createdAt: clock.now() }))
    const which = { app: undefined, sub: 'ada', except: 'here' }
    assert.is((await store.endMany(which, clock.now(), 'revoked', 1)).ended, 1)
    assert.is((await store.endMany(which, clock.now(), 'revoked', 10)).ended, 1)
    assert.is((await store.endMany(which, clock.now(), 'revoked', 10)).ended, 0)
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['here', 'other'])
    assert.is(await reasonOf(store, 'expired', clock.now()), 'idle_timeout')
    assert.is(await reasonOf(store, 'one', clock.now()), 'revoked')
    await store.close()
  })

  test('endMany ends everybody, a part at a time, and counts none that has expired', async () => {
    const { store, clock } = await open()
    await store.insert(sessionAt(clock.now() - HOUR, { id: 'expired' }))
    for (let n = 0; n < 5; n++) await store.insert(sessionAt(clock.now(), { id: `session-${n}` }))
    const all = { app: undefined, sub: undefined, except: undefined }
    const counts: number[] = []
    for (let n = 0; n < 4; n++)
      counts.push((await store.endMany(all, clock.now(), 'revoked', 2)).ended)
    assert.equal(counts, [2, 2, 1, 0])
    assert.is(await reasonOf(store, 'session-4', clock.now()), 'revoked')
    assert.is(await reasonOf(store, 'expired', clock.now()), 'idle_timeout')
    await store.close()
  })

  test('endMany ends a session that only a touch not written yet keeps alive', async () => {
    const { store, clock } = await open()
    await store.insert(sessionOf('ada', { id: 'busy', createdAt: clock.now() }))
    store.touch('busy', clock.now() + 20 * MINUTE)
    const which = { app: undefined, sub: 'ada', except: undefined }
    assert.is((await store.endMany(which, clock.now() + 40 * MINUTE, 'revoked', 10)).ended, 1)
    await store.close()
  })

  test('endMany of everybody but one spares that one, and an unknown one spares nobody', async () => {
    const { store, clock } = await open()
    for (const id of ['one', 'here', 'two']) await store.insert(sessionAt(clock.now(), { id }))
    const here = { app: undefined, sub: undefined, except: 'here' }
    assert.is((await store.endMany(here, clock.now(), 'revoked', 10)).ended, 2)
    const nobody = { app: undefined, sub: undefined, except: 'nobody' }
    assert.is((await store.endMany(nobody, clock.now(), 'revoked', 10)).ended, 1)
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), [])
    await store.close()
  })

  test('endMany stands among other writes where it was asked for', async () => {
    const { store, clock } = await open()
    await store.insert(sessionOf('ada', { id: 'before', createdAt: clock.now() }))
    await store.insert(sessionAt(clock.now(), { id: 'visitor' }))
    const set = { name: 'set', key: 'k', value: '1' } as const
    const [, ended, late] = await Promise.all([
      store.change('visitor', clock.now(), claimSub('ada', 'logged-in')),
      store.endMany({ app: undefined, sub: 'ada', except: undefined }, clock.now(), 'revoked', 10),
      store.change('before', clock.now(), set),
      store.insert(sessionOf('ada', { id: 'after', createdAt: clock.now() })),
    ])
    assert.equal(ended, { ended: 2, more: false })
    assert.is(late.state === 'ended' && late.tombstone.reason, 'revoked')
    assert.is(await reasonOf(store, 'logged-in', clock.now()), 'revoked')
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['after'])
    await store.close()
  })

  test.run()
}

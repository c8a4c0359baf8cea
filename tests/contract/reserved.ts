import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HOUR } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { ADA, EVERYBODY, idsOf, reasonOf, sessionOf } from './sample-sessions.ts'

const RESERVED = 'dashboard-0123456789abcdefghijk'
/** An app may be called so, and its sessions are like others. */
const OF_APP = 'dashboard-1~0123456789abcdef'

/** What every store promises of sessions whose id is reserved. */
export function testReserved(name: string, open: OpenStore): void {
  const test = suite(`contract, reserved ids: ${name}`)

  test('a reserved id is found, touched and ended by its name, and is in no list or count', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionAt(now, { id: RESERVED }))
    await store.insert(sessionAt(now, { id: OF_APP }))
    await store.insert(sessionOf('ada', { id: 'dashboard', createdAt: now }))
    const others = [OF_APP, 'dashboard']
    assert.equal(idsOf(await store.list(EVERYBODY, now)), others)
    assert.is(await store.count({ app: undefined, sub: undefined }, now), 2)
    assert.equal(idsOf(await store.list({ ...EVERYBODY, limit: 1 }, now)), [OF_APP])
    assert.is((await store.find(RESERVED, now)).state, 'live')
    store.touch(RESERVED, now + HOUR / 4)
    const later = await store.find(RESERVED, now + HOUR / 4)
    assert.is(later.state === 'live' && later.session.lastSeenAt, now + HOUR / 4)
    await store.end(RESERVED, now + HOUR / 4, 'logout')
    assert.is(await reasonOf(store, RESERVED, now + HOUR / 4), 'logout')
    await store.close()
  })

  test('to end all sessions leaves those with a reserved id', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionAt(now, { id: RESERVED }))
    await store.insert(sessionAt(now, { id: OF_APP }))
    await store.insert(sessionOf('ada', { id: 'one', createdAt: now }))
    const all = { app: undefined, sub: undefined, except: undefined }
    assert.equal(await store.endMany(all, now, 'revoked', 10), { ended: 2, more: false })
    assert.is((await store.find(RESERVED, now)).state, 'live')
    assert.equal(idsOf(await store.list(ADA, now)), [])
    await store.close()
  })

  test('nothing of a reserved id is counted, and the sweep ends it like others', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionAt(now, { id: RESERVED }))
    await store.change(RESERVED, now, { name: 'set', key: 'k', value: '1' })
    await store.insert(sessionAt(now, { id: `${RESERVED}-2` }))
    await store.end(`${RESERVED}-2`, now, 'logout')
    const { sessions, created, changed, ended } = store.counts()
    assert.equal([sessions, created, changed, ended.logout], [0, 0, 0, 0])
    assert.is((await store.sweep(now + HOUR)).ended, 0)
    assert.is(await reasonOf(store, RESERVED, now + HOUR), 'idle_timeout')
    assert.is(store.counts().ended.idle_timeout, 0)
    await store.close()
  })

  test.run()
}

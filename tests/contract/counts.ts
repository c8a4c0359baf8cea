import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DAY, HOUR } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { EVERYBODY, sessionOf } from './sample-sessions.ts'

/** What every store promises of its counts. */
export function testCounts(name: string, open: OpenStore): void {
  const test = suite(`contract, counts: ${name}`)

  test('a new store has done nothing', async () => {
    const { store } = await open()
    const { sessions, created, changed, touched, ended, forgotten } = store.counts()
    assert.equal([sessions, created, changed, touched, forgotten], [0, 0, 0, 0, 0])
    assert.equal(ended, nothing())
    await store.close()
  })

  test('what is done is counted once, and what comes to nothing is not', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    for (const id of ['a', 'b', 'c']) await store.insert(sessionAt(now, { id }))
    assert.is((await store.insert(sessionAt(now, { id: 'a' }))).inserted, false)
    await store.change('a', now, { name: 'set', key: 'k', value: '1' })
    const when = { required: ['99'] }
    await store.change('a', now, { name: 'clear', when }).catch(() => {})
    await store.change('nobody', now, { name: 'clear' })
    await store.end('b', now, 'logout')
    await store.end('b', now, 'logout')
    await store.end('nobody', now, 'logout')
    const { sessions, created, changed, ended } = store.counts()
    assert.equal([sessions, created, changed], [2, 3, 1])
    assert.equal(ended, { ...nothing(), logout: 1 })
    await store.close()
  })

  test('ends are counted by their reason', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    const now = clock.now()
    for (const id of ['one', 'two']) await store.insert(sessionOf('ada', { id, createdAt: now }))
    await store.insert(sessionAt(now, { id: 'renewed' }))
    const renewal = { id: 'renewed-once', secretHash: null }
    await store.change('renewed', now, { name: 'renew', renewal })
    for (const id of ['x', 'y']) await store.insert(sessionOf('eve', { id, createdAt: now }))
    await store.endMany({ app: undefined, sub: 'eve', except: undefined }, now, 'revoked', 10)
    assert.equal(store.counts().ended, { ...nothing(), evicted: 2, renewed: 1, revoked: 1 })
    assert.is(store.counts().sessions, 2)
    await store.close()
  })

  test('one that expires counts until it is swept, and its tombstone when it is forgotten', async () => {
    const { store, clock } = await open()
    await store.insert(sessionAt(clock.now(), { id: 'idle' }))
    clock.advance(HOUR)
    assert.equal((await store.list(EVERYBODY, clock.now())).sessions, [])
    assert.is(store.counts().sessions, 1)
    await store.sweep(clock.now())
    const { sessions, ended } = store.counts()
    assert.equal([sessions, ended.idle_timeout], [0, 1])
    clock.advance(2 * DAY)
    await store.sweep(clock.now())
    assert.is(store.counts().forgotten, 1)
    await store.close()
  })

  test.run()
}

function nothing() {
  return { idle_timeout: 0, lifetime: 0, logout: 0, renewed: 0, revoked: 0, evicted: 0 }
}

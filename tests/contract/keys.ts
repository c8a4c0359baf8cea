import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ApiKey } from '../../lib/store/key-store.ts'
import type { OpenStore } from './open-store.ts'

/** What every store promises of API keys. */
export function testKeys(name: string, open: OpenStore): void {
  const test = suite(`contract, keys: ${name}`)

  test('a key is kept as it was first added', async () => {
    const { store, clock } = await open()
    assert.equal(await store.keys.list(), [])
    const key = keyOf('first', { hash: 'hash', createdAt: clock.now() })
    assert.is(await store.keys.add(key), true)
    assert.is(await store.keys.add({ ...key, name: 'other' }), false)
    assert.equal(await store.keys.list(), [key])
    await store.close()
  })

  test('keys are listed in the order in which they were made, revoked ones too', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    const revoked = keyOf('old', { hash: 'a', createdAt: now + 1, revokedAt: now })
    const later = keyOf('later', { hash: 'b', createdAt: now + 2 })
    const first = keyOf('first', { hash: 'c', createdAt: now })
    await Promise.all([revoked, later, first].map((key) => store.keys.add(key)))
    assert.equal(await store.keys.list(), [first, revoked, later])
    assert.is(await store.keys.add({ ...revoked, revokedAt: null }), false)
    assert.equal(await store.keys.list(), [first, revoked, later])
    await store.close()
  })

  test('of the keys of one name the one in force is revoked, once, and then the name is free', async () => {
    const { store } = await open()
    const key = keyOf('shop', { hash: 'a', createdAt: 1 })
    const next = keyOf('shop', { hash: 'b', createdAt: 4 })
    assert.is(await store.keys.revoke('shop', 2), false)
    assert.is(await store.keys.add(key), true)
    assert.is(await store.keys.add(next), false)
    assert.is(await store.keys.revoke('shop', 2), true)
    assert.is(await store.keys.revoke('shop', 3), false)
    assert.is(await store.keys.add(key), false)
    assert.is(await store.keys.add(next), true)
    assert.equal(await store.keys.list(), [{ ...key, revokedAt: 2 }, next])
    await store.close()
  })

  test.run()
}

function keyOf(name: string, given: Partial<ApiKey> & Pick<ApiKey, 'hash' | 'createdAt'>): ApiKey {
  return { name, scope: 'all', revokedAt: null, ...given }
}

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

  test('a key keeps its scope and its app', async () => {
    const { store } = await open()
    const reading = keyOf('board', { hash: 'a', createdAt: 1, scope: 'read', app: 'shop' })
    const counting = keyOf('prometheus', { hash: 'b', createdAt: 2, scope: 'metrics' })
    const own = keyOf('shop', { hash: 'c', createdAt: 3, app: 'shop' })
    for (const key of [reading, counting, own]) assert.is(await store.keys.add(key), true)
    assert.equal(await store.keys.list(), [reading, counting, own])
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

  test('the last use of a key is kept, and goes on only', async () => {
    const { store } = await open()
    const [one, two] = [
      keyOf('one', { hash: 'a', createdAt: 1 }),
      keyOf('two', { hash: 'b', createdAt: 2 }),
    ]
    for (const key of [one, two]) await store.keys.add(key)
    await store.keys.noteUses([
      { hash: 'a', usedAt: 50 },
      { hash: 'of no key', usedAt: 50 },
    ])
    assert.equal(await store.keys.list(), [{ ...one, lastUsedAt: 50 }, two])
    await store.keys.noteUses([
      { hash: 'a', usedAt: 40 },
      { hash: 'b', usedAt: 60 },
    ])
    const used = [
      { ...one, lastUsedAt: 50 },
      { ...two, lastUsedAt: 60 },
    ]
    assert.equal(await store.keys.list(), used)
    await store.close()
  })

  test.run()
}

function keyOf(name: string, given: Partial<ApiKey> & Pick<ApiKey, 'hash' | 'createdAt'>): ApiKey {
  return { name, scope: 'all', revokedAt: null, ...given }
}

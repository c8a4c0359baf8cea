import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createApiKeys } from '../../lib/service/api-keys.ts'
import { createKeyChanges } from '../../lib/service/key-changes.ts'
import { createKeyUses } from '../../lib/service/key-uses.ts'
import { hashSecret } from '../../lib/session/token.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'

const test = suite('uses and changes of keys')

test('a use is noted in memory, written together, and only of keys that are in force', async () => {
  const { store, clock } = openMemoryStore()
  const uses = createKeyUses({ keys: store.keys, clock })
  const changes = createKeyChanges({ keys: store.keys, clock })
  const keys = createApiKeys(store.keys, [], uses)
  const { key, made } = await changes.make({ name: 'shop', scope: 'all', app: undefined })
  assert.is(await keys.find('ck_wrong-wrong-wrong-wrong-1'), undefined)
  clock.advance(1_000)
  await keys.find(key)
  assert.is(uses.lastUsedAt(made.hash), clock.now())
  assert.is((await store.keys.list())[0]?.lastUsedAt, undefined)
  await uses.write()
  assert.is((await store.keys.list())[0]?.lastUsedAt, clock.now())
  await changes.revoke(made.hash)
  clock.advance(1_000)
  assert.is(await keys.find(key), undefined)
  assert.is(uses.lastUsedAt(made.hash), undefined)
})

test('what cannot be written is written the next time', async () => {
  const { clock } = openMemoryStore()
  const written: unknown[] = []
  let isFull = true
  const uses = createKeyUses({
    clock,
    keys: {
      async noteUses(some) {
        if (isFull) throw new Error('The disk is full')
        written.push(...some)
      },
    },
  })
  uses.note('a')
  await uses.write()
  isFull = false
  await uses.write()
  await uses.write()
  assert.equal(written, [{ hash: 'a', usedAt: clock.now() }])
})

test('a key of the environment is found by its hash, as long as it is not revoked', async () => {
  const { store, clock } = openMemoryStore()
  const key = 'ck_configured-configured-1'
  const keys = createApiKeys(store.keys, [key])
  assert.is((await keys.findByHash(hashSecret(key)))?.name, 'configured')
  assert.is(await keys.findByHash('x'), undefined)
  const kept = { hash: hashSecret(key), name: 'old', scope: 'all', createdAt: 1 } as const
  await store.keys.add({ ...kept, revokedAt: clock.now() })
  assert.is(await keys.findByHash(hashSecret(key)), undefined)
})

test('a name or an app that cannot be is refused, and nothing is made', async () => {
  const { store, clock } = openMemoryStore()
  const changes = createKeyChanges({ keys: store.keys, clock })
  const good = { name: 'shop', scope: 'all', app: undefined } as const
  for (const wrong of [
    { name: '' },
    { name: 'a b' },
    { name: 'x'.repeat(65) },
    { name: 'ck_x' },
    { app: 'A' },
    { app: '' },
  ]) {
    const refused = changes.make({ ...good, ...wrong })
    assert.is(await refused.then(() => 'made', codeOf), 'invalid_argument', JSON.stringify(wrong))
  }
  await changes.make(good)
  assert.is(await changes.make(good).then(() => 'made', codeOf), 'invalid_argument')
  assert.is((await store.keys.list()).length, 1)
  assert.is(await changes.revoke('of no key'), undefined)
})

test('what was made and revoked here is known to be', async () => {
  const { store, clock } = openMemoryStore()
  const changes = createKeyChanges({ keys: store.keys, clock })
  const { made } = await changes.make({ name: 'shop', scope: 'read', app: 'shop' })
  assert.equal(
    [changes.isOwn('made', made.hash), changes.isOwn('revoked', made.hash)],
    [true, false],
  )
  await changes.revoke(made.hash)
  assert.is(changes.isOwn('revoked', made.hash), true)
  assert.is(changes.isOwn('made', 'other'), false)
})

test.run()

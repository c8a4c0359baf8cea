import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createKeyChanges } from '../../lib/service/key-changes.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'

const test = suite('key changes')

test('keys of one app fill what there is for it, and for nobody else, be they revoked', async () => {
  const { store, clock } = openMemoryStore()
  const keys = createKeyChanges({ keys: store.keys, clock })
  for (let n = 0; n < 1_000; n++) {
    const kept = { hash: `h${n}`, name: `k${n}`, scope: 'read', app: 'shop', createdAt: 0 } as const
    await store.keys.add({ ...kept, revokedAt: n % 2 === 0 ? 1 : null })
  }
  await refused(keys.make({ name: 'more', scope: 'read', app: 'shop' }))
  await keys.make({ name: 'other', scope: 'read', app: 'blog' })
  await keys.make({ name: 'of-all', scope: 'read', app: undefined })
  await store.close()
})

test.run()

async function refused(made: Promise<unknown>): Promise<void> {
  const message = await made.then(
    () => 'made',
    (error: unknown) => String(error),
  )
  assert.match(message, 'there are 1000 of the app shop already')
}

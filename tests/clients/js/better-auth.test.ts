import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { secondaryStorage } from '../../../lib/clients/js/better-auth.ts'
import { openClientServer } from '../../kit/clients/client-server.ts'

const test = suite('better-auth storage')

test('a value is kept under its key, replaced, deleted, and the key is used again', async () => {
  const { storage, close } = await openStorage()
  assert.is(await storage.get('k'), null)
  await storage.delete('k')
  await storage.set('k', '{"a":"ä"}')
  assert.is(await storage.get('k'), '{"a":"ä"}')
  await storage.set('k', '')
  assert.is(await storage.get('k'), '')
  await storage.delete('k')
  assert.is(await storage.get('k'), null)
  await storage.set('k', 'again')
  assert.is(await storage.get('k'), 'again')
  await close()
})

test('a key may be any text, and is never in the store', async () => {
  const { storage, database, close } = await openStorage()
  const keys = ['token-that-opens-a-session', 'a/b?c', 'ü'.repeat(300), ' ']
  for (const key of keys) await storage.set(key, `value of ${key}`)
  for (const key of keys) assert.is(await storage.get(key), `value of ${key}`)
  const ids = database.prepare('select id from sessions').pluck().all()
  for (const id of ids) assert.match(String(id), /^better-auth-[\w-]{43}$/)
  await close()
})

test('a time to live counts from the write, whatever is read', async () => {
  const { storage, clock, close } = await openStorage()
  await storage.set('k', 'v', 60)
  clock.advance(59_000)
  assert.is(await storage.get('k'), 'v')
  await storage.set('k', 'w', 60)
  clock.advance(59_000)
  assert.is(await storage.get('k'), 'w')
  clock.advance(1_000)
  assert.is(await storage.get('k'), null)
  await storage.set('k', 'for good')
  clock.advance(86_400_000)
  assert.is(await storage.get('k'), 'for good')
  await close()
})

test('of many who take a value, one gets it', async () => {
  const { storage, close } = await openStorage()
  await storage.set('k', 'v')
  const taken = await Promise.all(Array.from({ length: 10 }, () => storage.getAndDelete('k')))
  assert.equal(
    taken.filter((value) => value !== null),
    ['v'],
  )
  assert.is(await storage.get('k'), null)
  await storage.set('k', 'new')
  assert.is(await storage.getAndDelete('k'), 'new')
  await close()
})

test('a counter counts each, from its beginning on, and lasts its time', async () => {
  const { storage, clock, close } = await openStorage()
  const counts = await Promise.all(Array.from({ length: 25 }, () => storage.increment('k', 60)))
  assert.equal(
    counts.toSorted((a, b) => a - b),
    Array.from({ length: 25 }, (_, n) => n + 1),
  )
  clock.advance(59_000)
  assert.is(await storage.increment('k', 60), 26)
  clock.advance(1_000)
  assert.is(await storage.increment('k', 60), 1)
  assert.is(await storage.get('k'), '1')
  await close()
})

test.run()

async function openStorage() {
  const opened = await openClientServer()
  return { ...opened, storage: secondaryStorage({ client: opened.client }) }
}

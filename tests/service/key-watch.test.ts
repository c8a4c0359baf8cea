import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLog } from '../../lib/base/log.ts'
import { startKeyWatch } from '../../lib/service/key-watch.ts'
import type { ApiKey } from '../../lib/store/key-store.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'

const test = suite('key watch')

const FIRST: ApiKey = { hash: 'h1', name: 'first', scope: 'all', createdAt: 0, revokedAt: null }
const SHOP: ApiKey = { ...FIRST, hash: 'h2', name: 'shop', scope: 'read', app: 'shop' }

test('keys that are there at the start are not told', async () => {
  const { second, lines } = await openWatch([FIRST])
  await second([FIRST])
  assert.equal(lines(), [])
})

test('a key that is made beside the server is told once, with all but the key', async () => {
  const { second, lines } = await openWatch([FIRST])
  await second([FIRST, SHOP])
  await second([FIRST, SHOP])
  assert.equal(lines(), [
    {
      time: '2026-01-01T00:00:01.000Z',
      level: 'info',
      event: 'key_made',
      by: 'operator',
      key: 'shop',
      scope: 'read',
      app: 'shop',
      at: '1970-01-01T00:00:00.000Z',
    },
  ])
})

test('a key that is revoked is told once', async () => {
  const { second, lines } = await openWatch([FIRST, SHOP])
  for (let n = 0; n < 3; n++) await second([{ ...FIRST, revokedAt: 5_000 }, SHOP])
  assert.equal(
    lines().map(({ event, key, at }) => [event, key, at]),
    [['key_revoked', 'first', '1970-01-01T00:00:05.000Z']],
  )
})

test('a key that is made and revoked between two looks is told as both', async () => {
  const { second, lines } = await openWatch([])
  await second([{ ...SHOP, revokedAt: 1 }])
  assert.equal(
    lines().map(({ event }) => event),
    ['key_made', 'key_revoked'],
  )
})

test('a name that is taken again by another key is a new key', async () => {
  const revoked = { ...SHOP, revokedAt: 1 }
  const { second, lines } = await openWatch([revoked])
  await second([revoked, { ...SHOP, hash: 'h3' }])
  assert.equal(
    lines().map(({ event, key }) => [event, key]),
    [['key_made', 'shop']],
  )
})

test('what changes while the keys cannot be read is told once they can', async () => {
  const { second, lines } = await openWatch([FIRST])
  await second(new Error('the disk is gone'))
  assert.equal(lines(), [])
  await second([FIRST, SHOP])
  assert.is(lines().length, 1)
})

test('no part of a hash is told', async () => {
  const hash = 'the-hash-of-a-key'
  const { second, written } = await openWatch([])
  await second([{ ...SHOP, hash }])
  assert.not.match(written.join(''), 'the-hash')
})

test('a watch that has stopped tells nothing', async () => {
  const { second, stop, lines } = await openWatch([])
  stop()
  await second([SHOP])
  assert.equal(lines(), [])
})

test.run()

type Line = Readonly<Record<string, unknown>>

async function openWatch(keys: readonly ApiKey[] | Error) {
  let current = keys
  const clock = createFakeClock()
  const written: string[] = []
  const log = createLog({ clock, write: (line) => written.push(line) })
  const list = async () => {
    if (current instanceof Error) throw current
    return current
  }
  const stop = startKeyWatch({ keys: { list }, clock, log })
  await settled()
  return {
    stop,
    written,
    lines: () => written.map((line): Line => JSON.parse(line)),
    async second(now: readonly ApiKey[] | Error) {
      current = now
      clock.advance(1_000)
      await settled()
    },
  }
}

/** Lets the look that has begun go through its promises. */
async function settled(): Promise<void> {
  for (let n = 0; n < 10; n++) await Promise.resolve()
}

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLog } from '../../lib/base/log.ts'
import type { StoreHealth } from '../../lib/store/store.ts'
import { startStorageWatch } from '../../lib/service/storage-watch.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { HEALTHY } from '../kit/store/healthy.ts'
import { openServer, refusalOf } from '../kit/process/open-server.ts'

const test = suite('health')

test('GET /healthz says that all is well, to anybody, and without a session', async () => {
  const { request, database } = openServer({ holderAccess: 'none' })
  const answer = await request('GET /healthz', { headers: { 'sec-fetch-site': 'cross-site' } })
  assert.is(answer.status, 200)
  assert.equal(await answer.json(), { status: 'ok', storage: 'ok', writes: 'all', walBytes: 0 })
  assert.is(answer.headers.get('cache-control'), 'no-store')
  assert.is(answer.headers.get('set-cookie'), null)
  assert.is((await request('HEAD /healthz')).status, 200)
  assert.is(await refusalOf(await request('POST /healthz')), '405 method_not_allowed')
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 0)
})

for (const [state, status, reasons, storage] of [
  ['degraded', 200, ['wal_long'], 'wal_long'],
  ['degraded', 200, ['writes_late', 'wal_long'], 'writes_late'],
  ['unreachable', 503, ['refused'], 'refused'],
  ['unreachable', 503, [], 'unreachable'],
  ['failed', 503, [], 'failed'],
] as const) {
  test(`GET /healthz of a store that is ${state}, for ${storage}, is ${status}`, async () => {
    const { request, store } = openServer()
    store.health = () => ({
      state,
      writes: 'ends_only',
      reasons,
      figures: { walBytes: 7, rest: 1 },
    })
    const answer = await request('GET /healthz')
    assert.is(answer.status, status)
    const body = { status: state, storage, writes: 'ends_only', walBytes: 7, rest: 1 }
    assert.equal(await answer.json(), body)
  })
}

test('the log says once that storage is degraded, again after a minute, and once that it is over', () => {
  const clock = createFakeClock()
  const lines: string[] = []
  let health = HEALTHY
  const log = createLog({ clock, write: (line) => lines.push(line) })
  const stop = startStorageWatch({ store: { health: () => health }, clock, log })
  const said = () =>
    lines.splice(0).map((line) => Object.values(JSON.parse(line)).slice(1).join(' '))

  clock.advance(5_000)
  assert.equal(said(), [])
  health = degraded('all', ['wal_long'], 9)
  clock.advance(3_000)
  assert.equal(said(), ['warn storage_degraded wal_long all 9'])
  health = degraded('ends_only', ['wal_full', 'wal_long'], 10)
  clock.advance(3_000)
  assert.equal(said(), ['warn storage_degraded wal_full wal_long ends_only 10'])
  clock.advance(60_000)
  assert.equal(said(), ['warn storage_degraded wal_full wal_long ends_only 10'])
  health = { ...HEALTHY, figures: { walBytes: 1 } }
  clock.advance(61_000)
  assert.equal(said(), ['info storage_recovered 1'])
  health = { ...HEALTHY, state: 'unreachable', writes: 'none', figures: {} }
  clock.advance(59_000)
  assert.equal(said(), ['warn storage_unreachable  none'])
  health = { ...health, state: 'failed' }
  clock.advance(60_000)
  assert.equal(said(), [])
  stop()
  health = degraded('all', ['disk_full'], 1)
  clock.advance(60_000)
  assert.equal(said(), [])
})

function degraded(
  writes: StoreHealth['writes'],
  reasons: readonly string[],
  walBytes: number,
): StoreHealth {
  return { state: 'degraded', writes, reasons, figures: { walBytes } }
}

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLog } from '../../lib/base/log.ts'
import type { StoreHealth } from '../../lib/store/store.ts'
import { startStorageWatch } from '../../lib/service/storage-watch.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { openServer, refusalOf } from '../kit/process/open-server.ts'

const test = suite('health')

test('GET /healthz says that all is well, to anybody, and without a session', async () => {
  const { request, database } = openServer({ holderAccess: 'none' })
  const answer = await request('GET /healthz', { headers: { 'sec-fetch-site': 'cross-site' } })
  assert.is(answer.status, 200)
  assert.equal(await answer.json(), { status: 'ok', storage: 'ok', logBytes: 0 })
  assert.is(answer.headers.get('cache-control'), 'no-store')
  assert.is(answer.headers.get('set-cookie'), null)
  assert.is((await request('HEAD /healthz')).status, 200)
  assert.is(await refusalOf(await request('POST /healthz')), '405 method_not_allowed')
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 0)
})

for (const [state, status, word] of [
  ['log_long', 200, 'degraded'],
  ['writes_late', 200, 'degraded'],
  ['log_full', 200, 'degraded'],
  ['disk_full', 200, 'degraded'],
  ['damaged', 200, 'degraded'],
  ['failed', 503, 'failed'],
] as const) {
  test(`GET /healthz of a store that is ${state} is ${status}`, async () => {
    const { request, store } = openServer()
    store.health = () => ({ state, logBytes: 7 })
    const answer = await request('GET /healthz')
    assert.is(answer.status, status)
    assert.equal(await answer.json(), { status: word, storage: state, logBytes: 7 })
  })
}

test('the log says once that storage runs short, again after a minute, and once that it is over', () => {
  const clock = createFakeClock()
  const lines: string[] = []
  let health: StoreHealth = { state: 'ok', logBytes: 0 }
  const log = createLog({ clock, write: (line) => lines.push(line) })
  const stop = startStorageWatch({ store: { health: () => health }, clock, log })
  const said = () =>
    lines.splice(0).map((line) => Object.values(JSON.parse(line)).slice(1).join(' '))

  clock.advance(5_000)
  assert.equal(said(), [])
  health = { state: 'log_long', logBytes: 9 }
  clock.advance(3_000)
  assert.equal(said(), ['warn storage runs short log_long 9'])
  health = { state: 'log_full', logBytes: 10 }
  clock.advance(3_000)
  assert.equal(said(), ['warn storage runs short log_full 10'])
  clock.advance(60_000)
  assert.equal(said(), ['warn storage runs short log_full 10'])
  health = { state: 'ok', logBytes: 1 }
  clock.advance(61_000)
  assert.equal(said(), ['info storage recovered 1'])
  health = { state: 'writes_late', logBytes: 1 }
  clock.advance(59_000)
  assert.equal(said(), ['warn writes are late writes_late 1'])
  stop()
  health = { state: 'disk_full', logBytes: 1 }
  clock.advance(60_000)
  assert.equal(said(), [])
})

test.run()

import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLog } from '../../lib/base/log.ts'
import type { Store, Swept } from '../../lib/store/store.ts'
import { createSweeper } from '../../lib/service/sweeper.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('sweeper')

test('a sweep that fails is logged, and the next one runs', async () => {
  const { sweeps, lines, clock } = openSweeper()
  sweeps[0]?.reject(new Error('the disk\nis gone'))
  await turn()
  assert.equal(lines(), [
    {
      time: '2026-01-01T00:00:00.000Z',
      level: 'error',
      event: 'sweep_failed',
      message: 'the disk\nis gone',
    },
  ])

  clock.advance(MINUTE)
  assert.is(sweeps.length, 2)
  sweeps[1]?.resolve({ ended: 2, removed: 1, damaged: 0 })
  await turn()
  const [, swept] = lines()
  assert.equal(swept, {
    time: '2026-01-01T00:01:00.000Z',
    level: 'info',
    event: 'swept',
    ended: 2,
    removed: 1,
  })
})

test('a slow sweep is not joined by a second one', async () => {
  const { sweeps, clock } = openSweeper()
  clock.advance(5 * MINUTE)
  assert.is(sweeps.length, 1)
  sweeps[0]?.resolve({ ended: 0, removed: 0, damaged: 0 })
  await turn()
  clock.advance(MINUTE)
  assert.is(sweeps.length, 2)
})

test('a sweeper that was stopped sweeps no more, and is silent about what is broken off', async () => {
  const { sweeps, lines, clock, stop } = openSweeper()
  stop()
  sweeps[0]?.reject(new Error('closing'))
  await turn()
  clock.advance(HOUR)
  assert.is(sweeps.length, 1)
  assert.equal(lines(), [])
})

test('a sweeper sweeps at once and then at each interval, as of that moment', async () => {
  const { sweeps, clock } = openSweeper()
  const began = clock.now()
  for (let n = 0; n < 3; n++) {
    assert.equal(
      sweeps.map(({ now }) => now - began),
      [0, MINUTE, 2 * MINUTE].slice(0, n + 1),
    )
    sweeps[n]?.resolve({ ended: 0, removed: 0, damaged: 0 })
    await turn()
    clock.advance(MINUTE - 1)
    assert.is(sweeps.length, n + 1)
    clock.advance(1)
  }
})

test('those that are through are remembered', async () => {
  const { sweeps, clock, sweeper } = openSweeper()
  sweeps[0]?.resolve({ ended: 1, removed: 0, damaged: 0 })
  await turn()
  clock.advance(1_000)
  const failed = sweeper.sweepNow()
  sweeps[1]?.reject(new Error('the disk is gone'))
  await failed.catch(() => {})
  const swept = sweeper.sweepNow()
  sweeps[2]?.resolve({ ended: 2, removed: 3, damaged: 0 })
  await swept
  assert.equal(
    sweeper.history().map(({ ended, endedAt }) => [ended, clock.now() - endedAt]),
    [
      [2, 0],
      [1, 1_000],
    ],
  )
})

test('a sweep that found nothing is not worth a line', async () => {
  const { sweeps, lines } = openSweeper()
  sweeps[0]?.resolve({ ended: 0, removed: 0, damaged: 0 })
  await turn()
  assert.equal(lines(), [])
})

test('a sweeper over a store ends what has expired', async () => {
  const { store, clock, database } = openMemoryStore()
  await store.insert(sessionAt(clock.now()))
  const log = createLog({ clock, write() {} })
  const stop = createSweeper({ store, clock, log, intervalMs: 5 * MINUTE }).start()
  await turn()

  const count = database.prepare('select count(*) from sessions').pluck()
  clock.advance(30 * MINUTE - 1)
  await turn()
  assert.is(count.get(), 1)
  clock.advance(1)
  await turn()
  assert.is(count.get(), 0)
  stop()
})

test('a sweep that is asked for waits for the one under way, and none joins it', async () => {
  const { sweeps, clock, sweepNow } = openSweeper()
  const asked = sweepNow()
  const askedToo = sweepNow()
  clock.advance(MINUTE)
  assert.is(sweeps.length, 1)
  sweeps[0]?.reject(new Error('the disk is gone'))
  await turn()
  assert.equal([sweeps.length, sweeps[1]?.now], [2, clock.now()])
  sweeps[1]?.resolve({ ended: 3, removed: 0, damaged: 0 })
  assert.equal(await asked, { ended: 3, removed: 0, damaged: 0 })
  await turn()
  sweeps[2]?.reject(new Error('the disk is gone'))
  assert.is(await askedToo.catch((error: Error) => error.message), 'the disk is gone')
  clock.advance(MINUTE)
  assert.is(sweeps.length, 4)
})

/** A sweeper every minute, over a store whose sweeps the test settles. */
function openSweeper() {
  const clock = createFakeClock()
  const written: string[] = []
  const log = createLog({ clock, write: (line) => written.push(line) })
  const sweeps: (PromiseWithResolvers<Swept> & { readonly now: number })[] = []
  const store: Store = {
    ...openMemoryStore({ clock }).store,
    sweep(now) {
      const sweep = { now, ...Promise.withResolvers<Swept>() }
      sweeps.push(sweep)
      return sweep.promise
    },
  }
  const sweeper = createSweeper({ store, clock, log, intervalMs: MINUTE })
  const stop = sweeper.start()
  const lines = () => written.map((line): unknown => JSON.parse(line))
  return { sweeps, clock, lines, stop, sweeper, sweepNow: sweeper.sweepNow }
}

test.run()

import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readRetryAfter, waitAfter } from '../../lib/relay/webhook/retry-schedule.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'

const test = suite('retry schedule')

const HOUR = 3_600_000
/** From the table of Standard Webhooks 1.0, since the first attempt. */
const TIMES = [
  '00:00:05',
  '00:05:05',
  '00:35:05',
  '02:35:05',
  '07:35:05',
  '17:35:05',
  '31:35:05',
  '51:35:05',
  '75:35:05',
]

test('an event is tried again as Standard Webhooks recommends, then it is given up', () => {
  assert.equal(retriesWith({ random: 0 }).map(timeOf), TIMES)
})

test('jitter makes each wait up to a tenth longer, and never shorter', () => {
  const early = retriesWith({ random: 0 })
  const late = retriesWith({ random: 1 })
  assert.is(late.length, early.length)
  for (const [at, ms] of early.entries()) {
    assert.ok((late[at] ?? 0) > ms, timeOf(ms))
    assert.ok((late[at] ?? 0) <= ms * 1.1 + 1, timeOf(ms))
  }
})

test('a shorter time to give up leaves out the last attempts, and none makes the first the last', () => {
  assert.equal(retriesWith({ giveUpAfterMs: 600_000 }).map(timeOf), TIMES.slice(0, 2))
  assert.equal(retriesWith({ giveUpAfterMs: 305_000 }).map(timeOf), TIMES.slice(0, 2))
  assert.equal(retriesWith({ giveUpAfterMs: 304_999 }).map(timeOf), TIMES.slice(0, 1))
  assert.equal(retriesWith({ giveUpAfterMs: 0 }), [])
})

test('a relay that is started again and again uses no attempt up', () => {
  const giveUpAfterMs = 76 * HOUR
  const wait = (now: number) =>
    waitAfter({ since: 0, now, retryAfterMs: undefined }, giveUpAfterMs, 0)
  // It tries at once after each start; the attempt after that is the schedule's next.
  for (const [now, next] of [
    [1, 5_000],
    [4_000, 5_000],
    [6_000, 305_000],
    [7_000, 305_000],
    [50 * HOUR, 51 * HOUR + 35 * 60_000 + 5_000],
  ] as const) {
    assert.is(now + (wait(now) ?? 0), next)
  }
  assert.is(wait(80 * HOUR), undefined)
})

test('a clock that was set back does not begin the schedule before its start', () => {
  assert.is(waitAfter({ since: 10_000, now: 0, retryAfterMs: undefined }, 76 * HOUR, 0), 5_000)
})

test('a receiver that asks for a longer wait gets it, and for a shorter one does not', () => {
  const wait = (retryAfterMs: number) =>
    waitAfter({ since: 0, now: 6_000, retryAfterMs }, 76 * HOUR, 0)
  assert.is(wait(1_000), 299_000)
  assert.is(wait(400_000), 400_000)
})

test('a wait that is asked for ends with the time to give up, so that the event is given up in time', () => {
  const wait = (elapsed: number, giveUpAfterMs: number, random: number) =>
    waitAfter({ since: 0, now: elapsed, retryAfterMs: 24 * HOUR }, giveUpAfterMs, random)
  for (const random of [0, 0.5, 1]) {
    assert.is(wait(0, 600_000, random), 600_000)
    assert.is(wait(6_000, 600_000, random), 594_000)
    assert.is(wait(600_000, 600_000, random), undefined)
    assert.is(wait(60 * HOUR, 76 * HOUR, random), 16 * HOUR)
  }
})

test('jitter makes no wait that is asked for longer than a day', () => {
  const wait = (retryAfterMs: number, random: number) =>
    waitAfter({ since: 0, now: 0, retryAfterMs }, 76 * HOUR, random)
  assert.is(wait(24 * HOUR, 1), 24 * HOUR)
  assert.is(wait(23 * HOUR, 1), 24 * HOUR)
  assert.is(wait(20 * HOUR, 1), 22 * HOUR)
  assert.is(wait(20 * HOUR, 0), 20 * HOUR)
})

test('no attempt is later than the time to give up, whatever the jitter and whatever is asked for', () => {
  const times = fc.integer({ min: 0, max: 100 * HOUR })
  const asked = fc.option(fc.integer({ min: 0, max: 24 * HOUR }), { nil: undefined })
  const random = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(times, times, asked, random, (now, giveUpAfterMs, retryAfterMs, part) => {
      const wait = waitAfter({ since: 0, now, retryAfterMs }, giveUpAfterMs, part)
      if (wait === undefined) return
      assert.ok(wait > 0)
      assert.ok(now + wait <= giveUpAfterMs, `${now + wait}`)
    }),
  )
  assert.is(retriesWith({ giveUpAfterMs: 305_000, random: 1 }).at(-1), 305_000)
  assert.is(retriesWith({ random: 1 }).at(-1), 76 * HOUR)
})

test('Retry-After is read as seconds and as a date, and is at most a day', () => {
  const now = Date.UTC(2026, 10, 28, 12)
  for (const [text, ms] of [
    ['0', 0],
    ['120', 120_000],
    ['999999999999999', 24 * HOUR],
    ['Sat, 28 Nov 2026 12:01:00 GMT', 60_000],
    ['Saturday, 28-Nov-26 12:01:00 GMT', 60_000],
    ['Sat Nov 28 12:01:00 2026', 60_000],
    ['Sat, 28 Nov 2026 11:00:00 GMT', 0],
    ['Sat, 28 Nov 2099 12:00:00 GMT', 24 * HOUR],
  ] as const) {
    assert.is(readRetryAfter(text, now), ms, text)
  }
  for (const text of [undefined, '', '-1', '1.5', 'soon', '2026-11-28', 'soon GMT', '1e3']) {
    assert.is(readRetryAfter(text, now), undefined, String(text))
  }
})

test.run()

/** When the attempts after the first one are made, if all of them fail at once. */
function retriesWith(given: { giveUpAfterMs?: number; random?: number }): number[] {
  const { giveUpAfterMs = 76 * HOUR, random = 0 } = given
  const clock = createFakeClock()
  const since = clock.now()
  const retries: number[] = []
  for (;;) {
    const now = clock.now()
    const wait = waitAfter({ since, now, retryAfterMs: undefined }, giveUpAfterMs, random)
    if (wait === undefined) return retries
    clock.advance(wait)
    retries.push(clock.now() - since)
  }
}

function timeOf(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  return [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

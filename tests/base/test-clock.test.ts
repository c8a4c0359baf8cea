import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createTestClock } from '../../lib/base/test-clock.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'

const test = suite('test clock')

test('it is ahead by all that it was advanced, and goes on with the time', () => {
  const real = createFakeClock()
  const start = real.now()
  const clock = createTestClock(real)
  assert.is(clock.now(), start)
  clock.advance(3_600_000)
  clock.advance(1)
  assert.is(clock.now(), start + 3_600_001)
  real.advance(500)
  assert.is(clock.now(), start + 3_600_501)
})

test('its timers run with the time, however far it is moved', () => {
  const real = createFakeClock()
  const clock = createTestClock(real)
  let ran = 0
  const stop = clock.every(1_000, () => ran++)
  clock.advance(86_400_000)
  assert.is(ran, 0)
  real.advance(2_000)
  assert.is(ran, 2)
  stop()
  real.advance(2_000)
  assert.is(ran, 2)
})

test.run()

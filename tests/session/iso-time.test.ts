import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { renderIsoTime } from '../../lib/session/iso-time.ts'

const test = suite('ISO time')

/** The last moment of a `Date`, ECMA-262 section 21.4.1.1. */
const LAST = 8_640_000_000_000_000

test('a time is rendered as Date renders it, in any year', () => {
  const times = fc.oneof(
    fc.integer({ min: 1_600_000_000_000, max: 2_000_000_000_000 }),
    fc.integer({ min: -LAST, max: LAST }),
    fc.integer({ min: -3_000, max: 3_000 }).map((day) => day * 86_400_000 - 1),
  )
  fc.assert(
    fc.property(times, (time) => {
      assert.is(renderIsoTime(time), new Date(time).toISOString())
    }),
    { numRuns: 5_000 },
  )
  for (const time of [0, -1, 1, LAST, -LAST, 253_402_300_799_999, 253_402_300_800_000]) {
    assert.is(renderIsoTime(time), new Date(time).toISOString())
  }
})

test('a time past all that a Date can be is refused as by Date', () => {
  assert.throws(() => renderIsoTime(LAST + 86_400_000), RangeError)
  assert.throws(() => renderIsoTime(NaN), RangeError)
})

test.run()

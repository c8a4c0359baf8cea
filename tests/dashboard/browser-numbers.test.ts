/** Numbers and shapes, which the server and the browser make alike. */
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { areaOf, barsOf, barSums, lineOf, topOf } from '../../lib/dashboard/browser/chart-shape.ts'
import {
  showBytes,
  showChange,
  showCount,
  showMs,
  showPart,
} from '../../lib/dashboard/browser/numbers.ts'

const test = suite('dashboard: numbers and shapes')

test('counts have their groups', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 }), (count) => {
      assert.is(showCount(count), count.toLocaleString('en-US'))
    }),
  )
  assert.equal([-7, 0, 312, -0.2].map(showChange), ['−7', '0', '+312', '0'])
})

test('a measure has as many digits as it needs', () => {
  assert.equal([0.287, 1.5, 12.34, 480.4, 1_234].map(showMs), [
    '0.29',
    '1.50',
    '12.3',
    '480',
    '1,234',
  ])
  assert.equal([0, 812, 1_023, 1_024 * 3.1, 118 * 1_024 ** 2, 1_024 ** 3, 9e15].map(showBytes), [
    '0 B',
    '812 B',
    '1 KiB',
    '3.1 KiB',
    '118 MiB',
    '1 GiB',
    '8185 TiB',
  ])
  assert.equal([0, 0.053, 0.31, 1.2].map(showPart), ['0 %', '5.3 %', '31 %', '120 %'])
})

test('a scale ends at a round number above all values', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e9, noNaN: true })), (values) => {
      const top = topOf([values], 10)
      assert.ok(top >= Math.max(10, ...values) && top <= 2 * Math.max(10, ...values))
    }),
  )
  assert.equal(
    [0, 11, 149, 5_812].map((value) => topOf([[value]], 10)),
    [10, 15, 150, 6_000],
  )
})

test('a line has its last value at the right end, a gap where there is none, a dot for one alone', () => {
  assert.is(lineOf([0, 50, 100], 100), 'M298,100L299,50 300,0')
  assert.is(lineOf([null, 50, null, 100, 0], 100), 'M297,50h0M299,0L300,100')
  assert.is(lineOf([], 100), '')
  assert.is(areaOf([100, null, 50, 0], 100), 'M299,100L299,50 300,100L300,100Z')
})

test('bars are those of whole tens of seconds, the last one under way', () => {
  const points = Array.from({ length: 25 }, (_, n) => ({ at: 100_000 + n * 1_000, count: 1 }))
  const sums = barSums(points, ({ count }) => count)
  assert.equal(sums.length, 30)
  assert.equal(sums.slice(-4), [0, 10, 10, 5])
  assert.equal(barsOf([10], 10, false), 'M291.5,50h7v-50h-7z')
  assert.equal(barsOf([0, 5], 10, true), 'M291.5,50h7v25h-7z')
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createInsertSlices } from '../../../lib/store-sqlite/operator/insert-slices.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('slices of an import')

test('a slice grows while transactions are quick, to 200 sessions at most', () => {
  const { most, write } = open()
  assert.is(most(), 20)
  write(20, 1)
  assert.is(most(), 40)
  for (let turn = 0; turn < 10; turn++) write(100, 0)
  assert.is(most(), 200)
})

test('it shrinks where its transaction took long, to 20 sessions at least', () => {
  const { most, write } = open()
  for (let turn = 0; turn < 10; turn++) write(100, 0)
  write(200, 20)
  assert.is(most(), 50)
  write(50, 1_000)
  assert.is(most(), 20)
})

test('it holds fewer large sessions, and one at least', () => {
  const { slices } = open()
  const large = { ...sessionAt(0), data: `{"a":"${'x'.repeat(130 * 1024)}"}` }
  const huge = { ...sessionAt(0), data: `{"a":"${'x'.repeat(1024 * 1024)}"}` }
  assert.is(slices.takeFrom([large, large, large]).length, 2)
  assert.equal(slices.takeFrom([huge, large]), [huge])
  assert.equal(slices.takeFrom([]), [])
})

function open() {
  let now = 0
  const slices = createInsertSlices(() => now)
  const sessions = Array.from({ length: 300 }, () => sessionAt(0))
  const most = () => slices.takeFrom(sessions).length
  const write = (count: number, ms: number) => slices.measure(count, () => void (now += ms))
  return { slices, most, write }
}

test.run()

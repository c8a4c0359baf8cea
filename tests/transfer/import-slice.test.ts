import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSlice } from '../../lib/commands/slice.ts'
import { sessionAt } from '../kit/store/store-contract.ts'

const test = suite('slice of an import')

test('a slice grows while transactions are quick, to 200 sessions at most', () => {
  const { slice, write } = open()
  assert.ok(slice.isFull(sessions(20)))
  write(20, 1)
  assert.not(slice.isFull(sessions(39)))
  assert.ok(slice.isFull(sessions(40)))
  for (let turn = 0; turn < 10; turn++) write(100, 0)
  assert.not(slice.isFull(sessions(199)))
  assert.ok(slice.isFull(sessions(200)))
})

test('it shrinks where its transaction took long, to 20 sessions at least', () => {
  const { slice, write } = open()
  for (let turn = 0; turn < 10; turn++) write(100, 0)
  write(200, 20)
  assert.ok(slice.isFull(sessions(50)))
  assert.not(slice.isFull(sessions(49)))
  write(50, 1_000)
  assert.ok(slice.isFull(sessions(20)))
  assert.not(slice.isFull(sessions(19)))
})

test('it is full of large sessions sooner', () => {
  const { slice } = open()
  const large = { ...sessionAt(0), data: `{"a":"${'x'.repeat(130 * 1024)}"}` }
  assert.not(slice.isFull([large]))
  assert.ok(slice.isFull([large, large]))
})

function sessions(count: number) {
  return Array.from({ length: count }, () => sessionAt(0))
}

function open() {
  let now = 0
  const slice = createSlice(() => now)
  const write = (count: number, ms: number) => slice.measure(count, () => void (now += ms))
  return { slice, write }
}

test.run()

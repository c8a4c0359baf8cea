import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createProgress } from '../../lib/command-line/progress.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'

const test = suite('progress')

test('progress off a terminal is a line now and then, and one at the end', () => {
  const { progress, clock, written } = open(false, 100)
  progress.advance(10)
  clock.advance(5_000)
  progress.advance(40)
  progress.advance(50)
  progress.finish()
  progress.finish()
  assert.equal(written, [
    'Copying: 50 of 100 (50 %), 10/s\n',
    'Copying: 100 of 100 (100 %), 20/s\n',
  ])
})

test('progress on a terminal is a bar that redraws its line', () => {
  const { progress, clock, written } = open(true, 3)
  progress.advance(1)
  assert.equal(written, [])
  clock.advance(100)
  progress.advance(1)
  progress.finish()
  assert.equal(written, [
    '\rCopying: [####################----------] 2 of 3 (66 %)',
    '\rCopying: [####################----------] 2 of 3 (66 %)',
    '\n',
  ])
})

test('progress to an unknown end shows the count, and one to nothing is done', () => {
  const unknown = open(false, undefined)
  unknown.progress.advance(1_234)
  unknown.progress.finish()
  assert.equal(unknown.written, ['Copying: 1,234\n'])
  const empty = open(false, 0)
  empty.progress.finish()
  assert.equal(empty.written, ['Copying: 0 of 0 (100 %)\n'])
})

function open(isTerminal: boolean, total: number | undefined) {
  const clock = createFakeClock()
  const written: string[] = []
  const write = (text: string): void => void written.push(text)
  return {
    progress: createProgress({ write, isTerminal, clock, label: 'Copying', total }),
    clock,
    written,
  }
}

test.run()

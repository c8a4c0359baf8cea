import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createTurnTaking } from '../lib/http/turn-taking.ts'

const test = suite('turn taking')

test('tasks are done in their order, so many in a turn of the loop', async () => {
  const done: number[] = []
  const take = createTurnTaking(3)
  for (let n = 0; n < 7; n++) take(() => done.push(n))
  const counts = []
  while (done.length < 7) {
    await nextTurn()
    counts.push(done.length)
  }
  assert.equal(counts, [3, 6, 7])
  assert.equal(done, [0, 1, 2, 3, 4, 5, 6])
})

test('what comes while others are done waits for its turn', async () => {
  const done: string[] = []
  const take = createTurnTaking(1)
  take(() => take(() => done.push('later')))
  take(() => done.push('next'))
  while (done.length < 2) await nextTurn()
  assert.equal(done, ['next', 'later'])
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test.run()

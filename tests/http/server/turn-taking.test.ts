import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createPartTime,
  createResting,
  createTurnTaking,
} from '../../../lib/http/server/turn-taking.ts'

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

test('after a task that took long, the loop is for others as long before the next', async () => {
  const take = createResting()
  const moments: number[] = []
  const done = Promise.withResolvers<void>()
  take(() => {
    for (const end = performance.now() + 20; performance.now() < end;);
    moments.push(performance.now())
  })
  take(() => {
    moments.push(performance.now())
    done.resolve()
  })
  await done.promise
  const [first = 0, second = 0] = moments
  assert.ok(second - first >= 18, `the next came ${second - first} ms after it`)
})

test('quick tasks are done one a turn of the loop, in their order', async () => {
  const take = createResting()
  const done: number[] = []
  for (let n = 0; n < 5; n++) take(() => done.push(n))
  await nextTurn()
  assert.ok(done.length <= 1)
  while (done.length < 5) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(done, [0, 1, 2, 3, 4])
})

test('who works part time leaves the loop to others, however many tasks there are', async () => {
  const take = createPartTime(2)
  const done: number[] = []
  const began = performance.now()
  for (let n = 0; n < 20; n++) {
    take(() => {
      for (const end = performance.now() + 1; performance.now() < end;);
      done.push(n)
    })
  }
  let turns = 0
  while (done.length < 20) {
    await nextTurn()
    turns++
  }
  assert.equal(
    done,
    Array.from({ length: 20 }, (_, n) => n),
  )
  assert.ok(turns >= 20, `${turns} turns`)
  assert.ok(performance.now() - began >= 55, `${performance.now() - began} ms`)
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test.run()

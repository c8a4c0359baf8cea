import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codeOf } from '../../kit/runner/code-of.ts'
import { nextTurn, openQueue } from '../../kit/store/told-writer.ts'

const test = suite('write queue')

test('what is asked in one turn of the loop is one batch', async () => {
  for (const patient of [false, true]) {
    const { ask, batches, answerNext, idle } = openQueue({ patient })
    const asked = [ask(1), ask(2)]
    await idle()
    assert.equal(batches, [[1, 2]])
    answerNext()
    await Promise.all(asked)
  }
})

test('what is asked while the writer works waits, and is one batch', async () => {
  for (const patient of [false, true]) {
    const { ask, batches, answerNext, idle } = openQueue({ patient })
    const first = ask(1)
    await idle()
    const others = [ask(2)]
    await idle()
    others.push(ask(3))
    await idle()
    assert.equal(batches, [[1]])
    answerNext()
    await first
    await idle()
    assert.equal(batches, [[1], [2, 3]])
    answerNext()
    await Promise.all(others)
  }
})

test('a queue that is not patient sends as soon as the writer is free', async () => {
  const { ask, batches, answerNext, idle } = openQueue({ patient: false })
  void ask(1)
  await idle()
  void ask(2)
  answerNext()
  await Promise.resolve()
  await Promise.resolve()
  assert.equal(batches, [[1], [2]])
})

test('a patient one waits while each turn brings more, and no longer', async () => {
  const { ask, batches, idle } = openQueue({ patient: true })
  for (let turn = 1; turn <= 5; turn++) {
    void ask(turn)
    await nextTurn()
    assert.equal(batches, [])
  }
  await idle()
  assert.equal(batches, [[1, 2, 3, 4, 5]])
})

test('a patient one does not wait for ever', async () => {
  const { ask, batches } = openQueue({ patient: true, maxPending: 2_000 })
  for (let turn = 0; turn < 1_000 && batches.length === 0; turn++) {
    void ask(turn)
    await nextTurn()
  }
  assert.ok(batches.length > 0)
})

test('flush sends at once, whatever is under way', async () => {
  for (const patient of [false, true]) {
    const { ask, queue, batches, answerNext, idle } = openQueue({ patient })
    const first = ask(1)
    queue.flush()
    const second = ask(2)
    queue.flush()
    assert.equal(batches, [[1], [2]])
    answerNext()
    answerNext()
    await Promise.all([first, second])
    queue.flush()
    await idle()
    assert.equal(batches, [[1], [2]])
  }
})

test('allAnswered waits for what was asked before it, sent or not', async () => {
  for (const patient of [false, true]) {
    const { ask, queue, answerNext, idle } = openQueue({ patient })
    const order: string[] = []
    void ask(1).then(() => order.push('first'))
    await idle()
    void ask(2).then(() => order.push('second'))
    const all = queue.allAnswered().then(() => order.push('all'))
    assert.not(queue.isEmpty())
    answerNext()
    await idle()
    assert.equal(order, ['first'])
    answerNext()
    await all
    assert.equal(order, ['first', 'second', 'all'])
    assert.ok(queue.isEmpty())
  }
})

test('what is asked after allAnswered has sent what there was waits for the answer to that', async () => {
  for (const patient of [false, true]) {
    const { ask, queue, batches, answerNext, idle } = openQueue({ patient })
    const first = ask(1)
    const all = queue.allAnswered()
    const second = ask(2)
    await idle()
    assert.equal(batches, [[1]])
    answerNext()
    await Promise.all([first, all])
    await idle()
    assert.equal(batches, [[1], [2]])
    answerNext()
    await second
  }
})

test('one write too many is refused, and there is room again after an answer', async () => {
  const { ask, answerNext, idle } = openQueue({ patient: false, maxPending: 2 })
  const asked = [ask(1), ask(2)]
  assert.is(await ask(3).catch(codeOf), 'overloaded')
  await idle()
  answerNext()
  await Promise.all(asked)
  const later = ask(4)
  await idle()
  answerNext()
  await later
})

test('a refusal is of one write, a failure of the whole batch', async () => {
  const { ask, queue, answerNext, failNext } = openQueue({ patient: false })
  const refusal = { code: 'storage_full', message: 'No space', facts: {} } as const
  const asked = [ask(1), ask(2)]
  queue.flush()
  answerNext([
    { ok: false, refusal },
    { ok: true, answer: undefined },
  ])
  assert.is(await asked[0]?.catch(codeOf), 'storage_full')
  await asked[1]

  const lost = [ask(3), ask(4)]
  queue.flush()
  const settled = Promise.allSettled(lost)
  failNext(new Error('gone'))
  const reasons = (await settled).map((one) => one.status === 'rejected' && one.reason.message)
  assert.equal(reasons, ['gone', 'gone'])
  assert.ok(queue.isEmpty())
})

test('an answer is told before it is given', async () => {
  const told: number[] = []
  const { ask, queue, answerNext } = openQueue({ patient: false, onAnswer: (n) => told.push(n) })
  const asked = ask(7)
  queue.flush()
  answerNext()
  assert.equal(told, [])
  await asked.then(() => assert.equal(told, [7]))
})

test('while a batch takes longer than a write may wait, none is taken', async () => {
  const { ask, queue, answerNext, idle, pass } = openQueue({ patient: false })
  assert.not(queue.isLate())
  const first = ask(1)
  await idle()
  pass(1_001)
  assert.is(await ask(2).catch(codeOf), 'overloaded')
  answerNext()
  await first
  assert.ok(queue.isLate(), 'whoever looks once a second is to see it')
  pass(5_001)
  assert.not(queue.isLate())
  const other = ask(3)
  await idle()
  answerNext()
  await other
})

test.run()

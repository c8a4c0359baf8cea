import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codeOf } from '../../kit/runner/code-of.ts'
import { openQueue } from '../../kit/store/told-writer.ts'

const test = suite('dear writes')

test('of the dear ones a batch takes no more than others may have to wait for', async () => {
  for (const patient of [false, true]) {
    const { ask, batches, answerNext, idle } = openQueue({
      patient,
      costOf: (n) => (n < 10 ? 3_000 : 30),
    })
    const asked = [1, 2, 3].map(ask)
    await idle()
    assert.equal(batches, [[1]])
    asked.push(...[10, 11].map(ask))
    answerNext()
    await idle()
    assert.equal(batches.slice(1), [[10, 11, 2]])
    answerNext()
    await idle()
    assert.equal(batches.slice(2), [[3]])
    answerNext()
    await Promise.all(asked)
  }
})

test('of the others, too; but those that come again and again hold no dear one up', async () => {
  const { ask, batches, answerNext, idle } = openQueue({
    patient: false,
    costOf: (n) => (n === 0 ? 5_000 : 400),
  })
  const asked = Array.from({ length: 60 }, (_, n) => ask(n))
  await idle()
  assert.is(batches[0]?.length, 51)
  assert.is(batches[0]?.at(-1), 0)
  answerNext()
  await idle()
  answerNext()
  await Promise.all(asked)
})

test('no write to a session overtakes a dear one that was asked before it', async () => {
  for (const patient of [false, true]) {
    const { ask, askOf, batches, answerNext, idle } = openQueue({
      patient,
      costOf: (n) => (n < 10 ? 3_000 : 30),
    })
    const asked: Promise<unknown>[] = [ask(90)]
    await idle()
    asked.push(askOf('a', 1), askOf('a', 11), askOf('b', 12), askOf('a', 2), askOf('a', 13))
    answerNext()
    await idle()
    assert.equal(batches.slice(1), [[12, 1, 11]])
    asked.push(askOf('a', 14))
    answerNext()
    await idle()
    assert.equal(batches.slice(2), [[2, 13, 14]])
    answerNext()
    await Promise.all(asked)

    // Once none of the session's dear ones waits, it is as any other.
    const later = [askOf('b', 3), askOf('a', 15)]
    await idle()
    assert.equal(batches.slice(3), [[15, 3]])
    answerNext()
    await Promise.all(later)
  }
})

test('no dear write to a session overtakes one that was asked before it', async () => {
  const { ask, askOf, batches, answerNext, idle } = openQueue({
    patient: false,
    costOf: (n) => (n === 1 ? 3_000 : 400),
  })
  const asked: Promise<unknown>[] = [ask(90)]
  await idle()
  for (let n = 100; n < 160; n++) asked.push(ask(n))
  asked.push(askOf('a', 200), askOf('a', 1))
  answerNext()
  await idle()
  assert.is(batches[1]?.length, 50, 'the dear one does not go along: some before it are left')
  answerNext()
  await idle()
  assert.equal(batches[2]?.slice(-2), [200, 1])
  answerNext()
  await Promise.all(asked)
})

test('a dear write that is refused for being late keeps no other of its session back', async () => {
  const { ask, askOf, batches, answerNext, idle, pass, queue } = openQueue({
    patient: false,
    costOf: (n) => (n < 10 ? 3_000 : 30),
  })
  const first = ask(90)
  await idle()
  const late = askOf('a', 1).catch(codeOf)
  pass(1_001)
  queue.refuseLate()
  assert.is(await late, 'overloaded')
  answerNext()
  await first
  const others = [askOf('b', 2), askOf('a', 11)]
  await idle()
  assert.equal(batches.slice(1), [[11, 2]])
  answerNext()
  await Promise.all(others)
})

test('what has to keep its place goes before what was asked after it, however dear it is', async () => {
  const { ask, batches, answerNext, idle } = openQueue({
    patient: false,
    costOf: () => 3_000,
    keepsPlace: (n) => n < 10,
  })
  const asked = [20, 1, 21, 2].map(ask)
  await idle()
  assert.equal(batches, [[1, 2, 20]])
  answerNext()
  await idle()
  answerNext()
  await Promise.all(asked)
})

test('a write that could not begin in time is refused, and one that came later is not', async () => {
  const { ask, queue, batches, answerNext, idle, pass } = openQueue({ patient: false })
  const first = ask(1)
  await idle()
  const late = ask(2).catch(codeOf)
  pass(600)
  const later = ask(3)
  assert.ok(queue.isLate(), 'it has waited for more than half of the time')
  pass(401)
  queue.refuseLate()
  assert.is(await late, 'overloaded')
  answerNext()
  await first
  await idle()
  assert.equal(batches, [[1], [3]])
  answerNext()
  await later
  assert.ok(queue.isEmpty())
})

test('so many dear ones that the last could not begin in time are refused at once', async () => {
  const { ask, queue, batches, answerNext, idle } = openQueue({
    patient: false,
    costOf: () => 5_000,
  })
  const asked = Array.from({ length: 300 }, (_, n) => ask(n).catch(codeOf))
  let answered = 0
  for (await idle(); batches.length > answered; await idle()) {
    answered++
    answerNext()
  }
  const refused = (await Promise.all(asked)).filter((outcome) => outcome === 'overloaded')
  assert.ok(answered >= 100 && answered + refused.length === 300, `${answered} were taken`)
  assert.ok(queue.isEmpty())
})

test('allAnswered waits for those of each lane, and not for those that come after', async () => {
  const { ask, queue, answerNext, idle } = openQueue({ patient: false, costOf: () => 3_000 })
  const order: string[] = []
  for (const number of [1, 2]) void ask(number).then(() => order.push(String(number)))
  const all = queue.allAnswered().then(() => order.push('all'))
  void ask(3).then(() => order.push('3'))
  for (let batch = 0; batch < 3; batch++) {
    await idle()
    answerNext()
  }
  await all
  await idle()
  assert.equal(order, ['1', '2', 'all', '3'])
})

test.run()

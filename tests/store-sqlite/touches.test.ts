import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../lib/base/errors.ts'
import { createTouches } from '../../lib/store-sqlite/touches.ts'
import type { WriteOutcome, WriteRequest } from '../../lib/store-sqlite/writer/protocol.ts'

const test = suite('touches')

const DONE: WriteOutcome = { ok: true, answer: undefined }
const FULL: WriteOutcome = {
  ok: false,
  refusal: { code: 'storage_full', message: 'full', facts: {} },
}

/** A writer that answers when it is told to: `sent` are the sizes of what it was sent. */
function openWriter() {
  const waiting: PromiseWithResolvers<readonly WriteOutcome[]>[] = []
  const sent: number[] = []
  return {
    sent,
    write(requests: readonly WriteRequest[]) {
      for (const request of requests) if (request.kind === 'touch') sent.push(request.seen.length)
      const answer = Promise.withResolvers<readonly WriteOutcome[]>()
      waiting.push(answer)
      return answer.promise
    },
    async answer(outcome: WriteOutcome) {
      waiting.shift()?.resolve([outcome])
      await new Promise((resume) => setImmediate(resume))
    },
    async fail() {
      waiting.shift()?.reject(new CoatcheckError('outcome_unknown', 'gone'))
      await new Promise((resume) => setImmediate(resume))
    },
  }
}

function touchMany(touches: ReturnType<typeof createTouches>, count: number, now: number): void {
  for (let n = 0; n < count; n++) touches.add(`session-${n}`, now, undefined)
}

test('much activity is sent in pieces, each after the answer to the one before', async () => {
  const writer = openWriter()
  const touches = createTouches(writer)
  touchMany(touches, 600, 1_000)

  const done = touches.trickle()
  assert.equal(writer.sent, [250])
  await writer.answer(DONE)
  assert.equal(writer.sent, [250, 250])
  await writer.answer(DONE)
  assert.equal(writer.sent, [250, 250, 100])
  assert.is(touches.seenAt('session-0'), 1_000, 'a part of it is not in the file yet')
  await writer.answer(DONE)
  await done
  assert.is(touches.seenAt('session-0'), 0)
})

test('what must be known at once is sent at once, the pieces that wait too', async () => {
  const writer = openWriter()
  const touches = createTouches(writer)
  touchMany(touches, 600, 1_000)
  const done = touches.trickle()
  touches.add('late', 1_001, undefined)

  touches.flush()
  assert.equal(writer.sent, [250, 350, 1])
  assert.is(touches.seenAt('session-599'), 1_000)
  assert.is(touches.seenAt('late'), 1_001)
  for (const _ of writer.sent) await writer.answer(DONE)
  await done
  assert.is(touches.seenAt('session-599'), 0)
  assert.is(touches.seenAt('late'), 0)
})

test('activity that comes while pieces are on their way waits for the next time', async () => {
  const writer = openWriter()
  const touches = createTouches(writer)
  touchMany(touches, 300, 1_000)
  const first = touches.trickle()
  touches.add('session-0', 2_000, undefined)
  const second = touches.trickle()
  assert.is(touches.seenAt('session-0'), 2_000)
  await writer.answer(DONE)
  await writer.answer(DONE)
  await Promise.all([first, second])
  assert.equal(writer.sent, [250, 50])
  assert.is(touches.seenAt('session-0'), 2_000)

  const third = touches.trickle()
  await writer.answer(DONE)
  await third
  assert.equal(writer.sent, [250, 50, 1])
  assert.is(touches.seenAt('session-0'), 0)
})

test('what was refused is sent again the next time', async () => {
  const writer = openWriter()
  const touches = createTouches(writer)
  touches.add('session-0', 1_000, undefined)
  const first = touches.trickle()
  await writer.answer(FULL)
  await first
  assert.is(touches.seenAt('session-0'), 1_000)

  const second = touches.trickle()
  await writer.answer(DONE)
  await second
  assert.is(touches.seenAt('session-0'), 0)
})

test('a writer that has failed is sent no more pieces, and all activity stays known', async () => {
  const writer = openWriter()
  const touches = createTouches(writer)
  touchMany(touches, 600, 1_000)
  const done = touches.trickle()
  await writer.fail()
  await done
  assert.equal(writer.sent, [250])
  assert.is(touches.seenAt('session-0'), 1_000)
  assert.is(touches.seenAt('session-599'), 1_000)
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { replayDeadLetters } from '../../lib/relay/replay.ts'
import type { DeadLetterLine } from '../../lib/relay/state/dead-letter.ts'
import type { Attempt } from '../../lib/relay/webhook/verdict.ts'
import { eventOf } from '../kit/relay/feed-events.ts'
import { DELIVERED, failedWith } from '../kit/relay/relay-here.ts'

const test = suite('replay of dead letters')

const SILENT: Attempt = {
  kind: 'failed',
  failure: 'timeout',
  reason: 'no answer in 15 s',
  retryAfterMs: undefined,
}

test('letters are sent in their order, once each; what fails again stays', async () => {
  const { replayed, posted, marked, failed } = await replay([1, 2, 3], (id) =>
    id === 2 ? failedWith(500) : DELIVERED,
  )
  assert.equal(replayed, { sent: 2, failed: 1, left: 0 })
  assert.equal(posted, [1, 2, 3])
  assert.equal(marked, [0, 2])
  assert.equal(failed, ['2-run status 500'])
})

test('a letter that was sent before is not sent again', async () => {
  const { replayed, posted } = await replay([1, 2], () => DELIVERED, ['sent', 'dead'])
  assert.equal(replayed, { sent: 1, failed: 0, left: 0 })
  assert.equal(posted, [2])
})

test('two letters of one event are one delivery, and both are marked', async () => {
  const { replayed, posted, marked } = await replay([1, 2, 1], () => DELIVERED)
  assert.equal(replayed, { sent: 2, failed: 0, left: 0 })
  assert.equal(posted, [1, 2])
  assert.equal(marked, [0, 2, 1])
})

test('where nobody is there, it ends after three without an answer in a row', async () => {
  const all = await replay([1, 2, 3, 4, 5], () => SILENT)
  assert.equal([all.replayed, all.posted], [{ sent: 0, failed: 3, left: 2 }, [1, 2, 3]])
  const some = await replay([1, 2, 3, 4, 5], (id) => (id === 3 ? failedWith(500) : SILENT))
  assert.equal(some.replayed, { sent: 0, failed: 5, left: 0 })
})

test('a receiver that wants no more ends it; the letter and those behind it stay', async () => {
  const marked: number[] = []
  const refusal = await replay([1, 2, 3], (id) => (id === 2 ? { kind: 'gone' } : DELIVERED), [], {
    marked,
  }).catch(String)
  assert.match(String(refusal), 'the receiver wants no more webhooks (410, at the event 2-run)')
  assert.equal(marked, [0])
})

test('it can be stopped between two letters', async () => {
  const stopping = new AbortController()
  const { replayed } = await replay(
    [1, 2, 3],
    (id) => {
      if (id === 2) stopping.abort()
      return DELIVERED
    },
    [],
    { signal: stopping.signal },
  )
  assert.equal(replayed, { sent: 2, failed: 0, left: 1 })
})

test.run()

/** Replays letters of these events; `marked`: the places of those that were marked as sent. */
async function replay(
  numbers: readonly number[],
  answer: (number: number) => Attempt,
  states: readonly DeadLetterLine['state'][] = [],
  given: { readonly marked?: number[]; readonly signal?: AbortSignal } = {},
) {
  const { marked = [], signal = new AbortController().signal } = given
  const posted: number[] = []
  const failed: string[] = []
  const replayed = await replayDeadLetters({
    file: {
      letters: numbers.map((number, at) => ({
        ...{ line: at + 1, stateAt: at, state: states[at] ?? 'dead', event: eventOf(number) },
      })),
      markSent: ({ stateAt }) => void marked.push(stateAt),
    },
    poster: {
      async post({ id }) {
        const number = Number.parseInt(id.replace('evt_', ''))
        posted.push(number)
        return answer(number)
      },
    },
    onFailed: ({ event }, reason) => void failed.push(`${event.id} ${reason}`),
    signal,
  })
  return { replayed, posted, marked, failed }
}

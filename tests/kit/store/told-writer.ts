import * as assert from 'uvu/assert'
import type { WriteOutcome, WriteRequest } from '../../../lib/store-sqlite/writer/protocol.ts'
import { createWriteQueue } from '../../../lib/store-sqlite/writer/write-queue.ts'

type Options = {
  patient: boolean
  maxPending?: number
  costOf?: (number: number) => number
  keepsPlace?: (number: number) => boolean
  onAnswer?: (number: number) => void
}

/** A queue before a writer that answers when it is told to; a request is known by a number. */
export function openQueue({ patient, onAnswer = () => {}, ...others }: Options) {
  const { maxPending = 1_000, costOf = () => 30, keepsPlace = () => false } = others
  let elapsedMs = 0
  const batches: number[][] = []
  const waiting: { count: number; answers: PromiseWithResolvers<readonly WriteOutcome[]> }[] = []
  const queue = createWriteQueue({
    writer: {
      async write(requests) {
        batches.push(requests.map(numberOf))
        const answers = Promise.withResolvers<readonly WriteOutcome[]>()
        waiting.push({ count: requests.length, answers })
        return await answers.promise
      },
    },
    maxPending,
    maxWaitMs: 1_000,
    costOf: (request) => costOf(numberOf(request)),
    keepsPlace: (request) => keepsPlace(numberOf(request)),
    elapsedMs: () => elapsedMs,
    patient,
    onAnswer: (request) => onAnswer(numberOf(request)),
  })
  return {
    queue,
    batches,
    pass: (ms: number) => void (elapsedMs += ms),
    ask: (number: number) => queue.ask({ kind: 'see_outside', made: number }),
    /** A write to the session of this id. */
    askOf: (id: string, number: number) =>
      queue.ask({ kind: 'end', id, now: number, seenAt: 0, reason: 'logout', when: undefined }),
    answerNext(outcomes?: readonly WriteOutcome[]) {
      const next = waiting.shift()
      next?.answers.resolve(
        outcomes ?? Array.from({ length: next.count }, () => ({ ok: true, answer: undefined })),
      )
    },
    failNext: (error: Error) => waiting.shift()?.answers.reject(error),
    /** Long enough for whatever the queue does of itself. */
    async idle() {
      for (let turn = 0; turn < 5; turn++) await nextTurn()
    },
  }
}

function numberOf(request: WriteRequest): number {
  if (request.kind === 'end') return request.now
  assert.is(request.kind, 'see_outside')
  return request.kind === 'see_outside' ? request.made : NaN
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

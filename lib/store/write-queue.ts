/** Writes on their way to the writer: gathered into batches, of which one at a time is under way. */
import { CoatcheckError } from '../errors.ts'
import type { WriteAnswer, WriteRequest } from './write-request.ts'
import { errorFor, type WriterPort } from './writer-port.ts'

export type WriteQueue = {
  /**
   * Resolves once it is on disk, with the answer to a request of this kind; rejects with the
   * writer's refusal, with `outcome_unknown`, or with `overloaded` where too many wait already.
   */
  ask(request: WriteRequest): Promise<WriteAnswer>
  /** Sends what has gathered: what is sent to the writer after this is done after it. */
  flush(): void
  /** Whether all that was asked has been answered. */
  isEmpty(): boolean
  /** Settles once all is answered that was sent before. */
  sentAnswered(): Promise<void>
  /** Settles once all is answered that was asked before. */
  allAnswered(): Promise<void>
}

export type WriteQueueOptions = {
  readonly writer: Pick<WriterPort, 'write'>
  /** How many writes may wait for an answer. */
  readonly maxPending: number
  /**
   * Whether a batch waits for whatever else comes. Where the writer has no core of its own, a larger
   * batch costs less and delays nobody; where it has, it could have been at work in the meantime.
   */
  readonly patient: boolean
  /** Told of each answer before it is given. */
  readonly onAnswer: (request: WriteRequest, answer: WriteAnswer) => void
}

type Waiting = {
  readonly request: WriteRequest
  readonly resolve: (answer: WriteAnswer) => void
  readonly reject: (error: unknown) => void
}

/** A batch waits no longer than until it has so many writes, however fast more of them come. */
const PATIENT_UP_TO = 256

export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const { writer, maxPending, patient, onAnswer } = options
  let gathered: Waiting[] = []
  let pending = 0
  /** Sent to the writer and not yet answered. */
  let batches = 0
  /** Settles once the writer has answered the batch that was sent last. */
  let answered: Promise<void> = Promise.resolve()
  const send = patient ? sendWhenQuiet : flush

  function flush(): void {
    if (gathered.length === 0) return
    const batch = gathered
    gathered = []
    batches++
    answered = writer.write(batch.map(({ request }) => request)).then(
      (outcomes) => {
        done(batch.length)
        for (const [index, { request, resolve, reject }] of batch.entries()) {
          const outcome = outcomes[index]
          if (outcome === undefined) continue
          if (outcome.ok) {
            onAnswer(request, outcome.answer)
            resolve(outcome.answer)
          } else {
            reject(errorFor(outcome.refusal))
          }
        }
      },
      (error: unknown) => {
        done(batch.length)
        for (const { reject } of batch) reject(error)
      },
    )
  }

  function done(count: number): void {
    pending -= count
    if (--batches === 0) send()
  }

  /** Sends what has gathered after a turn of the loop that has brought nothing more. */
  function sendWhenQuiet(gatheredBefore = 0): void {
    if (batches > 0) return
    const { length } = gathered
    if (length === gatheredBefore || length >= PATIENT_UP_TO) flush()
    else setImmediate(sendWhenQuiet, length)
  }

  return {
    flush,
    isEmpty: () => pending === 0,
    sentAnswered: () => answered,

    ask(request) {
      if (pending >= maxPending) {
        return Promise.reject(
          new CoatcheckError(
            'overloaded',
            `Cannot write now: ${maxPending} writes wait already (--max-pending-writes)`,
          ),
        )
      }
      pending++
      return new Promise((resolve, reject) => {
        const length = gathered.push({ request, resolve, reject })
        // What is asked while the writer works travels together once it is done: it could not begin
        // before, and a message costs more than what is in it.
        if (length === 1 && batches === 0) setImmediate(send)
      })
    },

    async allAnswered() {
      if (batches === 0) flush()
      // What has been sent; and what waited for that, and goes out after its answer.
      await answered
      if (gathered.length > 0) flush()
      await answered
    },
  }
}

/** Writes on their way to the writer, gathered into batches; one batch at a time is under way. */
import { CoatcheckError, type SettingName } from '../../base/errors.ts'
import type { RequestKind, WriteAnswer, WriteRequest } from './protocol.ts'
import { errorFor, type WriterPort } from './writer-port.ts'

export type WriteQueue = {
  /**
   * Resolves with the answer once the write is on disk. Rejects with the writer's refusal, with
   * `outcome_unknown`, or with `overloaded` where too many writes wait or this one cannot begin in time.
   * Writes to one session are done in the order in which they were asked; those to different sessions
   * in any order.
   */
  ask<Kind extends RequestKind>(request: WriteRequest<Kind>): Promise<WriteAnswer<Kind>>
  /** Whether a write asked now may be done before one that was asked earlier. */
  mayOvertake(): boolean
  /** Sends all that has gathered; what is sent to the writer after this is done after it. */
  flush(): void
  /** Whether all writes have been answered. */
  isEmpty(): boolean
  /** How many writes have not been answered. */
  length(): number
  /** Settles once all writes are answered that were sent before. */
  sentAnswered(): Promise<void>
  /** Settles once all writes are answered that were asked before. */
  allAnswered(): Promise<void>
  /** Refuses writes that have waited too long; to be called about once a second. */
  refuseLate(): void
  /** Whether a write has waited long, or was refused for that, lately. */
  isLate(): boolean
}

export type WriteQueueOptions = {
  readonly writer: Pick<WriterPort, 'write'>
  /** The most writes that may wait for an answer. */
  readonly maxPending: number
  /** The longest wait of a write until it begins. */
  readonly maxWaitMs: number
  /** An estimate of the most that a write costs the writer, in microseconds. */
  readonly costOf: (request: WriteRequest) => number
  /** Whether a write must keep its place among all others, whatever it costs. */
  readonly keepsPlace: (request: WriteRequest) => boolean
  /** A monotonic clock. */
  readonly elapsedMs: () => number
  /**
   * Whether a batch waits until nothing more comes. On one core, where the writer cannot run meanwhile,
   * a larger batch costs less and delays nobody; on several, it would leave the writer idle.
   */
  readonly patient: boolean
  /** Told of each answer before the caller is. */
  readonly onAnswer: (request: WriteRequest, answer: WriteAnswer) => void
}

type Waiting = {
  readonly number: number
  readonly request: WriteRequest
  readonly cost: number
  readonly isDear: boolean
  readonly since: number
  readonly resolve: (answer: WriteAnswer) => void
  readonly reject: (error: unknown) => void
}

/** A batch under way: the number of its first write, when its oldest was asked, and when it was sent. */
type Flight = { readonly first: number; readonly since: number; readonly sentAt: number }

/** A patient batch is sent with so many writes, however fast more of them come. */
const PATIENT_UP_TO = 256

/** In microseconds: a write that may cost more than this goes into the lane of the dear ones. */
const DEAR_FROM = 500
/** In microseconds: how much of each lane goes into one batch; one write always does. */
const QUICK_IN_BATCH = 20_000
const DEAR_IN_BATCH = 5_000

/** A write is late once it has waited this part of the longest wait. */
const LATE_PART = 0.5
/** Lateness is reported for so much longer, or a monitor would see it come and go. */
const LATE_HOLD_MS = 5_000

export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const { writer, maxPending, maxWaitMs, costOf, keepsPlace, elapsedMs, patient, onAnswer } =
    options
  let quick: Waiting[] = []
  let dear: Waiting[] = []
  /** The cost of the dear ones together, and their number for each session. */
  let dearCost = 0
  const dearOf = new Map<string, number>()
  let asked = 0
  let pending = 0
  /** Sent to the writer and not yet answered. */
  const flights: Flight[] = []
  /** Settles once the writer has answered the batch that was sent last. */
  let answered: Promise<void> = Promise.resolve()
  let lateAt = -Infinity
  const send = patient ? sendWhenQuiet : sendWhenFree

  /** Sends a batch that is as large as others may have to wait for. */
  function sendNext(): void {
    refuseLate()
    const batch = takeUpTo(quick, QUICK_IN_BATCH)
    quick = quick.slice(batch.length)
    // No dear one overtakes an earlier quick one, which may be of the same session.
    const last = quick[0]?.number ?? Infinity
    const dearOnes = takeUpTo(dear, DEAR_IN_BATCH).filter(({ number }) => number < last)
    dear = dear.slice(dearOnes.length)
    sendBatch(dearOnes.length === 0 ? batch : batch.concat(dearOnes))
  }

  function flush(): void {
    const all = quick.concat(dear)
    quick = []
    dear = []
    sendBatch(all)
  }

  function sendBatch(batch: readonly Waiting[]): void {
    const [first] = batch
    if (first === undefined) return
    for (const one of batch) if (one.isDear) leaveDear(one)
    flights.push({
      first: batch.reduce((least, { number }) => Math.min(least, number), first.number),
      since: batch.reduce((oldest, { since }) => Math.min(oldest, since), first.since),
      sentAt: elapsedMs(),
    })
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

  function enterDear(one: Waiting): void {
    dear.push(one)
    dearCost += one.cost
    const id = idOf(one.request)
    if (id !== undefined) dearOf.set(id, (dearOf.get(id) ?? 0) + 1)
  }

  /** Sent, or refused. */
  function leaveDear({ cost, request }: Waiting): void {
    dearCost -= cost
    const id = idOf(request)
    if (id === undefined) return
    const left = (dearOf.get(id) ?? 0) - 1
    if (left > 0) dearOf.set(id, left)
    else dearOf.delete(id)
  }

  /** A cheap write joins the dear ones while one of its session is among them, which it must not overtake. */
  function belongsToDear(request: WriteRequest, cost: number): boolean {
    if (cost > DEAR_FROM && !keepsPlace(request)) return true
    return dearOf.size > 0 && dearOf.has(idOf(request) ?? '')
  }

  function done(count: number): void {
    pending -= count
    flights.shift()
    send()
  }

  /** There may be nothing to send any more: `allAnswered` sends as well. */
  function sendWhenFree(): void {
    if (flights.length === 0) sendNext()
  }

  /** Sends what has gathered once a turn of the event loop has brought nothing more. */
  function sendWhenQuiet(gatheredBefore = 0): void {
    if (flights.length > 0) return
    const length = quick.length + dear.length
    if (length === gatheredBefore || length >= PATIENT_UP_TO) sendNext()
    else setImmediate(sendWhenQuiet, length)
  }

  function refuseLate(): void {
    const oldest = Math.min(quick[0]?.since ?? Infinity, dear[0]?.since ?? Infinity)
    if (elapsedMs() - oldest <= maxWaitMs) return
    quick = withoutLate(quick)
    dear = withoutLate(dear)
  }

  function withoutLate(lane: readonly Waiting[]): Waiting[] {
    const now = elapsedMs()
    return lane.filter((one) => {
      if (now - one.since <= maxWaitMs) return true
      pending--
      if (one.isDear) leaveDear(one)
      one.reject(tooLate())
      return false
    })
  }

  /** Why a write cannot be taken; undefined where it can. */
  function findRefusal(isDear: boolean, now: number): CoatcheckError | undefined {
    // control: max-pending
    if (pending >= maxPending) {
      return overloaded(`${maxPending} writes wait already`, 'maxPendingWrites')
    }
    // It cannot begin before the batch under way is done.
    const sentAt = flights[0]?.sentAt ?? now
    // The dear ones get about half of the writer's time.
    const dearWaitMs = isDear ? (2 * dearCost) / 1_000 : 0
    return now - sentAt > maxWaitMs || dearWaitMs > maxWaitMs ? tooLate() : undefined
  }

  function tooLate(): CoatcheckError {
    lateAt = elapsedMs()
    return overloaded(`it could not begin within ${maxWaitMs} ms`, 'maxWriteWaitMs')
  }

  function ask<Kind extends RequestKind>(request: WriteRequest<Kind>): Promise<WriteAnswer<Kind>>
  function ask(request: WriteRequest): Promise<WriteAnswer> {
    const cost = costOf(request)
    const since = elapsedMs()
    const isDear = belongsToDear(request, cost)
    const refusal = findRefusal(isDear, since)
    if (refusal !== undefined) return Promise.reject(refusal)
    pending++
    return new Promise((resolve, reject) => {
      const one = { number: asked++, request, cost, isDear, since, resolve, reject }
      if (isDear) enterDear(one)
      else quick.push(one)
      // While the writer is busy, requests gather: they could not begin earlier, and a message costs
      // more than the requests in it.
      if (quick.length + dear.length === 1 && flights.length === 0) setImmediate(send)
    })
  }

  return {
    ask,
    flush,
    refuseLate,
    isEmpty: () => pending === 0,
    length: () => pending,
    mayOvertake: () => dear.length > 0,
    sentAnswered: () => answered,

    isLate() {
      const waiting = [flights[0], quick[0], dear[0]].map((first) => first?.since ?? Infinity)
      if (elapsedMs() - Math.min(...waiting) > maxWaitMs * LATE_PART) lateAt = elapsedMs()
      return elapsedMs() - lateAt <= LATE_HOLD_MS
    },

    async allAnswered() {
      const end = asked
      const isBefore = (first: { number: number } | undefined) =>
        first !== undefined && first.number < end
      do {
        sendWhenFree()
        await answered
      } while (isBefore(quick[0]) || isBefore(dear[0]) || flights.some(({ first }) => first < end))
    },
  }
}

/** The first writes that together cost at most so much; at least one, if there is any. */
function takeUpTo(lane: readonly Waiting[], mostCost: number): Waiting[] {
  let cost = lane[0]?.cost ?? 0
  let count = 1
  for (; count < lane.length; count++) {
    cost += lane[count]?.cost ?? 0
    if (cost > mostCost) break
  }
  return lane.slice(0, count)
}

/** The id of the existing session that a write is about. */
function idOf(request: WriteRequest): string | undefined {
  return request.kind === 'change' || request.kind === 'end' ? request.id : undefined
}

function overloaded(reason: string, setting: SettingName): CoatcheckError {
  return new CoatcheckError('overloaded', `Cannot write now: ${reason}`, {}, { setting })
}

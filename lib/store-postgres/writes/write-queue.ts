/** Writes on their way to the database, gathered into batches; one batch at a time is under way. */
import { CoatcheckError, type SettingName } from '../../base/errors.ts'
import type { Outcome, Outcomes } from './guarded.ts'
import type { Answer, Write } from './stage.ts'

export type WriteQueue = {
  /**
   * Resolves with the answer once the write is committed. Rejects with its refusal, with `outcome_unknown`,
   * with `overloaded` where too many writes wait or this one cannot begin in time, or with `storage_busy`
   * while nobody knows what became of an earlier one. Writes to one session are done in the order in
   * which they were asked.
   */
  ask(write: Write): Promise<Answer>
  /** Does what is no single write, after all that was asked before and before all that is asked later. */
  alone<T>(work: () => Promise<T>): Promise<T>
  length(): number
}

export type WriteQueueOptions = {
  /** Gives each write its outcome; never rejects. */
  readonly run: (writes: readonly Write[]) => Promise<Outcomes>
  /** Whether an earlier write is still without an answer that should have come. */
  readonly isOverdue: () => boolean
  readonly maxPending: number
  readonly maxWaitMs: number
  readonly elapsedMs: () => number
  readonly onBatch: (size: number) => void
}

type Waiting = {
  /** Undefined for what must be alone. */
  readonly write: Write | undefined
  readonly since: number
  /** Does what must be alone; with an outcome, tells what became of the write. */
  readonly settle: (outcome: Outcome | undefined) => Promise<void> | void
  readonly reject: (error: unknown) => void
}

/** One statement takes so many rows, and so many characters of sessions. */
const MOST_WRITES = 500
const MOST_CHARACTERS = 4 * 1024 * 1024

export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const { run, isOverdue, maxPending, maxWaitMs, elapsedMs, onBatch } = options
  const waiting: Waiting[] = []
  let pending = 0
  let isUnderWay = false

  function enter(one: Waiting): void {
    waiting.push(one)
    if (isUnderWay) return
    isUnderWay = true
    // What comes in the same turn travels together.
    setImmediate(() => void sendAll())
  }

  async function sendAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = takeBatch()
      if (batch.length > 0) await sendBatch(batch)
      else await waiting.shift()?.settle(undefined)
    }
    isUnderWay = false
  }

  /** The writes at the front, without those that must not begin any more; none where other work is next. */
  function takeBatch(): (Waiting & { write: Write })[] {
    const batch: (Waiting & { write: Write })[] = []
    let characters = 0
    for (let next = waiting[0]; next?.write !== undefined; next = waiting[0]) {
      characters += sizeOf(next.write)
      if (batch.length === MOST_WRITES) break
      if (batch.length > 0 && characters > MOST_CHARACTERS) break
      waiting.shift()
      const refusal = findRefusal(next)
      if (refusal === undefined) batch.push({ ...next, write: next.write })
      else next.reject(refusal)
    }
    return batch
  }

  function findRefusal({ since }: Waiting): CoatcheckError | undefined {
    if (isOverdue()) return busy()
    const isLate = elapsedMs() - since > maxWaitMs
    return isLate
      ? overloaded(`it could not begin within ${maxWaitMs} ms`, 'maxWriteWaitMs')
      : undefined
  }

  async function sendBatch(batch: readonly (Waiting & { write: Write })[]): Promise<void> {
    onBatch(batch.length)
    try {
      const outcomes = await run(batch.map(({ write }) => write))
      for (const { write, settle } of batch) void settle(outcomes.get(write))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return {
    ask(write) {
      if (isOverdue()) return Promise.reject(busy())
      if (pending >= maxPending) {
        return Promise.reject(overloaded(`${maxPending} writes wait already`, 'maxPendingWrites'))
      }
      pending++
      return new Promise<Answer>((resolve, reject) => {
        const settle = (outcome: Outcome | undefined) => {
          if (outcome === undefined) reject(new Error('A write has no outcome'))
          else if ('answer' in outcome) resolve(outcome.answer)
          else reject(outcome.error)
        }
        enter({ write, since: elapsedMs(), settle, reject })
      }).finally(() => void pending--)
    },

    alone: (work) =>
      new Promise((resolve, reject) => {
        const settle = () => (isOverdue() ? reject(busy()) : work().then(resolve, reject))
        enter({ write: undefined, since: elapsedMs(), settle, reject })
      }),

    length: () => pending,
  }
}

/** Most of what a write makes the database take. */
function sizeOf(write: Write): number {
  if (write.kind === 'insert') return write.session.data.length + write.session.claims.length
  // The session itself is not known here; half of the largest one by default.
  return 32 * 1024
}

function overloaded(reason: string, setting: SettingName): CoatcheckError {
  return new CoatcheckError('overloaded', `Cannot write now: ${reason}`, {}, { setting })
}

function busy(): CoatcheckError {
  return new CoatcheckError(
    'storage_busy',
    'Cannot write now: the database has not confirmed an earlier write yet, as when its standby is away',
  )
}

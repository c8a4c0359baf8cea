/**
 * Whether a history of concurrent operations is linearizable: whether there is an order of them, one
 * that keeps what ended before what began after it, in which a sequential specification would have
 * given the same answers. Linearizability is of Herlihy and Wing (1990); the search is that of Wing
 * and Gong, "Testing and verifying concurrent objects" (1993), with what Lowe, "Testing for
 * linearizability" (2017), adds: what has been done and where that led is not tried twice. Both as
 * in Athalye's Porcupine.
 */

/** `returnedAt` is infinite for what may happen at any later time. */
export type Timed = { readonly calledAt: number; readonly returnedAt: number }

export type Specification<State, Op> = {
  readonly initial: State
  /**
   * Where the operation, with the answer that it had, may lead from here; nowhere if it could not
   * have had this answer. More than one for an operation whose outcome nobody knows.
   */
  next(state: State, operation: Op): readonly State[]
  /** Equal for equal states. */
  keyOf(state: State): string
}

export type Verdict<State, Op> =
  | { readonly isLinearizable: true }
  | {
      readonly isLinearizable: false
      /** The longest order that was found, and where it leads. */
      readonly explained: readonly Op[]
      readonly state: State
      /** Operations that were under way there, none of which can be the next. */
      readonly unexplained: readonly Op[]
    }

/** A call or a return, in the order of time; calls have their `back`, the return. */
type Entry<Op> = {
  readonly index: number
  readonly operation: Op
  readonly back: Entry<Op> | undefined
  previous: Entry<Op> | undefined
  next: Entry<Op> | undefined
}

type Choice<State, Op> = {
  readonly entry: Entry<Op>
  readonly before: State
  readonly way: number
}

/** So many states are more than a history of a few hundred operations should need. */
const STATE_LIMIT = 2_000_000

/** Throws where the history is too entangled to tell. */
export function checkLinearizability<State, Op extends Timed>(
  history: readonly Op[],
  { initial, next, keyOf }: Specification<State, Op>,
): Verdict<State, Op> {
  const head = link(history)
  const done = new Uint32Array(Math.ceil(history.length / 32))
  const seen = new Set<string>()
  const chosen: Choice<State, Op>[] = []
  let best: { explained: readonly Op[]; state: State; unexplained: readonly Op[] } | undefined
  let state = initial
  let entry = head.next
  let way = 0

  while (entry !== undefined) {
    if (entry.back !== undefined) {
      const states = next(state, entry.operation)
      flip(done, entry.index)
      const led = findNew(states)
      if (led === undefined) {
        flip(done, entry.index)
        entry = entry.next
        way = 0
      } else {
        chosen.push({ entry, before: state, way })
        state = led
        lift(entry)
        entry = head.next
        way = 0
      }
      continue
    }

    // This one has returned, so it must have happened by now; but no order so far has it.
    if (best === undefined || chosen.length > best.explained.length) {
      best = { explained: chosen.map(operationOf), state, unexplained: callsBefore(entry) }
    }
    const last = chosen.pop()
    if (last === undefined) return { isLinearizable: false, ...best }
    state = last.before
    flip(done, last.entry.index)
    putBack(last.entry)
    entry = last.entry
    way = last.way + 1
  }
  return { isLinearizable: true }

  /** The next state among these at which no other order of the same operations has been. */
  function findNew(states: readonly State[]): State | undefined {
    for (; way < states.length; way++) {
      const led = states[way]
      if (led === undefined) continue
      const key = `${done.join()} ${keyOf(led)}`
      if (seen.has(key)) continue
      seen.add(key)
      if (seen.size <= STATE_LIMIT) return led
      throw new Error(`Cannot tell whether it is linearizable: more than ${STATE_LIMIT} states`)
    }
    return undefined
  }
}

function link<Op extends Timed>(history: readonly Op[]): { next: Entry<Op> | undefined } {
  const entries: { readonly at: number; readonly isCall: boolean; readonly entry: Entry<Op> }[] = []
  history.forEach((operation, index) => {
    const ends = { previous: undefined, next: undefined }
    const back: Entry<Op> = { index, operation, back: undefined, ...ends }
    const call: Entry<Op> = { index, operation, back, ...ends }
    entries.push({ at: operation.calledAt, isCall: true, entry: call })
    entries.push({ at: operation.returnedAt, isCall: false, entry: back })
  })
  // At the same moment they are taken to have been under way together.
  entries.sort((a, b) => (a.at === b.at ? Number(b.isCall) - Number(a.isCall) : a.at - b.at))
  // Its operation is never looked at: an entry before the first, so that each has one before it.
  const head = { next: undefined } as Entry<Op>
  let last = head
  for (const { entry } of entries) {
    entry.previous = last
    last.next = entry
    last = entry
  }
  return head
}

/** Takes a call and its return out of the list. */
function lift<Op>(call: Entry<Op>): void {
  for (const entry of [call, call.back]) {
    if (entry?.previous !== undefined) entry.previous.next = entry.next
    if (entry?.next !== undefined) entry.next.previous = entry.previous
  }
}

/** Undoes the last `lift` that has not been undone. */
function putBack<Op>(call: Entry<Op>): void {
  for (const entry of [call.back, call]) {
    if (entry?.previous !== undefined) entry.previous.next = entry
    if (entry?.next !== undefined) entry.next.previous = entry
  }
}

function callsBefore<Op>(entry: Entry<Op>): Op[] {
  const calls: Op[] = []
  for (let at = entry.previous; at?.previous !== undefined; at = at.previous) {
    calls.unshift(at.operation)
  }
  return calls
}

function operationOf<State, Op>({ entry }: Choice<State, Op>): Op {
  return entry.operation
}

function flip(bits: Uint32Array, index: number): void {
  const word = index >>> 5
  bits[word] = (bits[word] ?? 0) ^ (1 << (index & 31))
}

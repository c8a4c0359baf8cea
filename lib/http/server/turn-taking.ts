/**
 * Returns a function that runs tasks, at most `tasksPerTurn` in a turn of the event loop: a
 * thousand clients that time out at once do not keep others waiting.
 */
export function createTurnTaking(tasksPerTurn: number): (task: () => void) => void {
  let waiting: (() => void)[] = []

  function work(): void {
    const now = waiting.slice(0, tasksPerTurn)
    waiting = waiting.slice(tasksPerTurn)
    if (waiting.length > 0) setImmediate(work)
    for (const task of now) task()
  }

  return (task) => {
    if (waiting.push(task) === 1) setImmediate(work)
  }
}

/**
 * Returns a function that runs tasks one at a time, in their order. After each, `rest` decides when `goOn`
 * begins the next: it is told how long the task took, with the work that followed in the same turn.
 */
function createOneByOne(
  rest: (tookMs: number, goOn: () => void) => void,
): (task: () => void) => void {
  const waiting: (() => void)[] = []
  let isAtWork = false

  function work(): void {
    const task = waiting.shift()
    isAtWork = task !== undefined
    if (task === undefined) return
    const began = performance.now()
    setImmediate(() => rest(performance.now() - began, work))
    task()
  }

  return (task) => {
    waiting.push(task)
    if (isAtWork) return
    isAtWork = true
    setImmediate(work)
  }
}

/** A task that takes less than this is followed by the next one at once. */
const QUICK_MS = 2
const LONGEST_REST_MS = 50

/**
 * Returns a function that runs tasks one at a time. After a long one it waits as long before the
 * next one, and leaves the event loop to others.
 */
export function createResting(): (task: () => void) => void {
  return createOneByOne((tookMs, goOn) => {
    if (tookMs < QUICK_MS) goOn()
    else setTimeout(goOn, Math.min(tookMs, LONGEST_REST_MS))
  })
}

/** After so much work a rest is worth its timer. */
const SLICE_MS = 1

/**
 * Returns a function that runs tasks in their order, one in a turn of the event loop, and rests
 * `restShare` times as long as they took: however many there are, they never have the loop for themselves.
 */
export function createPartTime(restShare: number): (task: () => void) => void {
  let workedMs = 0
  return createOneByOne((tookMs, goOn) => {
    workedMs += tookMs
    if (workedMs < SLICE_MS) return goOn()
    setTimeout(goOn, workedMs * restShare)
    workedMs = 0
  })
}

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

/** A task that takes less than this is followed by the next one at once. */
const QUICK_MS = 2
const LONGEST_REST_MS = 50

/**
 * Returns a function that runs tasks one at a time. After a long one it waits as long before the
 * next one, and leaves the event loop to others.
 */
export function createResting(): (task: () => void) => void {
  const waiting: (() => void)[] = []
  let isAtWork = false

  function work(): void {
    const task = waiting.shift()
    isAtWork = task !== undefined
    if (task === undefined) return
    const began = performance.now()
    // Includes the work that follows in the same turn of the event loop.
    setImmediate(() => {
      const tookMs = performance.now() - began
      if (tookMs < QUICK_MS) work()
      else setTimeout(work, Math.min(tookMs, LONGEST_REST_MS))
    })
    task()
  }

  return (task) => {
    waiting.push(task)
    if (isAtWork) return
    isAtWork = true
    setImmediate(work)
  }
}

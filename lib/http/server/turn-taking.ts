/**
 * Answers a function that does what it is given, but so much in each turn of the loop and no more:
 * what comes all at once, a thousand clients whose time is up, does not keep others waiting.
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

/** What takes less than this is no reason to let others go first. */
const QUICK_MS = 2
const LONGEST_REST_MS = 50

/**
 * Answers a function that does what it is given, one at a time; after what took long, the loop is left
 * to others for as long before the next one.
 */
export function createResting(): (task: () => void) => void {
  const waiting: (() => void)[] = []
  let isAtWork = false

  function work(): void {
    const task = waiting.shift()
    isAtWork = task !== undefined
    if (task === undefined) return
    const began = performance.now()
    // With what comes of it in the same turn of the loop.
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

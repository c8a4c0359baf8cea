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

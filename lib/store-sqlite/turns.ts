import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Returns a function whose calls each get a turn of the event loop of their own, in order: of long work
 * in slices only one is done in a turn, however much is under way.
 */
export function createTurns(): () => Promise<unknown> {
  let last: Promise<unknown> = Promise.resolve()
  return () => (last = last.then(() => nextTurn()))
}

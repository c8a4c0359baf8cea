import { writeSync } from 'node:fs'

/** What the process of one test file tells the runner, a line of JSON each. */
export type TestEvent =
  | { readonly kind: 'started'; readonly title: string }
  | { readonly kind: 'passed'; readonly title: string }
  | { readonly kind: 'failed'; readonly title: string; readonly message: string }
  | { readonly kind: 'skipped'; readonly title: string; readonly reason: string }
  | { readonly kind: 'trouble'; readonly reason: string }
  | { readonly kind: 'finished' }

/** The runner listens here; stdout and stderr are left to the tests. */
export const EVENTS_FD = 3

// Synchronous, so that an event is out before a crash or a `process.exit` that follows it.
export function sendEvent(event: TestEvent): void {
  writeSync(EVENTS_FD, `${JSON.stringify(event)}\n`)
}

/** Turns the file red for something that is not the failure of one test. */
export function sendTrouble(reason: string): void {
  sendEvent({ kind: 'trouble', reason })
}

// Stands in for 'uvu' in every test file that the runner runs: uvu itself, with each test counted
// when it is added and when it ends, and with what house style refuses refused.
import { inspect } from 'node:util'
import * as uvu from 'uvu'
import { SkippedTest } from './skip.ts'
import { sendEvent, sendTrouble } from './test-events.ts'

export { exec } from 'uvu'

export const test = watch(uvu.test, { name: '', tests: [] })

export function suite<T>(name = '', context?: T): uvu.Test<T> {
  const watched: WatchedSuite = { name, tests: [] }
  suites.push(watched)
  return watch(uvu.suite(name, context), watched)
}

/** The test that is running now, if one is. */
export function runningTest(): string | undefined {
  return running
}

/** Call it after the queue: a suite without `test.run()` has tests that never began. */
export function reportWhatNeverRan(): void {
  for (const { name, tests } of suites) {
    if (tests.length === 0) sendTrouble(`Suite "${name}" has no test`)
  }
  const never = allTests.filter(({ ended }) => !ended)
  for (const { title } of never) {
    sendTrouble(`Never ran "${title}": its suite needs test.run() after its last test`)
  }
  if (allTests.length === 0) sendTrouble('The file has no test')
}

/** Where the runner was given some, only tests run whose title has one of these parts. */
const titles: readonly string[] = JSON.parse(process.env['TEST_TITLES'] ?? '[]')

type WatchedTest = { readonly title: string; ended: boolean }
type WatchedSuite = { readonly name: string; readonly tests: WatchedTest[] }

const suites: WatchedSuite[] = []
const allTests: WatchedTest[] = []
let running: string | undefined

function watch<T>(real: uvu.Test<T>, { tests }: WatchedSuite): uvu.Test<T> {
  const add = (title: string, handler: uvu.Callback<T>): void => {
    if (titles.length > 0 && !titles.some((part) => title.includes(part))) return
    const entry = addEntry(title)
    real(title, async (context) => {
      running = title
      sendEvent({ kind: 'started', title })
      try {
        await handler(context)
        sendEvent({ kind: 'passed', title })
      } catch (error) {
        if (error instanceof SkippedTest) {
          sendEvent({ kind: 'skipped', title, reason: error.message })
          return
        }
        sendEvent({ kind: 'failed', title, message: messageOf(error) })
        // uvu drops the whole suite, with exit code 0, over a thrown value that is no Error.
        throw error instanceof Error ? error : new Error(`threw ${inspect(error)}`)
      } finally {
        running = undefined
        entry.ended = true
      }
    })
  }

  const addEntry = (title: string): WatchedTest => {
    const entry = { title, ended: false }
    tests.push(entry)
    allTests.push(entry)
    return entry
  }

  return Object.assign(add, {
    only(title: string, handler: uvu.Callback<T>) {
      sendTrouble(`Refused test.only("${title}"): it switches the other tests off`)
      add(title, handler)
    },
    skip(title = '') {
      addEntry(title).ended = true
      sendEvent({ kind: 'skipped', title, reason: 'no reason given, skip() takes one' })
    },
    before: refusedHook('before'),
    after: refusedHook('after'),
    run: real.run,
  })
}

/** With the difference of the two values, where an assertion of uvu shows one. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${inspect(error)}`
  return 'details' in error && error.details ? `${error.message}\n${error.details}` : error.message
}

function refusedHook(name: string): (() => void) & { each: () => void } {
  const refuse = (hook: string) => () => {
    sendTrouble(`Refused hook test.${hook}: a test opens what it needs by a call in its body`)
  }
  return Object.assign(refuse(name), { each: refuse(`${name}.each`) })
}

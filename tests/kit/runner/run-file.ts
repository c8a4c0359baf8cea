// Runs one test file, in a process of its own: `node run-file.ts FILE`, started by `tests/run.ts`.
// Whatever uvu would let pass with exit code 0 becomes a trouble that the runner shows.
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { checkEverySetCookie } from '../texts/strict-cookie.ts'
import { ANSWERS_FOLDER, startRecorder } from '../answers/recorder.ts'
import { sendEvent, sendTrouble } from './test-events.ts'

/** After its last test a file has this long to close what it opened. */
const GRACE_MS = 2000
/** So often it has that long again where nothing is open any more. */
const MOST_GRACES = 15

declare global {
  var UVU_DEFER: number
  var UVU_QUEUE: QueuedSuite[][]
}

type QueuedSuite = () => Promise<
  [errors: string | true, passed: number, skips: number, total: number]
>

const watchedUrl = new URL('./watched-uvu.ts', import.meta.url).href
const queue: QueuedSuite[] = []
// Node opens a standard stream at its first use, and lists both among what is active.
void [process.stdout, process.stderr]
const ownResources = process.getActiveResourcesInfo()
let state: 'importing' | 'running' | 'finished' | 'leaking' = 'importing'
let loopIsEmpty = false

// Both are read by uvu when it is loaded: it queues its suites and runs none by itself.
globalThis.UVU_DEFER = 1
globalThis.UVU_QUEUE = [queue]

registerHooks({
  resolve(specifier, context, next) {
    const isWatched = specifier === 'uvu' && context.parentURL !== watchedUrl
    return next(isWatched ? watchedUrl : specifier, context)
  },
})

const { reportWhatNeverRan, runningTest } = await import('./watched-uvu.ts')

// A rejection that nobody handles arrives here, too.
process.on('uncaughtException', (error, origin) => {
  const what = origin === 'unhandledRejection' ? 'Unhandled rejection' : 'Uncaught exception'
  sendTrouble(`${what} ${place()}: ${firstLine(error)}`)
  process.stderr.write(`${inspect(error)}\n`)
})

checkEverySetCookie()
const answersFolder = process.env[ANSWERS_FOLDER] ?? ''
// Proxies rewrite paths, and bytes made at random are no requests to pair with answers.
const isPlain = !/tests\/(proxies|torture)\/|fuzz/.test(process.argv[2] ?? '')
if (answersFolder !== '' && isPlain) startRecorder(answersFolder)

process.on('beforeExit', () => {
  loopIsEmpty = true
})

process.on('exit', (code) => {
  if (!loopIsEmpty && state !== 'leaking') {
    sendTrouble(`process.exit(${code}) was called ${place()}`)
  } else if (state !== 'finished' && state !== 'leaking') {
    sendTrouble(`Never settled ${place()}: nothing is left that could wake it`)
  }
  sendEvent({ kind: 'finished' })
})

// Not awaited here: an unsettled top-level await would end the process before `beforeExit`.
void runFile(process.argv[2] ?? '')

async function runFile(path: string): Promise<void> {
  try {
    await import(pathToFileURL(path).href)
    state = 'running'
    for (const runSuite of queue) {
      const [errors] = await runSuite()
      if (errors !== true) process.stdout.write(`\n${errors}\n`)
    }
    reportWhatNeverRan()
  } catch (error) {
    sendTrouble(`Cannot run the file: ${firstLine(error)}`)
    process.stderr.write(`${inspect(error)}\n`)
  }
  state = 'finished'
  setTimeout(reportLeak, GRACE_MS).unref()
}

function reportLeak(graces = 1): void {
  const kinds = process.getActiveResourcesInfo()
  for (const kind of ownResources) kinds.splice(kinds.indexOf(kind), 1)
  // SQLite's statements that V8 has collected are freed one by one: seconds, for a hundred thousand of
  // them on a busy machine.
  if (kinds.length === 0 && graces < MOST_GRACES) {
    setTimeout(reportLeak, GRACE_MS, graces + 1).unref()
    return
  }
  state = 'leaking'
  sendTrouble(`Left open ${GRACE_MS / 1000} s after the last test: ${kinds.join(', ')}`)
  process.exit(1)
}

function place(): string {
  const title = runningTest()
  if (title !== undefined) return `in "${title}"`
  if (state === 'importing') return 'while the file was imported'
  return state === 'running' ? 'between two tests' : 'after the last test'
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)
  return text.split('\n', 1)[0] ?? ''
}

// The process of one test file: started, listened to, and ended with everything that it started and
// every file that it wrote below the system's folder for such.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { EVENTS_FD, type TestEvent } from './test-events.ts'

export type FileResult = {
  passed: number
  failed: number
  readonly failures: { title: string; message: string }[]
  readonly skipped: { title: string; reason: string }[]
  /** Why the file is red although, or before, one of its tests failed. */
  readonly troubles: string[]
  durationMs: number
  output: string
}

/** Always resolves; a process that hangs, crashes or leaves early is a trouble of the result. */
export function runTestFile(file: string, timeLimitMs: number): Promise<FileResult> {
  const startedAt = performance.now()
  const result: FileResult = {
    passed: 0,
    failed: 0,
    failures: [],
    skipped: [],
    troubles: [],
    durationMs: 0,
    output: '',
  }
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-run-'))
  // Some tests run programs as other users.
  chmodSync(folder, 0o755)
  const child = spawn(process.execPath, [RUN_FILE, file], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: HAS_GROUPS,
    env: { ...process.env, TMPDIR: folder },
  })
  const progress = readEvents(child, result)
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (result.output += text))
  }
  running.set(child, folder)

  let isLate = false
  const limit = setTimeout(() => {
    isLate = true
    killGroup(child, 'SIGTERM')
    setTimeout(killGroup, CLOSE_MS, child, 'SIGKILL')
  }, timeLimitMs)

  return new Promise((resolve) => {
    child.on('error', (error) => result.troubles.push(`Cannot start: ${error.message}`))
    child.on('exit', () => {
      clearTimeout(limit)
      // What the tests started and left behind would keep the pipes open.
      if (!isLate) killGroup(child, 'SIGKILL')
      setTimeout(destroyPipes, 2 * CLOSE_MS, child).unref()
    })
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      running.delete(child)
      const where = progress.title === undefined ? '' : ` in "${progress.title}"`
      if (isLate) {
        result.troubles.push(`Timed out after ${timeLimitMs / 1000} s${where}`)
      } else if (signal !== null) {
        result.troubles.push(`Ended by signal ${signal}${where}`)
      } else if (!progress.hasFinished) {
        result.troubles.push(`Ended too early with exit code ${code}${where}`)
      } else if (code !== 0 && result.troubles.length === 0) {
        result.troubles.push(`Ended with exit code ${code}`)
      }
      try {
        removeFolder(folder)
      } catch (error) {
        result.troubles.push(`Cannot remove its files: ${String(error)}`)
      }
      result.durationMs = performance.now() - startedAt
      resolve(result)
    })
  })
}

/** For a runner that must stop now. */
export function killAll(): void {
  for (const [child, folder] of running) {
    killGroup(child, 'SIGKILL')
    removeFolder(folder)
  }
}

const RUN_FILE = fileURLToPath(new URL('./run-file.ts', import.meta.url))
const HAS_GROUPS = process.platform !== 'win32'
/** How long a process has between SIGTERM and SIGKILL. */
const CLOSE_MS = 1000

/** With the folder of its files. */
const running = new Map<ChildProcess, string>()

type Progress = { title: string | undefined; hasFinished: boolean }

function readEvents(child: ChildProcess, result: FileResult): Progress {
  const progress: Progress = { title: undefined, hasFinished: false }
  const pipe = child.stdio[EVENTS_FD]
  if (!(pipe instanceof Readable)) throw new Error('Cannot listen: the events pipe is missing')
  createInterface({ input: pipe }).on('line', (line) => {
    const event = JSON.parse(line) as TestEvent
    if (event.kind === 'started') progress.title = event.title
    else if (event.kind !== 'trouble') progress.title = undefined
    if (event.kind === 'passed') result.passed++
    if (event.kind === 'failed') {
      result.failed++
      result.failures.push(event)
    }
    if (event.kind === 'skipped') result.skipped.push(event)
    if (event.kind === 'trouble') result.troubles.push(event.reason)
    if (event.kind === 'finished') progress.hasFinished = true
  })
  return progress
}

function killGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return
  try {
    if (HAS_GROUPS) process.kill(-child.pid, signal)
    else child.kill(signal)
  } catch {
    // Nobody of the group is left.
  }
}

/** What was killed a moment ago may still write: a few tries. */
function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

function destroyPipes(child: ChildProcess): void {
  for (const pipe of child.stdio) pipe?.destroy()
}

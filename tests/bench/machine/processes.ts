/** The processes that the benchmark starts, and its folder: none of them outlives it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pinned } from './cores.ts'

/** A process in a group of its own, so that its children can be ended with it. */
export type Process = {
  readonly pid: number
  /** What it has printed, on both streams; the end of it where it is long. */
  readonly output: () => string
  /** Resolves with its exit code, null where a signal ended it. */
  readonly ended: Promise<number | null>
}

export type StartOptions = {
  readonly cores?: string | undefined
  readonly folder?: string
  readonly env?: NodeJS.ProcessEnv
}

/** On the disk of the checkout: the system's folder for temporary files is in memory on many machines. */
export const WORK_FOLDER = fileURLToPath(new URL('../../../dist/', import.meta.url))

const START_LIMIT_MS = 20_000
const STOP_LIMIT_MS = 5_000
const POLL_MS = 20
const KEPT_OUTPUT = 16_384

const running = new Set<number>()
const folders = new Set<string>()

/** Ends all of it however this process ends, but for a SIGKILL. Called once, at the start. */
export function endAllAtExit(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(128 + constants.signals[signal]))
  }
  process.on('exit', () => {
    for (const pid of running) signalGroup(pid, 'SIGKILL')
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
}

export function makeFolder(): string {
  mkdirSync(WORK_FOLDER, { recursive: true })
  const folder = mkdtempSync(join(WORK_FOLDER, 'bench-'))
  folders.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}

export function startProcess(command: readonly string[], options: StartOptions = {}): Process {
  const [program = '', ...args] = pinned(options.cores, command)
  const child = spawn(program, args, {
    cwd: options.folder,
    // Nothing of the project's own settings reaches a contender.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  const keep = (text: string) => (output = (output + text).slice(-KEPT_OUTPUT))
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  const ended = endOf(child, keep)
  const pid = child.pid ?? 0
  if (pid !== 0) running.add(pid)
  return { pid, output: () => output, ended }
}

/** Asks it to end, and sees to it that it has, with all its children. */
export async function endProcess({ pid, ended }: Process): Promise<void> {
  if (!running.has(pid)) return
  signalGroup(pid, 'SIGTERM')
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_LIMIT_MS)
  await ended
  clearTimeout(timer)
  signalGroup(pid, 'SIGKILL')
  running.delete(pid)
}

/** The program's own end, within a time limit. Throws with what it printed where it fails. */
export async function runToEnd(
  command: readonly string[],
  options: StartOptions & { readonly limitMs: number },
): Promise<string> {
  const program = startProcess(command, options)
  const timer = setTimeout(() => void endProcess(program), options.limitMs)
  const code = await program.ended
  clearTimeout(timer)
  running.delete(program.pid)
  if (code === 0) return program.output()
  const how = code === null ? 'was ended' : `ended with code ${code}`
  throw new Error(`${command[0]} ${how}: ${program.output().trim()}`)
}

/** The port in the line by which the program says where it listens. */
export async function portOf(program: Process): Promise<number> {
  let port: number | undefined
  await waitFor(program, () => {
    port = Number(/listens on http:\/\/127\.0\.0\.1:(\d+)\n/.exec(program.output())?.[1])
    return Promise.resolve(port > 0)
  })
  return port ?? 0
}

/** For programs that do not say when they listen: until somebody does on this port. */
export async function waitForPort(program: Process, port: number): Promise<void> {
  await waitFor(program, () => canConnect(port))
}

/** For programs that cannot choose one themselves. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return address !== null && typeof address === 'object' ? address.port : 0
}

function endOf(child: ChildProcess, keep: (text: string) => void): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code))
    child.once('error', (error) => {
      keep(error.message)
      resolve(1)
    })
  })
}

async function waitFor(program: Process, isReady: () => Promise<boolean>): Promise<void> {
  let hasEnded = false
  void program.ended.then(() => (hasEnded = true))
  const latest = performance.now() + START_LIMIT_MS
  while (!(await isReady())) {
    if (hasEnded || performance.now() > latest) {
      throw new Error(`It did not start: ${program.output().trim()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended already.
  }
}

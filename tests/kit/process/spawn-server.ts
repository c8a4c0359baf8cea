import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The binary in place of `node server.ts`, where `npm run test:binary` has set it. */
const BINARY = process.env['TEST_BINARY']
export const IS_BINARY = BINARY !== undefined

/** The command line of the program under test: `server.ts` on this Node, or the binary. */
export const PROGRAM: readonly string[] =
  BINARY === undefined
    ? [process.execPath, fileURLToPath(new URL('../../../server.ts', import.meta.url))]
    : [BINARY]

/**
 * What the program inherits of this process's variables: where commands are; and where this process
 * runs broken for a control, the same breakage.
 */
const INHERITED: NodeJS.ProcessEnv = Object.fromEntries(
  ['PATH', ...(process.env['BREAKAGE'] === undefined ? [] : ['NODE_OPTIONS', 'BREAKAGE'])].map(
    (name) => [name, process.env[name]],
  ),
)

export type RunningServer = {
  readonly url: string
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  kill(signal: NodeJS.Signals): void
  /** Nobody reads its stdout and stderr from here on. */
  closeOutput(): void
  /** Resolves with how the process ended. */
  readonly ended: Promise<Ended>
}

export type Ended = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder of its own for a test's files, under the system's folder for such. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'coatcheck-'))
}

/** Runs the program with these arguments to its end; `under` as for `spawnServer`. */
export function runServer(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  under: readonly string[] = [],
): Promise<Ended> {
  return start(args, env, [...under, ...PROGRAM]).ended
}

/**
 * Starts the program on a free port unless the flags name one; resolves once it says where it listens. `under` is the command
 * line of a program that runs it, such as `strace`; `program` is another than the one under test.
 * Rejects with an error whose cause is the `Ended` of a program that did not start.
 */
export async function spawnServer(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  under: readonly string[] = [],
  program: readonly string[] = PROGRAM,
): Promise<RunningServer> {
  const isPlaced = args.includes('--listen') || args.includes('--port')
  const listening = isPlaced ? [] : ['--port', '0']
  const { child, output, ended } = start([...listening, ...args], env, [...under, ...program])
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      const found = /listens on (\S+)\n.*\n/.exec(output.stdout)?.[1]
      if (found !== undefined) resolve(found)
    })
    void ended.then((cause) => {
      reject(new Error(`The server did not start: ${cause.stderr}`, { cause }))
    })
  })
  return {
    url,
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    kill: (signal) => child.kill(signal),
    closeOutput() {
      child.stdout.destroy()
      child.stderr.destroy()
    },
    ended,
  }
}

/** Of servers that are started at once: where one does not start, none is left running. */
export async function allOrNone<Servers extends readonly RunningServer[]>(starting: {
  readonly [At in keyof Servers]: Promise<Servers[At]>
}): Promise<Servers> {
  try {
    return (await Promise.all(starting)) as unknown as Servers
  } catch (error) {
    for (const start of await Promise.allSettled(starting)) {
      if (start.status === 'rejected') continue
      start.value.kill('SIGKILL')
      await start.value.ended
    }
    throw error
  }
}

export type RunningProgram = Pick<RunningServer, 'pid' | 'stdout' | 'stderr' | 'kill' | 'ended'>

/** Starts the program with these arguments, and leaves it running; `under` as for `spawnServer`. */
export function spawnProgram(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  under: readonly string[] = [],
  program: readonly string[] = PROGRAM,
): RunningProgram {
  const { child, output, ended } = start(args, env, [...under, ...program])
  return {
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    kill: (signal) => child.kill(signal),
    ended,
  }
}

/**
 * The command line under which `server.ts` loads this file before itself, with these variables; the
 * binary loads none.
 */
export function underPreload(url: URL, variables: Readonly<Record<string, string>>): string[] {
  const options = `${INHERITED['NODE_OPTIONS'] ?? ''} --import ${url.href}`.trim()
  const all = Object.entries({ NODE_OPTIONS: options, ...variables })
  return ['env', ...all.map((pair) => pair.join('='))]
}

function start(args: readonly string[], env: NodeJS.ProcessEnv, program = PROGRAM) {
  const [command = '', ...rest] = [...program, ...args]
  const child = spawn(command, rest, {
    env: { ...INHERITED, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, ...output }))
  })
  return { child, output, ended }
}

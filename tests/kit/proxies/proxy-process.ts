/** A real proxy in front of what a test has started: with its files in a folder of the test's. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findFreePort, isListening } from './listening-process.ts'
import { skip } from '../runner/skip.ts'
import { makeFolder } from '../process/spawn-server.ts'

export type RunningProxy = {
  readonly port: number
  /** What it has logged. */
  readonly logged: () => string
  stop(): Promise<void>
}

export type ProxyProgram = {
  readonly name: string
  /** The arguments with which it does nothing and succeeds, where it is installed. */
  readonly probe: readonly string[]
  /** What it runs on: files by name, and the arguments, for a folder and a free port of 127.0.0.1. */
  readonly setUp: (folder: string, port: number) => ProxySetUp
}

export type ProxySetUp = {
  readonly files: Readonly<Record<string, string>>
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const START_TRIES = 5
const TAKEN = /address already in use|cannot bind socket|could not bind|could not get socket/i

/** The command that runs a program; ends the test as skipped where there is none. */
export function findProgram(name: string, probe: readonly string[]): string {
  // Debian's folder for it is in the path of root alone.
  const found = [name, `/usr/sbin/${name}`].find((command) => {
    return spawnSync(command, probe).status === 0
  })
  return found ?? skip(`${name} is not installed`)
}

export async function startProxy({ name, probe, setUp }: ProxyProgram): Promise<RunningProxy> {
  const command = findProgram(name, probe)
  for (let tries = 1; ; tries++) {
    const folder = makeFolder()
    const port = await findFreePort()
    const proxy = run(command, folder, setUp(folder, port))
    if (await isListening(port, proxy.child)) return { port, ...proxy }
    await proxy.stop()
    // Somebody else may have been given this port since.
    if (!TAKEN.test(proxy.logged()) || tries === START_TRIES) {
      throw new Error(`${name} did not start: ${proxy.logged()}`)
    }
  }
}

/** In the foreground, so that its pid is all there is to stop. */
function run(command: string, folder: string, { files, args, env }: ProxySetUp) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let logged = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (logged += text))
  }
  const closed = once(child, 'close')
  return {
    child,
    logged: () => logged,
    async stop() {
      child.kill('SIGTERM')
      await closed
    },
  }
}

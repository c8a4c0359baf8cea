/** A real HAProxy in front of what a test has started: with its files in a folder of the test's. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findFreePort, isListening } from './listening-process.ts'
import { skip } from '../runner/skip.ts'
import { makeFolder } from '../process/spawn-server.ts'

export type RunningHaproxy = {
  readonly port: number
  stop(): Promise<void>
}

const START_TRIES = 5

/** The command that runs HAProxy; ends the test as skipped where there is none. */
export function findHaproxy(): string {
  // Debian's folder for it is in the path of root alone.
  const found = ['haproxy', '/usr/sbin/haproxy'].find((command) => {
    return spawnSync(command, ['-v']).status === 0
  })
  return found ?? skip('haproxy is not installed')
}

/** Starts HAProxy with the sections that `configurationOn` renders for a free port of 127.0.0.1. */
export async function startHaproxy(
  configurationOn: (port: number) => string,
): Promise<RunningHaproxy> {
  const command = findHaproxy()
  for (let tries = 1; ; tries++) {
    const port = await findFreePort()
    const haproxy = run(command, configurationOn(port))
    if (await isListening(port, haproxy.child)) return { port, stop: haproxy.stop }
    await haproxy.stop()
    // Somebody else may have been given this port since.
    const isTaken = haproxy.stderr().includes('cannot bind socket')
    if (!isTaken || tries === START_TRIES) {
      throw new Error(`HAProxy did not start: ${haproxy.stderr()}`)
    }
  }
}

function run(command: string, configuration: string) {
  const path = join(makeFolder(), 'haproxy.cfg')
  writeFileSync(path, configuration)
  // In the foreground, as one process.
  const child = spawn(command, ['-db', '-f', path], { stdio: ['ignore', 'ignore', 'pipe'] })
  let logged = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (logged += text))
  const closed = once(child, 'close')
  return {
    child,
    stderr: () => logged,
    async stop() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

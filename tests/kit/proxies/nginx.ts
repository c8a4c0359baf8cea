/** A real nginx in front of what a test has started: with its files in a folder of the test's. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findFreePort, isListening } from './listening-process.ts'
import { skip } from '../runner/skip.ts'
import { makeFolder } from '../process/spawn-server.ts'

export type RunningNginx = {
  readonly port: number
  readonly url: string
  /** What it has logged: of each error a line. */
  readonly stderr: () => string
  stop(): Promise<void>
}

const START_TRIES = 5
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** The command that runs nginx; ends the test as skipped where there is none. */
export function findNginx(): string {
  // Debian's folder for it is in the path of root alone.
  const found = ['nginx', '/usr/sbin/nginx'].find((command) => {
    return spawnSync(command, ['-v']).status === 0
  })
  return found ?? skip('nginx is not installed')
}

/** Starts nginx with the server that `serverOn` renders for a free port of 127.0.0.1. */
export async function startNginx(serverOn: (port: number) => string): Promise<RunningNginx> {
  const command = findNginx()
  for (let tries = 1; ; tries++) {
    const port = await findFreePort()
    const nginx = run(command, serverOn(port))
    if (await isListening(port, nginx.child))
      return { port, url: `http://127.0.0.1:${port}`, ...nginx }
    await nginx.stop()
    // nginx cannot pick a port by itself, and somebody else may have been given this one since.
    const isTaken = nginx.stderr().includes('Address already in use')
    if (!isTaken || tries === START_TRIES) throw new Error(`nginx did not start: ${nginx.stderr()}`)
  }
}

function run(command: string, server: string) {
  const folder = makeFolder()
  const path = join(folder, 'nginx.conf')
  writeFileSync(path, renderConfiguration(folder, server))
  const child = spawn(command, ['-p', folder, '-c', path, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let logged = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (logged += text))
  const closed = once(child, 'close')
  return {
    child,
    stderr: () => logged,
    async stop() {
      child.kill('SIGTERM')
      await closed
    },
  }
}

/** One process, in the foreground and under the test's own user, so that its pid is all there is to stop. */
function renderConfiguration(folder: string, server: string): string {
  const paths = TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`)
  return [
    'daemon off;',
    'master_process off;',
    `pid ${folder}/nginx.pid;`,
    'error_log stderr;',
    'events { worker_connections 64; }',
    `http { access_log off; ${paths.join(' ')}`,
    server,
    '}',
  ].join('\n')
}

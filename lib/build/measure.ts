/**
 * `npm run measure -- PROGRAM [ARG]...`: size, time from start to the first answered request, and
 * resident memory after it; medians of starts on an existing data file.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

const STARTS = 15
/** Not the default port, where a server may run. */
const PORT = 17377

const [program = 'dist/coatcheck', ...args] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'coatcheck-measure-'))
try {
  // The first start creates the file and unpacks the addon.
  const first = await startOnce()
  const starts = []
  for (let n = 0; n < STARTS; n++) starts.push(await startOnce())
  print('first start', `${Math.round(first.ms)} ms`)
  print('start to first answer', `${Math.round(median(starts.map(({ ms }) => ms)))} ms`)
  print('resident', `${Math.round(median(starts.map(({ kB }) => kB)) / 1024)} MiB`)
  print('of it its own', `${Math.round(median(starts.map(({ ownKB }) => ownKB)) / 1024)} MiB`)
  print('size', megabytes(statSync(program).size))
  print('gzipped', megabytes(gzipSync(readFileSync(program)).length))
} finally {
  rmSync(folder, { recursive: true })
}

async function startOnce(): Promise<{ ms: number; kB: number; ownKB: number }> {
  const startedAt = performance.now()
  const all = [...args, '--data', join(folder, 'sessions.db'), '--port', String(PORT)]
  const child = spawn(program, all, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  while (!(await asks())) await sleep(1)
  const ms = performance.now() - startedAt
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  child.kill('SIGKILL')
  await ended
  return {
    ms,
    kB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]),
    ownKB: Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]),
  }
}

/** Whether a server answers; a refused connection costs next to nothing. */
function asks(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(PORT, '127.0.0.1', () => {
      socket.write('GET /session HTTP/1.1\r\nHost: localhost\r\n\r\n')
    })
    socket.once('data', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('data', () => socket.destroy())
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function print(what: string, value: string): void {
  process.stdout.write(`${what.padEnd(24)}${value}\n`)
}

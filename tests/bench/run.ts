/**
 * CPU time of the server's process per request, Coatcheck beside the floor: rounds in turn, medians.
 * `npm run bench [-- ROUNDS REQUESTS]`. Linux only: it reads /proc.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sendLoad } from './load.ts'

const CONNECTIONS = 32
const TICKS_PER_SECOND = 100
const rounds = Number(process.argv[2] ?? 7)
const requests = Number(process.argv[3] ?? 20_000)

type Contender = { readonly name: string; readonly child: ChildProcess; readonly port: number }

const folder = mkdtempSync(join(tmpdir(), 'coatcheck-bench-'))
const contenders = [
  await startContender('floor', ['./floor.ts']),
  await startContender('coatcheck', [
    '../../server.ts',
    '--port',
    '0',
    '--data',
    join(folder, 'sessions.db'),
  ]),
]
const cookies = await Promise.all(Array.from({ length: CONNECTIONS }, signIn))
const put = requestLine('PUT', '"ada"')
const operations = [
  { name: 'GET', requestFor: requestLine('GET', '') },
  { name: 'PUT', requestFor: put },
]

for (const { name, requestFor } of operations) {
  const costs = new Map(contenders.map((contender) => [contender.name, new Array<number>()]))
  for (let round = 0; round <= rounds; round++) {
    for (const { name, child, port } of contenders) {
      const before = cpuSeconds(child)
      await sendLoad({ port, connections: CONNECTIONS, requestFor }, requests)
      const cost = ((cpuSeconds(child) - before) / requests) * 1e6
      // The first round warms up.
      if (round > 0) costs.get(name)?.push(cost)
    }
  }
  const floor = costs.get('floor') ?? []
  for (const [contender, cost] of costs) {
    const ratio = median(cost.map((value, round) => value / (floor[round] ?? Number.NaN)))
    console.log(
      `${name} ${contender.padEnd(10)} ${median(cost).toFixed(1).padStart(6)} µs CPU a request, ` +
        `${ratio.toFixed(2)} times the floor`,
    )
  }
}
for (const { child } of contenders) child.kill('SIGTERM')
rmSync(folder, { recursive: true })

async function startContender(name: string, [script = '', ...args]: string[]): Promise<Contender> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await child.stdout.take(1).toArray()) as [Buffer]
  return { name, child, port: Number(/:(\d+)\n/.exec(line.toString())?.[1]) }
}

async function signIn(): Promise<string> {
  const port = contenders.find(({ name }) => name === 'coatcheck')?.port
  const answer = await fetch(`http://127.0.0.1:${port}/session`, {
    method: 'PATCH',
    body: '{"data":{"user":"ada","cart":["apple","pear"],"theme":"dark","visits":12}}',
    headers: { 'content-type': 'application/json' },
  })
  return answer.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
}

function requestLine(method: string, body: string): (connection: number) => string {
  return (connection) =>
    `${method} /session/user HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookies[connection]}\r\n` +
    (body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`) +
    `\r\n${body}`
}

/** All threads of the process, user and system time. */
function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/**
 * 200 uploads at once, each many times as large as a body may be, told of in every way: all are refused.
 * If there is time (`--seconds=60`), for the ways that a client may choose freely, a fresh server gets
 * rounds of such uploads until they no longer raise the most memory it was seen to hold; that is the
 * plateau, and the median of later rounds may be no more than 10 MiB above it. (The first rounds do raise
 * it. How much that is, is among the figures, and bounded as well.)
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { skip } from '../../kit/runner/skip.ts'
import type { RunningServer } from '../../kit/process/spawn-server.ts'
import { bytesOf, openRawClient, type RawClient } from '../../kit/clients/raw-http.ts'
import { type StreamAnswer, takeAnswer } from '../../kit/clients/stream-answer.ts'
import type { Finding, Given, Torture } from '../torture.ts'

const UPLOADS = 200
const BODY_LIMIT = 65_536
const OVERSIZED = 16 * BODY_LIMIT
/** Above the plateau. */
const GROWTH_LIMIT_KB = 10 * 1_024
/** What as many small uploads at once take is the server's own. */
const SMALL_ROUNDS = 5
/** From a server that has had these to the plateau. */
const PLATEAU_LIMIT_KB = (process.env['TEST_BINARY'] === undefined ? 52 : 160) * 1_024
/** So many rounds that raise the peak by no more than this are the plateau. */
const SETTLED_ROUNDS = 30
const SETTLED_KB = 2 * 1_024
/** What it takes to get to the plateau and beyond; with less time left there is no such comparison. */
const MEASURING_MS = 15_000
const FEW_ROUNDS = 6
const WARM_UP_LIMIT_ROUNDS = 200
const LATER_ROUNDS = 10
/**
 * V8's young generation grows in large steps, when it pleases: here it stays small. The binary has
 * its own flags, and a large one.
 */
const STEADY = ['env', 'NODE_OPTIONS=--max-semi-space-size=2']
const SAMPLE_MS = 5
const UPLOAD_LIMIT_MS = 20_000

export const oversizedTorture: Torture = {
  about: `${UPLOADS} oversized uploads at once, and the memory they take`,
  breakages: {
    'what is passed over is left to be collected': {
      seam: 'buffers-released',
      by: 'if (isWhole && buffer instanceof ArrayBuffer) void buffer',
    },
    'a body of unknown length has no limit': {
      seam: 'chunks-counted',
      before: 'if (length <= 1e9) return',
    },
    'no body has a limit': { seam: 'http-options', by: 'const bodies = createBodyReader(1e9)' },
  },
  run,
}

/** How an upload says how long it is, and what it then sends. */
type Way = {
  readonly headers: readonly string[]
  /** Sent again and again, until it is enough or the server has had enough. */
  readonly part: Buffer
  readonly end: string
  /** What each may be refused as: the status, and the code of the problem. */
  readonly refusals: readonly string[]
  /** Whether the server's memory is held to the plateau: not where the connection is broken off. */
  readonly isMeasured: boolean
}

const PART = Buffer.alloc(16_384, '1')
const CHUNK = Buffer.concat([Buffer.from('4000\r\n'), PART, Buffer.from('\r\n')])
const LENGTH = `Content-Length: ${OVERSIZED}`

const WAYS: Readonly<Record<string, Way>> = {
  'in chunks': {
    headers: ['Transfer-Encoding: chunked'],
    part: CHUNK,
    end: '0\r\n\r\n',
    refusals: ['413 body_too_large'],
    isMeasured: true,
  },
  'with their length': {
    headers: [LENGTH],
    part: PART,
    end: '',
    refusals: ['413 body_too_large'],
    isMeasured: true,
  },
  'in headers': {
    headers: [],
    part: Buffer.from(`X: ${'x'.repeat(4_000)}\r\n`),
    end: '',
    refusals: ['431 header_too_large'],
    isMeasured: true,
  },
  'expecting to be told to go on, but not waiting for it': {
    headers: [LENGTH, 'Expect: 100-continue'],
    part: PART,
    end: '',
    refusals: ['413 body_too_large'],
    isMeasured: false,
  },
  // As much as it says is a value too large for a session, and the rest of it is no request. Large
  // bodies are taken one after the other, and so many are more than are kept meanwhile.
  'longer than they say': {
    headers: [`Content-Length: ${BODY_LIMIT}`],
    part: PART,
    end: '',
    refusals: ['413 session_too_large', '400 bad_request', '503 overloaded'],
    isMeasured: false,
  },
}

async function run({ endsAt, folder, spawn }: Given): Promise<Finding> {
  const violations: string[] = []
  const figures = { uploads: 0, 'MiB at rest': 0, 'MiB on the plateau': 0, 'KiB above it': 0 }
  const ways = Object.entries(WAYS)
  for (const [n, [what, way]] of ways.entries()) {
    // Where time is short, the first way is tried a few times, and each other one once.
    const isMeasured = way.isMeasured && endsAt - performance.now() > MEASURING_MS
    const rounds = n === 0 ? FEW_ROUNDS : 1
    const path = join(folder, `${n}.db`)
    const limits = ['--body-limit', `${BODY_LIMIT}`, '--session-limit', `${BODY_LIMIT}`]
    const server = await spawn(['--data', path, ...limits], STEADY)
    const found = await tryWay(server, way, isMeasured ? 'until settled' : rounds)
    server.kill('SIGKILL')
    await server.ended
    violations.push(...found.violations.map((violation) => `uploads ${what}: ${violation}`))
    figures.uploads += found.rounds * UPLOADS
    figures['MiB at rest'] ||= toMib(found.rest)
    figures['MiB on the plateau'] = Math.max(figures['MiB on the plateau'], toMib(found.plateau))
    figures['KiB above it'] = Math.max(figures['KiB above it'], found.growth)
    if (violations.length > 0) break
  }
  return { violations, figures }
}

async function tryWay(server: RunningServer, way: Way, most: number | 'until settled') {
  const violations: string[] = []
  const wire = openRawClient(server.url)
  const witness = await readWitness(wire)
  for (let round = 0; round < SMALL_ROUNDS; round++) await uploadSmall(server.url)
  const memory = watchMemory(server.pid)
  const rest = memory.takePeak()
  let rounds = 0

  /** Resolves with the most memory that it was seen to take. */
  const haveRound = async (): Promise<number> => {
    rounds++
    const uploads = Array.from({ length: UPLOADS }, () => upload(server.url, way))
    for (const refusal of new Set(await Promise.all(uploads))) {
      // A client that is still sending may lose the answer with the connection.
      if (refusal === undefined || way.refusals.includes(refusal)) continue
      violations.push(`answered ${refusal}`)
    }
    const peak = memory.takePeak()
    if (peak - rest > PLATEAU_LIMIT_KB) violations.push(`they took ${toMib(peak - rest)} MiB`)
    return peak
  }

  const isMeasured = most === 'until settled'
  let plateau = await haveRound()
  while (!isMeasured && rounds < most && violations.length === 0) {
    plateau = Math.max(plateau, await haveRound())
  }
  for (let settled = 0; isMeasured && settled < SETTLED_ROUNDS; settled++) {
    if (violations.length > 0) break
    const peak = await haveRound()
    if (peak > plateau + SETTLED_KB) settled = -1
    plateau = Math.max(plateau, peak)
    if (rounds === WARM_UP_LIMIT_ROUNDS) {
      violations.push(`after ${rounds} rounds they still take more than those before`)
    }
  }
  const later: number[] = []
  while (isMeasured && later.length < LATER_ROUNDS && violations.length === 0) {
    later.push(await haveRound())
  }
  const growth = Math.max(0, medianOf(later) - plateau)
  if (growth > GROWTH_LIMIT_KB) violations.push(`they took ${growth} KiB more than those before`)
  memory.stop()
  const changed = await witness()
  if (changed !== undefined) violations.push(`meanwhile a session became ${changed}`)
  wire.close()
  return { violations, rounds, rest, plateau, growth }
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}

function toMib(kib: number): number {
  return Math.round(kib / 1_024)
}

/** Resolves with the refusal; undefined where it was lost with the connection. */
async function upload(url: string, way: Way): Promise<string | undefined> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => {})
  const closed = once(socket, 'close').catch(() => {})
  let received: Buffer = Buffer.alloc(0)
  let refusal: string | undefined
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    for (let taken = takeAnswer(received); taken !== undefined; taken = takeAnswer(received)) {
      received = Buffer.from(taken.rest)
      // 100 is none yet; and what follows the first that counts is about bytes that are too many.
      if (taken.answer.status >= 200) refusal ??= refusalOf(taken.answer)
    }
  })
  const timer = setTimeout(() => socket.destroy(), UPLOAD_LIMIT_MS)
  await once(socket, 'connect')
  const head = ['PUT /session/k HTTP/1.1', 'Host: localhost', ...way.headers]
  socket.write(`${head.join('\r\n')}\r\n${way.headers.length === 0 ? '' : '\r\n'}`)
  for (
    let sent = 0;
    sent < OVERSIZED && refusal === undefined && !socket.destroyed;
    sent += way.part.length
  ) {
    if (!socket.write(way.part)) await Promise.race([drained(socket), closed])
  }
  socket.end(way.end)
  await closed
  clearTimeout(timer)
  return refusal
}

async function uploadSmall(url: string): Promise<void> {
  const clients = Array.from({ length: UPLOADS }, () => openRawClient(url))
  await Promise.all(
    clients.map((client) => client.ask(bytesOf('PUT', '/session/k', { body: '1' }))),
  )
  for (const client of clients) client.close()
}

function refusalOf({ status, body }: StreamAnswer): string {
  const code = /"code":"(\w+)"/.exec(body.toString())?.[1]
  return `${status} ${code ?? 'without a problem'}`
}

async function drained(socket: Socket): Promise<void> {
  await once(socket, 'drain').catch(() => {})
}

/** What a session of somebody else's says now; afterwards, what it says if that is another thing. */
async function readWitness(wire: RawClient): Promise<() => Promise<string | undefined>> {
  const made = await wire.ask(bytesOf('PUT', '/session/user', { body: '"untouched"' }))
  const cookie = made.headers.get('set-cookie')?.split(';', 1)[0]
  const read = async (): Promise<string> => {
    const headers = [`Cookie: ${cookie}`]
    const { body } = await wire.ask(bytesOf('GET', '/session?touch=false', { headers }))
    return body.toString()
  }
  const before = await read()
  return async () => {
    const after = await read()
    return after === before ? undefined : after
  }
}

/** The most memory since it was last asked, by looking again and again. */
function watchMemory(pid: number): { takePeak(): number; stop(): void } {
  let peak = residentKb(pid)
  const timer = setInterval(() => (peak = Math.max(peak, residentKb(pid))), SAMPLE_MS)
  return {
    takePeak() {
      const taken = Math.max(peak, residentKb(pid))
      peak = 0
      return taken
    },
    stop: () => clearInterval(timer),
  }
}

function residentKb(pid: number): number {
  let status
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    skip('there is no /proc to read the memory of a process from')
  }
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
}

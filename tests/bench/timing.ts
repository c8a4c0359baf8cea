/**
 * What the time of an answer tells of a key or a token that is refused: interleaved samples over one
 * connection, and Welch's t for each pair. `node tests/bench/timing.ts [SECONDS]`, at most 60.
 * A |t| over 4.5 is a difference that can be measured on this machine; the medians say how large it is.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nanoid } from 'nanoid'

type Contender = {
  readonly name: string
  readonly status: number
  /** The request's target and what it sends beside it; another one each time. */
  readonly request: (n: number) => string
}

type Sample = { readonly contender: Contender; readonly us: number }

/** So many wrong keys of one address are answered as such in a while; after that, with 429. */
const FAILURES_OF_ONE_ADDRESS = 8
/** The slowest are the garbage collector's and the kernel's, not the server's. */
const KEPT_SHARE = 0.9
const WARM_UP = 500
const seconds = Math.min(60, Number(process.argv[2] ?? 45))

const key = `ck_${nanoid(43)}`
const folder = mkdtempSync(join(tmpdir(), 'coatcheck-timing-'))
const server = await startServer()
// Also where something throws: the server must not outlive the measurement.
process.on('exit', () => {
  server.child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})
const live = await logIn()
const ended = await logIn()
await fetch(`${server.url}/sessions/${ended.id}`, { method: 'DELETE', headers: withKey(key) })

const wrongKeys = [
  { name: 'wrong key', request: (n: number) => keyRequest(`ck_${nanoid(43)}`, addressOf(n)) },
  { name: 'all but its end right', request: (n: number) => keyRequest(nearly(key), addressOf(n)) },
  { name: 'malformed key', request: (n: number) => keyRequest('ck_short', addressOf(n)) },
  { name: 'no key', request: (n: number) => keyRequest(undefined, addressOf(n)) },
].map((contender) => ({ ...contender, status: 401 }))

const tooManyWrongKeys = [
  { name: 'wrong key', request: () => keyRequest(`ck_${nanoid(43)}`, '192.0.2.1') },
  { name: 'all but its end right', request: () => keyRequest(nearly(key), '192.0.2.1') },
  { name: 'malformed key', request: () => keyRequest('ck_short', '192.0.2.1') },
].map((contender) => ({ ...contender, status: 429 }))

const wrongTokens = [
  { name: 'unknown id', request: () => tokenRequest(`${nanoid(21)}.${nanoid(43)}`) },
  { name: 'wrong secret', request: () => tokenRequest(`${live.id}.${nanoid(43)}`) },
  { name: 'all but its end right', request: () => tokenRequest(nearly(live.token)) },
  { name: 'wrong secret, ended', request: () => tokenRequest(`${ended.id}.${nanoid(43)}`) },
  { name: 'malformed token', request: () => tokenRequest('x'.repeat(65)) },
].map((contender) => ({ ...contender, status: 404 }))

report('API keys', await measure(wrongKeys))
report('API keys, too many wrong ones', await measure(tooManyWrongKeys))
report('Tokens on /session', await measure(wrongTokens))
process.exit()

async function startServer(): Promise<{ child: ChildProcess; url: string; port: number }> {
  const path = fileURLToPath(new URL('../../server.ts', import.meta.url))
  const args = ['--port', '0', '--data', join(folder, 'sessions.db'), '--trust-proxy', 'loopback']
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, COATCHECK_API_KEY: key },
    // The log tells of each wrong key.
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [line] = (await child.stdout.take(1).toArray()) as [Buffer]
  const port = Number(/:(\d+)\n/.exec(line.toString())?.[1])
  return { child, url: `http://127.0.0.1:${port}`, port }
}

async function logIn(): Promise<{ id: string; token: string }> {
  const answer = await fetch(`${server.url}/sessions`, {
    method: 'POST',
    headers: withKey(key),
    body: '{"claims":{"sub":"ada"}}',
  })
  return (await answer.json()) as { id: string; token: string }
}

/** One sample of each contender in turn, in an order that chance decides. */
async function measure(contenders: readonly Contender[]): Promise<Sample[]> {
  const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  const samples: Sample[] = []
  const end = performance.now() + (seconds / 3) * 1000
  for (let round = 0; performance.now() < end; round++) {
    for (const contender of shuffled(contenders)) {
      const us = await ask(socket, contender, round)
      if (us !== undefined && round >= WARM_UP) samples.push({ contender, us })
    }
  }
  socket.destroy()
  return samples
}

/** The microseconds until the whole answer is there; undefined for one of another status. */
async function ask(
  socket: Socket,
  { request, status }: Contender,
  round: number,
): Promise<number | undefined> {
  const text = request(round)
  const answer = Promise.withResolvers<string>()
  let received = ''
  const read = (chunk: string) => {
    received += chunk
    const head = received.indexOf('\r\n\r\n')
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1])
    if (head !== -1 && received.length >= head + 4 + length) answer.resolve(received)
  }
  socket.on('data', read)
  const began = performance.now()
  socket.write(text)
  const whole = await answer.promise
  const us = (performance.now() - began) * 1000
  socket.off('data', read)
  // Every few seconds the first of too many wrong keys are answered as if they were few.
  return whole.slice(9, 12) === String(status) ? us : undefined
}

function report(title: string, samples: readonly Sample[]): void {
  const contenders = [...new Set(samples.map(({ contender }) => contender))]
  const groups = contenders.map(({ name, status }) => {
    const all = samples.filter(({ contender }) => contender.name === name).map(({ us }) => us)
    const kept = all.sort((a, b) => a - b).slice(0, Math.floor(all.length * KEPT_SHARE))
    return { name, status, kept, median: kept[Math.floor(all.length / 2)] ?? NaN }
  })
  console.log(`\n${title}, ${groups[0]?.kept.length} samples of each`)
  for (const { name, status, kept, median } of groups) {
    const figures = [mean(kept), median].map((us) => us.toFixed(1).padStart(7))
    console.log(`  ${name.padEnd(22)} ${status}  mean${figures[0]} µs  median${figures[1]} µs`)
  }
  for (const [index, one] of groups.entries()) {
    for (const other of groups.slice(index + 1)) {
      const t = welch(one.kept, other.kept).toFixed(1).padStart(7)
      console.log(`  t ${t}  ${one.name} and ${other.name}`)
    }
  }
}

function welch(a: readonly number[], b: readonly number[]): number {
  const spread = variance(a) / a.length + variance(b) / b.length
  return (mean(a) - mean(b)) / Math.sqrt(spread)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function variance(values: readonly number[]): number {
  const middle = mean(values)
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)
}

/** As a trusted proxy tells of it: few failures each, so that the limit does not come in between. */
function addressOf(round: number): string {
  const n = Math.floor(round / Math.floor(FAILURES_OF_ONE_ADDRESS / wrongKeys.length))
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
}

/** With another last character, so that it differs as late as it can. */
function nearly(text: string): string {
  return `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`
}

// Each request of a group has the same length, as far as what it is about lets it.
function keyRequest(shown: string | undefined, address: string): string {
  const line = shown === undefined ? '' : `Authorization: Bearer ${shown}\r\n`
  return `GET /sessions?limit=1 HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${address}\r\n${line}\r\n`
}

function tokenRequest(token: string): string {
  return `GET /session HTTP/1.1\r\nHost: localhost\r\nCookie: sid=${token}\r\n\r\n`
}

function withKey(shown: string): Record<string, string> {
  return { authorization: `Bearer ${shown}` }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

/**
 * Mutated requests over many connections, several on each: every answer is HTTP and no 5xx, nothing is
 * logged as a fault, the process lives on and a session that no request names stays as it was.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { bytesOf, openRawClient, type RawClient } from '../../kit/clients/raw-http.ts'
import { type StreamAnswer, takeAnswer } from '../../kit/clients/stream-answer.ts'
import { type Belongings, makeRequest, mutate } from '../engine/clients/mutated-requests.ts'
import type { Random } from '../engine/random.ts'
import type { Finding, Given, Torture } from '../torture.ts'

const WORKERS = 24
const LARGEST_BATCH = 5
/** A server that waits for the rest of a request is told that there is none. */
const PATIENCE_MS = 150
/** After that, so long to close. Its own time limits for what comes slowly are shorter. */
const CLOSE_LIMIT_MS = 20_000
/** Also where there is little time left. */
const LEAST_REQUESTS = 5_000
const VIOLATION_LIMIT = 20

export const fuzzTorture: Torture = {
  about: 'mutated requests, to crash it or to have it answer 5xx',
  breakages: {
    'an escape in a query that nobody foresaw': {
      seam: 'query-escapes',
      by: "return decodeURIComponent(text.replaceAll('+', ' '))",
    },
    'anything is JSON': { seam: 'json-syntax', by: '' },
    'a rejection that nobody handles': {
      seam: 'request-refusal',
      before: "if (request.method === 'TRACE') void Promise.reject(new Error('nobody'))",
    },
    "a user's log-out ends everybody": {
      seam: 'end-many-scope',
      by: "endMany: (which) => store.endMany({ ...which, sub: undefined }, clock.now(), 'revoked', END_LIMIT),",
    },
  },
  run,
}

async function run({ random, endsAt, folder, spawn }: Given): Promise<Finding> {
  const dataPath = join(folder, 'sessions.db')
  const server = await spawn(['--data', dataPath])
  const key = readFileSync(`${dataPath}.api-key`, 'utf8').trim()
  const wire = openRawClient(server.url)
  const witness = await signIn(wire)
  const before = await readSession(wire, witness)
  const figures = { requests: 0, answers: 0, 'of them 2xx': 0, connections: 0 }
  const violations: string[] = []
  const seen = (violation: string): void => {
    if (violations.length < VIOLATION_LIMIT) violations.push(violation)
  }
  let hasEnded = false
  void server.ended.then(() => (hasEnded = true))

  const work = async (random: Random): Promise<void> => {
    const belongings = await makeBelongings(wire, key)
    while (
      (performance.now() < endsAt || figures.requests < LEAST_REQUESTS) &&
      !hasEnded &&
      violations.length < VIOLATION_LIMIT
    ) {
      const sent = Array.from({ length: 1 + random.below(LARGEST_BATCH) }, () => {
        return mutate(random, makeRequest(random, belongings))
      })
      figures.requests += sent.length
      figures.connections++
      const received = await exchange(server.url, sent, random)
      for (const answer of answersIn(received, (fault) => seen(`${fault} to ${show(sent)}`))) {
        figures.answers++
        if (answer.status >= 200 && answer.status < 300) figures['of them 2xx']++
        const fault = faultOf(answer)
        if (fault !== undefined) seen(`${fault} to ${show(sent)}`)
      }
      // They die of it, by and by.
      if (random.oneIn(100) && !hasEnded) Object.assign(belongings, await makeBelongings(wire, key))
    }
  }
  try {
    await Promise.all(Array.from({ length: WORKERS }, () => work(random.fork())))
    const after = await readSession(wire, witness)
    if (after !== before) seen(`the witness changed from ${before} to ${after}`)
  } catch (error) {
    seen(String(error))
  }
  wire.close()
  if (hasEnded) seen('the process has ended')
  for (const line of server.stderr().split('\n')) {
    // Sweeps are told of, and wrong keys warned of; anything else is a fault.
    if (line !== '' && !/"level":"(?:info|warn)"/.test(line)) seen(`it logged ${line}`)
  }
  return { violations, figures }
}

/** Sends all of it at once, in pieces, or not to the end; resolves with all that comes back. */
async function exchange(url: string, sent: readonly Buffer[], random: Random): Promise<Buffer> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  const chunks: Buffer[] = []
  const closed = once(socket, 'close').catch(() => {})
  let timer = setTimeout(() => socket.destroy(), CLOSE_LIMIT_MS)
  const endSoon = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      socket.end()
      timer = setTimeout(() => socket.destroy(new Error('late')), CLOSE_LIMIT_MS)
    }, PATIENCE_MS)
  }
  let late = false
  socket.on('error', (error) => (late ||= error.message === 'late'))
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    endSoon()
  })
  // The last one asks to close, if those before it are whole.
  const bytes = Buffer.concat([...sent, LAST_REQUEST])
  if (random.oneIn(20)) await sendInPieces(socket, bytes, random)
  else socket.write(bytes)
  if (random.oneIn(50)) socket.destroy()
  else endSoon()
  await closed
  clearTimeout(timer)
  if (late) throw new Error(`A connection was never closed after ${show(sent)}`)
  return Buffer.concat(chunks)
}

const LAST_REQUEST = Buffer.from(
  'GET /session?touch=false HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
)

async function sendInPieces(socket: Socket, bytes: Buffer, random: Random): Promise<void> {
  for (let at = 0; at < bytes.length && socket.writable;) {
    const piece = bytes.subarray(at, at + 1 + random.below(200))
    at += piece.length
    await new Promise((resolve) => socket.write(piece, resolve))
  }
}

function answersIn(received: Buffer, onFault: (fault: string) => void): StreamAnswer[] {
  const answers: StreamAnswer[] = []
  let rest = received
  try {
    while (rest.length > 0) {
      const taken = takeAnswer(rest)
      // Cut off with its connection, as one can be that the client has closed.
      if (taken === undefined) break
      answers.push(taken.answer)
      rest = taken.rest
    }
  } catch (error) {
    onFault(String(error))
  }
  return answers
}

function faultOf({ status, headers, body }: StreamAnswer): string | undefined {
  if (status >= 500) return `answered ${status} ${body}`
  if (status < 200) return undefined
  for (const [name, value] of Object.entries(EXPECTED_HEADERS)) {
    if (headers.get(name) !== value) return `answered ${status} with ${name}: ${headers.get(name)}`
  }
  const type = headers.get('content-type') ?? ''
  if (status >= 400 && type !== 'application/problem+json') return `refused as ${type}: ${body}`
  if (type.includes('json')) {
    try {
      const parsed: unknown = JSON.parse(body.toString())
      if (status < 400) return undefined
      const told = parsed !== null && typeof parsed === 'object' && 'status' in parsed
      if (!told || parsed.status !== status) return `refused ${status} as ${body}`
    } catch {
      return `answered ${status} with JSON that is none: ${body.subarray(0, 200)}`
    }
  }
  return undefined
}

const EXPECTED_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

async function makeBelongings(wire: RawClient, key: string): Promise<Belongings> {
  const authorization = `Authorization: Bearer ${key}`
  const cookies = await Promise.all([signIn(wire), signIn(wire), signIn(wire)])
  const id = `chosen-by-the-fuzzer-${cookies[0].slice(4, 12)}`
  await wire.ask(
    bytesOf('PUT', `/sessions/${id}`, {
      headers: [authorization],
      body: '{"data":{"hits":1}}',
    }),
  )
  return { key, cookies, ids: [id, cookies[1].slice('sid='.length).split('.')[0] ?? ''] }
}

async function signIn(wire: RawClient): Promise<string> {
  const answer = await wire.ask(bytesOf('PUT', '/session/user', { body: '"untouched"' }))
  const cookie = answer.headers.get('set-cookie')?.split(';', 1)[0]
  if (cookie === undefined) throw new Error(`PUT /session/user is ${answer.status}`)
  return cookie
}

async function readSession(wire: RawClient, cookie: string): Promise<string> {
  const headers = [`Cookie: ${cookie}`]
  const { status, body } = await wire.ask(bytesOf('GET', '/session?touch=false', { headers }))
  return `${status} ${body}`
}

function show(sent: readonly Buffer[]): string {
  return JSON.stringify(Buffer.concat(sent).toString('latin1').slice(0, 3_000))
}

/** The client for load: raw sockets, as cheap as they can be, and threads that keep many of them busy. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

export type LoadConnection = {
  /** Sends a whole request, of which the answer before must be there; resolves with the status. */
  ask(request: string): Promise<number>
  close(): void
}

export async function openLoadConnection(port: number): Promise<LoadConnection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let received = ''
  let waiting: PromiseWithResolvers<number> | undefined
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    received += text
    const head = received.indexOf('\r\n\r\n')
    if (head === -1) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? '0')
    if (received.length < head + 4 + length) return
    const status = Number(received.slice(9, 12))
    received = ''
    waiting?.resolve(status)
  })
  const lost = () => waiting?.reject(new Error('The server closed the connection'))
  socket.on('error', lost).on('close', lost)
  return {
    ask(request) {
      waiting = Promise.withResolvers()
      if (socket.destroyed) lost()
      else socket.write(request)
      return waiting.promise
    },
    close: () => socket.destroy(),
  }
}

/** The text of a request with a session's cookie. */
export function requestText(line: string, cookie: string, body = ''): string {
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`
  return `${line} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n${length}\r\n${body}`
}

export function getUser(cookie: string): string {
  return requestText('GET /session/user', cookie)
}

let values = 0

/** Each is of another value: what changes nothing is not written. */
export function putUser(cookie: string): string {
  return requestText('PUT /session/user', cookie, `"ada ${values++ % 1_000}"`)
}

/** Some, to be sent in turn. */
export function putUsers(cookie: string): readonly string[] {
  return Array.from({ length: 100 }, () => putUser(cookie))
}

/** Over so many connections, until `next` has no more; throws for an answer that is no 2xx. */
export async function sendAll(
  port: number,
  connections: number,
  next: () => string | undefined,
): Promise<void> {
  const work = async () => {
    const connection = await openLoadConnection(port)
    try {
      for (let request = next(); request !== undefined; request = next()) {
        const status = await connection.ask(request)
        if (status >= 300) throw new Error(`A request was answered with ${status}`)
      }
    } finally {
      connection.close()
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
}

/** As many requests as the answers let through, over a given number of connections. */
export type Flood = {
  readonly port: number
  readonly connections: number
  /** Each connection sends them in turn, over and over. */
  readonly requests: readonly string[]
}

export type Flooded = {
  readonly accepted: number
  /** Answers with 503, of which so many lack `Retry-After`. */
  readonly shed: number
  readonly shedWithoutRetry: number
  /** Of the connections that were told 503 before they had asked. */
  readonly shedConnections: number
  /** Answers that are neither. */
  readonly others: readonly string[]
  /** Of the accepted, in milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** Whoever has its answer asks again at once, whoever is closed comes back. */
export function startFlood(flood: Flood): { stop(): Promise<Flooded> } {
  return startThread({ flood })
}

/** What it measures is the milliseconds that each answer has taken. */
export type Pace = {
  readonly port: number
  readonly connections: number
  readonly perSecond: number
  /** Several are sent in turn. */
  readonly request: string | readonly string[]
}

/**
 * Requests at a steady pace, whatever the server's answers take: one that is due while all
 * connections wait for theirs is sent late, and its time counts from when it was due.
 */
export function startPacedLoad(pace: Pace): { stop(): Promise<Float64Array> } {
  return startThread({ pace })
}

/** The value that so large a share of all is at or under; NaN of none. */
export function percentile(values: Float64Array | readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

type Load = { readonly flood: Flood } | { readonly pace: Pace }

const COME_BACK_MS = 20

/** In a thread of its own, so that nothing else that is measured holds it up. */
function startThread<Result>(load: Load): { stop(): Promise<Result> } {
  const thread = new Worker(new URL(import.meta.url), { workerData: { load } })
  const result = new Promise<Result>((resolve, reject) => {
    thread.on('message', resolve).on('error', reject)
  })
  // Whoever stops it is told.
  result.catch(() => {})
  return {
    async stop() {
      thread.postMessage('stop')
      const given = await result
      await thread.terminate()
      return given
    },
  }
}

const load: Load | undefined = isMainThread ? undefined : workerData?.load
if (load !== undefined && 'flood' in load) runFlood(load.flood)
if (load !== undefined && 'pace' in load) await keepPace(load.pace)

function runFlood({ port, connections, requests }: Flood): void {
  const counts = { accepted: 0, shed: 0, shedWithoutRetry: 0, shedConnections: 0 }
  const others = new Set<string>()
  const times: number[] = []
  let stopping = false
  parentPort?.once('message', () => {
    stopping = true
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
    parentPort?.postMessage({ ...counts, others: [...others], p50, p99 })
  })

  function open(turn: number): void {
    let asked = turn
    let began = performance.now()
    let answers = 0
    let received = ''
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const ask = () => {
      began = performance.now()
      socket.write(requests[asked++ % requests.length] ?? '')
    }
    socket.setEncoding('latin1')
    socket.on('connect', ask)
    socket.on('error', () => {})
    socket.on('close', () => {
      if (!stopping) setTimeout(open, COME_BACK_MS, asked)
    })
    socket.on('data', (text: string) => {
      received += text
      const head = received.indexOf('\r\n\r\n')
      if (head === -1) return
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? '0')
      if (received.length < head + 4 + length) return
      const status = Number(received.slice(9, 12))
      const closes = /\r\nconnection: close\r\n/i.test(received)
      if (status < 300) {
        counts.accepted++
        times.push(performance.now() - began)
      } else if (status === 503) {
        counts.shed++
        if (!/\r\nretry-after: \d/i.test(received)) counts.shedWithoutRetry++
        if (answers === 0 && closes) counts.shedConnections++
      } else {
        others.add(received.slice(0, head))
      }
      answers++
      received = ''
      if (stopping || closes) socket.destroy()
      else ask()
    })
  }
  for (let n = 0; n < connections; n++) open(n)
}

async function keepPace({ port, connections, perSecond, request }: Pace): Promise<void> {
  const idle = await Promise.all(
    Array.from({ length: connections }, () => openLoadConnection(port)),
  )
  const requests = [request].flat()
  let asked = 0
  const dueTimes: number[] = []
  const times: number[] = []
  const began = performance.now()
  let due = 0
  let stopping = false
  parentPort?.once('message', () => (stopping = true))

  async function send(connection: LoadConnection, dueTime: number): Promise<void> {
    const status = await connection.ask(requests[asked++ % requests.length] ?? '')
    if (status >= 300) throw new Error(`A request was answered with ${status}`)
    times.push(performance.now() - dueTime)
    idle.push(connection)
    dispatch()
  }

  function dispatch(): void {
    while (idle.length > 0 && dueTimes.length > 0) {
      // In turn: the server closes a connection over which no request comes.
      const [connection, dueTime] = [idle.shift(), dueTimes.shift()]
      if (connection !== undefined && dueTime !== undefined) void send(connection, dueTime)
    }
  }

  while (!stopping || dueTimes.length > 0 || idle.length < connections) {
    const now = performance.now()
    for (; !stopping && began + (due * 1000) / perSecond <= now; due++) dueTimes.push(now)
    dispatch()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (const connection of idle) connection.close()
  parentPort?.postMessage(new Float64Array(times))
}

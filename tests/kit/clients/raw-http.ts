/**
 * The raw client: bytes out, bytes in, answers read by one parser; and the app behind real sockets.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { forwardAuth } from '../../../lib/http/routes/verify.ts'
import { type HttpServerOptions, startHttpServer } from '../../../lib/http/server/server.ts'
import { type StreamAnswer, takeAnswer } from './stream-answer.ts'
import type { Sent } from './http-client.ts'
import { openServer, type ServerOptions } from '../process/open-server.ts'

/** The app behind real sockets, to which a test sends bytes; on a free port of its own. */
export async function listenRaw(given: Partial<HttpServerOptions> & ServerOptions = {}) {
  const { app, metrics, store, clock, sessions, database } = openServer(given)
  const server = await startHttpServer({
    app,
    forwardAuth,
    address: { host: '127.0.0.1', port: 0 },
    headerLimitBytes: 16_384,
    headerTimeoutMs: 5_000,
    requestTimeoutMs: 15_000,
    keepAliveTimeoutMs: 5_000,
    maxConnections: 100,
    counts: metrics.http,
    ...given,
  })
  const port = Number(new URL(server.url).port)

  /** A connection that does not close its side by itself when the server does. */
  async function open(): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return socket
  }

  return {
    url: server.url,
    metrics,
    store,
    clock,
    sessions,
    database,
    open,
    /** How many sessions there are: whether a write has happened. */
    countSessions: () => Number(database.prepare('select count(*) from sessions').pluck().get()),
    stop: (graceMs = 1_000) => server.stop(graceMs),
    /** Sends these bytes on a connection of their own and answers all that comes back until it closes. */
    async send(bytes: string | Buffer): Promise<string> {
      const socket = await open()
      socket.write(bytes)
      const answer = await readToEnd(socket)
      socket.destroy()
      return answer
    },
  }
}

/** All bytes until the server closes its side, a byte a character. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  await once(socket, 'end')
  return text
}

/** `GET /session/user HTTP/1.1`, a Host, and the lines given; the server closes after its answer. */
export function rawRequest(line: string, headers: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const lines = [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...length, ...headers]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

export type RawAnswer = {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** What came after this answer. */
  readonly rest: string
}

/** The one answer that these bytes, a byte a character, begin with; its body is there as far as they go. */
export function parseAnswer(bytes: string): RawAnswer {
  const taken = takeAnswer(Buffer.from(bytes, 'latin1'), { isWhole: true })
  if (taken === undefined) throw new Error(`Cannot read an answer: ${JSON.stringify(bytes)}`)
  const { answer, rest } = taken
  return { ...answer, body: answer.body.toString('latin1'), rest: rest.toString('latin1') }
}

/** `400 bad_request` for a refusal that is whole: a problem, with the connection closed. */
export function refusalIn(bytes: string): string {
  const { status, headers, body, rest } = parseAnswer(bytes)
  if (headers.get('content-type') !== 'application/problem+json')
    return `${status} without a problem`
  if (headers.get('connection') !== 'close') return `${status} without Connection: close`
  if (rest !== '') return `${status} and more: ${rest}`
  const problem: { status: number; code: string } = JSON.parse(body)
  return `${problem.status === status ? status : 'another status'} ${problem.code}`
}

export type RawClient = {
  /** Sends these bytes, as no client library would, and resolves with the first answer to them. */
  ask(bytes: Buffer | string): Promise<StreamAnswer>
  close(): void
}

/** `name: value` lines, and a body whose length is told; a string is a byte a character. */
export type BytesRequest = {
  readonly headers?: readonly (string | Buffer)[]
  readonly body?: string | Buffer
}

const ANSWER_LIMIT_MS = 20_000

/** A client of a running server; a connection is used again unless the server closes it. */
export function openRawClient(url: string): RawClient {
  const { hostname, port } = new URL(url)
  const idle: Socket[] = []
  const open = new Set<Socket>()

  async function openSocket(): Promise<Socket> {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    open.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => open.delete(socket))
    await once(socket, 'connect')
    return socket
  }

  return {
    async ask(bytes) {
      let socket = idle.pop()
      while (socket?.destroyed === true || socket?.readable === false) socket = idle.pop()
      socket ??= await openSocket()
      const used = socket
      // A socket that is destroyed is closed, which ends the wait.
      const timer = setTimeout(() => used.destroy(), ANSWER_LIMIT_MS)
      const answered = readAnswer(used)
      used.write(typeof bytes === 'string' ? latin1(bytes) : bytes)
      const read = await answered.finally(() => clearTimeout(timer))
      if (read === undefined)
        throw new Error(
          `No answer: the connection was closed, or none came in ${ANSWER_LIMIT_MS} ms`,
        )
      const { answer, isClean } = read
      if (isClean && answer.headers.get('connection') !== 'close') idle.push(socket)
      else socket.destroy()
      return answer
    },
    close() {
      for (const socket of open) socket.destroy()
    },
  }
}

/** `GET /session HTTP/1.1` and what belongs to it, in the bytes given. */
export function bytesOf(
  method: string,
  target: string | Buffer,
  { headers = [], body = '' }: BytesRequest = {},
): Buffer {
  const bodyBytes = latin1(body)
  return Buffer.concat([
    latin1(`${method} `),
    latin1(target),
    latin1(` HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bodyBytes.length}\r\n`),
    ...headers.flatMap((header) => [latin1(header), latin1('\r\n')]),
    latin1('\r\n'),
    bodyBytes,
  ])
}

export type RawConnection = {
  /**
   * Sends a request, on a new socket where none is open; resolves with its whole answer, or with
   * undefined where the connection could not be made or ended before the answer was whole.
   */
  ask(line: string, sent?: Sent): Promise<RawAnswer | undefined>
  /** The client's end of the socket that was used last: it tells its answers in a trace. */
  port(): number
  /** The kernel has taken all of a request, and its answer is not here yet. */
  isWaiting(): boolean
  close(): void
}

/** One connection to a running server, one request at a time. */
export function openConnection(url: string): RawConnection {
  const { hostname: host, port } = new URL(url)
  let socket: Socket | undefined
  let localPort = 0
  let waiting = false

  async function open(): Promise<Socket> {
    const opened = connect({ host, port: Number(port), noDelay: true })
    await once(opened, 'connect')
    localPort = opened.localPort ?? 0
    const forget = () => {
      if (socket === opened) socket = undefined
    }
    // A socket that fails is closed by itself; whoever waits on it hears of that.
    opened.on('error', () => {}).once('end', forget)
    opened.once('close', forget)
    return opened
  }

  return {
    async ask(line, sent = {}) {
      try {
        socket ??= await open()
      } catch {
        return undefined
      }
      const used = socket
      const answered = readAnswer(used)
      used.write(renderSent(line, sent))
      waiting = used.writableLength === 0
      const read = await answered
      waiting = false
      if (read?.answer.headers.get('connection') === 'close' && socket === used) {
        socket = undefined
        used.destroy()
      }
      return read && { ...read.answer, body: read.answer.body.toString('latin1'), rest: '' }
    },
    port: () => localPort,
    isWaiting: () => waiting,
    close: () => socket?.destroy(),
  }
}

function renderSent(line: string, { body = '', cookie, key, headers = {} }: Sent): Buffer {
  const [method = '', target = ''] = line.split(' ')
  return bytesOf(method, target, {
    headers: [
      ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]),
      ...(key === undefined ? [] : [`Authorization: Bearer ${key}`]),
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ],
    body: Buffer.from(body),
  })
}

/** `isClean`: nothing came after the answer, so that the connection can be used again. */
type ReadAnswer = { readonly answer: StreamAnswer; readonly isClean: boolean }

/** The next answer on the socket; undefined where it is closed before. Rejects what is no answer. */
function readAnswer(socket: Socket): Promise<ReadAnswer | undefined> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    const stop = () => socket.off('data', onData).off('close', onClose)
    const onClose = () => {
      stop()
      resolve(undefined)
    }
    const onData = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      try {
        const taken = takeAnswer(received)
        if (taken === undefined) return
        stop()
        resolve({ answer: taken.answer, isClean: taken.rest.length === 0 })
      } catch (error) {
        stop()
        reject(error)
      }
    }
    if (socket.destroyed) resolve(undefined)
    else socket.on('data', onData).on('close', onClose)
  })
}

function latin1(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text
}

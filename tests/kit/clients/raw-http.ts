import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { forwardAuth } from '../../../lib/http/routes/verify.ts'
import { type HttpServerOptions, startHttpServer } from '../../../lib/http/server/server.ts'
import { openServer, type ServerOptions } from '../process/open-server.ts'

/** The app behind real sockets, to which a test sends bytes; on a free port of its own. */
export async function listenRaw(given: Partial<HttpServerOptions> & ServerOptions = {}) {
  const { app, store, clock, sessions, database } = openServer(given)
  const server = await startHttpServer({
    app,
    forwardAuth,
    address: { host: '127.0.0.1', port: 0 },
    headerLimitBytes: 16_384,
    headerTimeoutMs: 5_000,
    requestTimeoutMs: 15_000,
    keepAliveTimeoutMs: 5_000,
    maxConnections: 100,
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
    store,
    clock,
    sessions,
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

/** One answer out of the bytes; its body is as long as it says, or all where it does not say. */
export function parseAnswer(bytes: string): RawAnswer {
  const headEnd = bytes.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = bytes.slice(0, headEnd).split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    }),
  )
  const status = Number(statusLine.split(' ')[1])
  const start = headEnd + 4
  const length = Number(headers.get('content-length') ?? (status === 204 ? 0 : Infinity))
  return {
    status,
    headers,
    body: bytes.slice(start, start + length),
    rest: bytes.slice(start + length),
  }
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

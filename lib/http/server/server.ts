import { statSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { CoatcheckError } from '../../base/errors.ts'
import type { Refusal } from '../answer/problem.ts'
import { asListenError } from './listen-error.ts'
import type { AppEnv } from '../app-env.ts'
import { passOver } from '../request/body.ts'
import {
  answerRefusal,
  answerSocket,
  createGuard,
  type ForwardAuth,
  refusalForParser,
  TIMED_OUT,
} from './guard.ts'
import { createPipelining } from './pipelining.ts'
import { limitSlowReaders } from './slow-readers.ts'
import { createTurnTaking } from './turn-taking.ts'

export type HttpServerOptions = {
  readonly app: Hono<AppEnv>
  readonly forwardAuth: ForwardAuth
  readonly address: ListenAddress
  readonly headerLimitBytes: number
  readonly headerTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxConnections: number
}

export type ListenAddress =
  { readonly host: string; readonly port: number } | { readonly path: string }

export type HttpServer = {
  /** `http://127.0.0.1:7377` or `unix:/run/coatcheck.sock`. */
  readonly url: string
  /**
   * Takes no new connections, answers every request that was sent before, and resolves when all
   * connections are closed; cuts those that are open after `graceMs`.
   */
  stop(graceMs: number): Promise<void>
}

/** Node's default is 30 s. */
// control: time-limit-check
const TIME_LIMIT_CHECK_MS = 1_000

/** Host of a request without one: a name that no page comes from (RFC 6761 section 6.4). */
const NO_HOST = 'no-host.invalid'

/** Refusing a client and closing its connection takes some 70 µs. */
const GIVEN_UP_PER_TURN = 32

/** Requests that may wait, over all connections, for the responses before theirs. */
const MAX_PIPELINED_REQUESTS = 10_000

/**
 * Connections that may wait in the kernel; Linux cuts it to `net.core.somaxconn`, by default 4096.
 * Clients of a larger burst (Node's default is 511) try again a second later.
 */
const BACKLOG = 4_096

/** The part of a stop's time for clients that keep connecting. */
const READING_PART = 0.25

/** Resolves once it listens; rejects with a `ListenError` where it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const listener = getRequestListener(options.app.fetch, { hostname: NO_HOST })
  const { forwardAuth } = options
  const guard = createGuard(forwardAuth)
  let stopping = false
  /** Refused connections: what still comes on them is dropped. */
  const refused = new WeakSet<Socket>()
  const pipelining = createPipelining(MAX_PIPELINED_REQUESTS)
  const inTurns = createTurnTaking(GIVEN_UP_PER_TURN)

  class Answer extends ServerResponse {
    override writeHead(status: number, ...rest: never[]): this {
      // Tells the client to close, so that no request is lost with the connection.
      if (stopping) this.shouldKeepAlive = false
      // A GET rarely has a body, and Node has not parsed its end when the response is immediate.
      if (!this.req.complete) {
        if (this.req.method !== 'GET') passOver(this.req)
        // nginx's auth request for a POST is a GET with the POST's length and no body: the next
        // request on the connection would be taken for the body.
        // control: announced-body
        else if (announcesBody(this.req)) this.shouldKeepAlive = false
      }
      return super.writeHead(status, ...rest)
    }
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    // control: nothing-after-refusal
    if (refused.has(request.socket)) return
    // control: request-refusal
    const refusal = guard.refuseRequest(request)
    if (refusal === undefined) {
      // control: pipelining-in-turn
      pipelining.inTurn(request, response, () => void listener(request, response))
    } else {
      refused.add(request.socket)
      answerRefusal(response, refusalAt(forwardAuth, request.url, refusal))
    }
  }

  const server = createServer(
    {
      // Node refuses headers of this size; our limit is the largest size accepted.
      // control: header-limit
      maxHeaderSize: options.headerLimitBytes + 1,
      // control: headers-timeout
      headersTimeout: options.headerTimeoutMs,
      // control: request-timeout
      requestTimeout: options.requestTimeoutMs,
      keepAliveTimeout: options.keepAliveTimeoutMs,
      connectionsCheckingInterval: TIME_LIMIT_CHECK_MS,
      noDelay: true,
      // The guard checks it, and refuses with a problem.
      requireHostHeader: false,
      ServerResponse: Answer,
    },
    serve,
  )
  // The body reader sends `100 Continue`. RFC 9110 section 10.1.1: other expectations may be
  // ignored.
  server.on('checkContinue', serve)
  server.on('checkExpectation', serve)
  // A client that has closed its side may still read its responses. Node's types lack this option.
  // control: half-open
  Object.assign(server, { httpAllowHalfOpen: true })
  server.on('clientError', (error: ParserError, socket: Socket) => {
    // Browsers and proxies connect in advance, and expect no response to that.
    // control: silent-connection
    const isSilent = error.code === TIMED_OUT && socket.bytesRead === 0
    if (!socket.writable || error.code === 'ECONNRESET' || isSilent) {
      socket.destroy()
      return
    }
    if (refused.has(socket)) return
    refused.add(socket)
    // Leaves further bytes in the kernel: here they would fill the memory.
    socket.pause()
    // Sent at once, it would be taken for the response to an earlier request.
    // control: answers-in-order
    pipelining.afterAnswers(socket, () => inTurns(() => giveUp(socket, error, forwardAuth)))
  })
  limitConnections(server, options.maxConnections, refused)
  limitSlowReaders(server, options.requestTimeoutMs, TIME_LIMIT_CHECK_MS)
  await listen(server, options.address)
  // Failing to accept one client, for want of file descriptors say, is no reason to stop.
  server.on('error', () => {})

  return {
    url: urlOf(server, options.address),
    async stop(graceMs) {
      stopping = true
      await close(server, graceMs)
    },
  }
}

async function close(server: Server, graceMs: number): Promise<void> {
  const endsAt = performance.now() + graceMs
  await readWhatHasCome(server, graceMs * READING_PART)
  await new Promise<void>((resolve) => {
    const left = Math.max(0, endsAt - performance.now())
    const timer = setTimeout(() => server.closeAllConnections(), left)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    // control: stop-closes-idle
    server.closeIdleConnections()
  })
}

/**
 * Reads what clients have sent already: it is in the kernel, and closing would drop it. The event
 * loop takes one new connection a turn, and its bytes in the next.
 */
async function readWhatHasCome(server: Server, forMs: number): Promise<void> {
  const endsAt = performance.now() + forMs
  let quietTurns = 0
  const count = () => (quietTurns = 0)
  server.on('connection', count)
  for (let turn = 0; turn < BACKLOG && quietTurns < 3; turn++, quietTurns++) {
    if (performance.now() > endsAt) break
    await new Promise((resolve) => setImmediate(resolve))
  }
  server.off('connection', count)
}

function giveUp(socket: Socket, error: ParserError, forwardAuth: ForwardAuth): void {
  // Closing with bytes unread would reset the connection and lose the response.
  socket.resume()
  if (!socket.writable) return
  const refusal = refusalForParser(error.code)
  answerSocket(socket, refusalAt(forwardAuth, targetOf(error), refusal))
  // Late bytes must not complete a request that was refused.
  // control: given-up-is-closed
  if (refusal.code === 'request_timeout') socket.destroySoon()
}

function announcesBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined
}

type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer }

const START_LINE = /^[A-Z]+ (\S+) HTTP/
const START_LINE_LIMIT_BYTES = 8_192

/** The target of a request that was refused, if the last bytes contain it. */
function targetOf({ rawPacket }: ParserError): string | undefined {
  return START_LINE.exec(rawPacket?.toString('latin1', 0, START_LINE_LIMIT_BYTES) ?? '')?.[1]
}

/** A proxy knows two answers only, whatever its client has sent. */
function refusalAt(
  forwardAuth: ForwardAuth,
  target: string | undefined,
  refusal: Refusal,
): Refusal {
  return forwardAuth.isTarget(target) ? forwardAuth.refuse(refusal.code) : refusal
}

async function listen(server: Server, address: ListenAddress): Promise<void> {
  try {
    // A server that was killed leaves its socket file behind.
    if ('path' in address && (await isAbandoned(address.path))) unlinkSync(address.path)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ ...address, backlog: BACKLOG }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    throw asListenError(address, error)
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  if (!statSync(path, { throwIfNoEntry: false })?.isSocket()) return false
  return await new Promise((resolve) => {
    const probe = connect({ path })
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
}

/** Refuses and closes connections over the limit, before they have sent anything. */
function limitConnections(server: Server, maxConnections: number, refused: WeakSet<Socket>): void {
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    socket.once('close', () => connections--)
    // control: max-connections
    if (connections <= maxConnections) return
    refused.add(socket)
    answerSocket(
      socket,
      new CoatcheckError(
        'overloaded',
        `Cannot take another connection: ${maxConnections} are open (--max-connections)`,
      ),
    )
  })
}

function urlOf(server: Server, wanted: ListenAddress): string {
  const address = server.address()
  if ('path' in wanted || address === null || typeof address === 'string') return `unix:${address}`
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

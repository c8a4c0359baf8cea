import { statSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { connect, Server as NetServer, type Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { CoatcheckError } from '../../base/errors.ts'
import type { Refusal } from '../answer/problem.ts'
import type { HttpCounts } from '../../metrics/http-counts.ts'
import { asListenError, type ListenFlags } from './listen-error.ts'
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
import { metricRouteOf } from './metric-routes.ts'
import { gatherAnswers } from './answer-gathering.ts'
import { createPipelining } from './pipelining.ts'
import { limitSlowReaders } from './slow-readers.ts'
import { createTurnTaking } from './turn-taking.ts'

export type HttpServerOptions = {
  readonly app: Hono<AppEnv>
  /** The route for proxies, where this server has it. */
  readonly forwardAuth?: ForwardAuth
  readonly address: ListenAddress
  /** The flags that say where, for errors. */
  readonly flags?: ListenFlags
  readonly headerLimitBytes: number
  readonly headerTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxConnections: number
  readonly counts: HttpCounts
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
const ACCEPTING_PART = 0.25
/** Of the event loop, without a new connection: then what has come is read. */
const QUIET_TURNS = 3

/** Resolves once it listens; rejects with a `ListenError` where it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const listener = getRequestListener(options.app.fetch, { hostname: NO_HOST })
  const { forwardAuth, counts } = options
  const guard = createGuard(forwardAuth)
  let stopping: 'accepts' | 'accepts none' | undefined
  /** Requests that wait while the server stops listening. */
  let held: (() => void)[] | undefined
  /** Refused connections: what still comes on them is dropped. */
  const refused = new WeakSet<Socket>()
  const pipelining = createPipelining(MAX_PIPELINED_REQUESTS)
  const inTurns = createTurnTaking(GIVEN_UP_PER_TURN)

  class Answer extends ServerResponse {
    readonly #beganAt = performance.now()

    override writeHead(status: number, ...rest: never[]): this {
      const { method = '', url } = this.req
      const seconds = (performance.now() - this.#beganAt) / 1_000
      counts.answered(metricRouteOf(url), method, status, seconds)
      // Tells the client to close, so that no request is lost with the connection. Who has a parallel one comes
      // again at once, and is told when no connection is accepted any more.
      const isTold = stopping === 'accepts' ? !pipelining.isParallel(this) : stopping !== undefined
      if (isTold && pipelining.mayClose(this)) this.shouldKeepAlive = false
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
    if (held !== undefined) return void held.push(() => serve(request, response))
    // control: request-refusal
    const refusal = guard.refuseRequest(request)
    if (refusal === undefined) {
      // control: pipelining-in-turn
      pipelining.inTurn(request, response, () => void listener(request, response))
    } else {
      refused.add(request.socket)
      const told = refusalAt(forwardAuth, request.url, refusal)
      counts.problem(told.code)
      answerRefusal(response, told)
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
  server.on('connection', (socket) => gatherAnswers(socket, pipelining.isFollowed))
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
    pipelining.afterAnswers(socket, () => inTurns(() => giveUp(socket, error, options)))
  })
  limitConnections(server, options, refused)
  limitSlowReaders(server, options.requestTimeoutMs, TIME_LIMIT_CHECK_MS)
  await listen(server, options)
  // Failing to accept one client, for want of file descriptors say, is no reason to stop.
  server.on('error', () => {})

  return {
    url: urlOf(server, options.address),
    async stop(graceMs) {
      const endsAt = performance.now() + graceMs
      // Whoever is answered may come again, and a connection that is made just before the listening socket is
      // closed is lost with it: its client could not know whether its request was done.
      held = []
      stopping = 'accepts'
      await acceptWhatHasCome(server, graceMs * ACCEPTING_PART)
      const closed = stopListening(server)
      stopping = 'accepts none'
      const all = held
      held = undefined
      for (const serveHeld of all) serveHeld()
      await turns(QUIET_TURNS)
      pipelining.dismissIdle()
      // control: stop-closes-idle
      server.closeIdleConnections()
      const left = Math.max(0, endsAt - performance.now())
      const timer = setTimeout(() => server.closeAllConnections(), left)
      await closed
      clearTimeout(timer)
      server.close()
    },
  }
}

/** Idle connections stay open, where `server.close` would close them. Resolves when the last one is closed. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    NetServer.prototype.close.call(server, () => resolve())
  })
}

/**
 * Accepts the connections that clients have made already, and reads what they have sent: it is in the kernel,
 * and closing would drop it. The event loop takes one new connection a turn, and its bytes in the next.
 */
async function acceptWhatHasCome(server: Server, forMs: number): Promise<void> {
  const endsAt = performance.now() + forMs
  let quietTurns = 0
  const count = () => (quietTurns = 0)
  server.on('connection', count)
  for (let turn = 0; turn < BACKLOG && quietTurns < QUIET_TURNS; turn++, quietTurns++) {
    if (performance.now() > endsAt) break
    await turns(1)
  }
  server.off('connection', count)
}

/** Of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function giveUp(
  socket: Socket,
  error: ParserError,
  { forwardAuth, counts }: Pick<HttpServerOptions, 'forwardAuth' | 'counts'>,
): void {
  // Closing with bytes unread would reset the connection and lose the response.
  socket.resume()
  if (!socket.writable) return
  const refusal = refusalForParser(error.code)
  const told = refusalAt(forwardAuth, targetOf(error), refusal)
  counts.refused(told.code)
  answerSocket(socket, told)
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
  forwardAuth: ForwardAuth | undefined,
  target: string | undefined,
  refusal: Refusal,
): Refusal {
  return forwardAuth?.isTarget(target) ? forwardAuth.refuse(refusal.code) : refusal
}

async function listen(
  server: Server,
  { address, flags }: Pick<HttpServerOptions, 'address' | 'flags'>,
): Promise<void> {
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
    throw asListenError(address, error, flags)
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
function limitConnections(
  server: Server,
  { maxConnections, counts }: Pick<HttpServerOptions, 'maxConnections' | 'counts'>,
  refused: WeakSet<Socket>,
): void {
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    counts.opened()
    socket.once('close', () => {
      connections--
      counts.closed()
    })
    // control: max-connections
    if (connections <= maxConnections) return
    refused.add(socket)
    counts.refused('overloaded')
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

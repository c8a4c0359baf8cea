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
import { isVerify, sessionRequired } from '../routes/verify-route.ts'
import { answerRefusal, answerSocket, refusalForParser, refuseRequest, TIMED_OUT } from './guard.ts'
import { createPipelining } from './pipelining.ts'
import { limitSlowReaders } from './slow-readers.ts'
import { createTurnTaking } from './turn-taking.ts'

export type HttpServerOptions = {
  readonly app: Hono<AppEnv>
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
  /** Where it listens, as `curl` wants it: `http://127.0.0.1:7377` or `unix:/run/coatcheck.sock`. */
  readonly url: string
  /**
   * Takes no new connections, lets every request be answered that was sent before, and resolves when
   * all connections are closed: those that stay open after `graceMs` are cut.
   */
  stop(graceMs: number): Promise<void>
}

/** Node looks at its time limits only every 30 s unless told otherwise. */
const TIME_LIMIT_CHECK_MS = 1_000

/** Whom a request without a Host is for: a name that no page is from (RFC 6761 section 6.4). */
const NO_HOST = 'no-host.invalid'

/** To tell a client that it is given up, and to close, takes some 70 µs. */
const GIVEN_UP_PER_TURN = 32

/** How many requests wait at most, over all connections, for the answers before theirs. */
const MAX_PIPELINED_REQUESTS = 10_000

/**
 * How many connections wait in the kernel at most; Linux cuts it to its `net.core.somaxconn`, 4096 as
 * it comes. Of a burst that is larger (Node's own default is 511), clients try again a second later.
 */
const BACKLOG = 4_096

/** Of the time that a stop has, clients that keep coming get this part and no more. */
const READING_PART = 0.25

/** Resolves once it listens; rejects with a `ListenError` where it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const listener = getRequestListener(options.app.fetch, { hostname: NO_HOST })
  let stopping = false
  /** Connections that were told to go: what still comes on them is not even looked at. */
  const refused = new WeakSet<Socket>()
  const pipelining = createPipelining(MAX_PIPELINED_REQUESTS)
  const inTurns = createTurnTaking(GIVEN_UP_PER_TURN)

  class Answer extends ServerResponse {
    override writeHead(status: number, ...rest: never[]): this {
      // Tells the client to close: no request must come into a closing door.
      if (stopping) this.shouldKeepAlive = false
      // A GET has no body as a rule, and Node has not found its end when it is answered at once.
      if (!this.req.complete) {
        if (this.req.method !== 'GET') passOver(this.req)
        // nginx asks about a POST in a GET with that one's length, and sends no body unless told better:
        // what comes next on the connection would be taken for it.
        else if (announcesBody(this.req)) this.shouldKeepAlive = false
      }
      return super.writeHead(status, ...rest)
    }
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    if (refused.has(request.socket)) return
    const refusal = refuseRequest(request)
    if (refusal === undefined) {
      pipelining.inTurn(request, response, () => void listener(request, response))
    } else {
      refused.add(request.socket)
      answerRefusal(response, refusalAt(request.url, refusal))
    }
  }

  const server = createServer(
    {
      // Node refuses what takes as much as this, ours is the most that is taken.
      maxHeaderSize: options.headerLimitBytes + 1,
      headersTimeout: options.headerTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      keepAliveTimeout: options.keepAliveTimeoutMs,
      connectionsCheckingInterval: TIME_LIMIT_CHECK_MS,
      noDelay: true,
      // The guard refuses what has no Host, with a problem like any other.
      requireHostHeader: false,
      ServerResponse: Answer,
    },
    serve,
  )
  // Whoever reads the body says first that it may come. Any other expectation: RFC 9110 section 10.1.1
  // lets a server pass over it.
  server.on('checkContinue', serve)
  server.on('checkExpectation', serve)
  // Who has closed its own side may still read: what it has asked is answered first. Node's own default
  // is for clients of the nineties, and its types do not know of the other way.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.on('clientError', (error: ParserError, socket: Socket) => {
    // Browsers and proxies connect before they have anything to ask, and want no answer to that.
    const isSilent = error.code === TIMED_OUT && socket.bytesRead === 0
    if (!socket.writable || error.code === 'ECONNRESET' || isSilent) {
      socket.destroy()
      return
    }
    if (refused.has(socket)) return
    refused.add(socket)
    // What still comes stays with the kernel: here it would fill the memory until the answer is out.
    socket.pause()
    // Sent at once it would be taken for the answer to a request before, which is being done.
    pipelining.afterAnswers(socket, () => inTurns(() => giveUp(socket, error)))
  })
  limitConnections(server, options.maxConnections, refused)
  limitSlowReaders(server, options.requestTimeoutMs, TIME_LIMIT_CHECK_MS)
  await listen(server, options.address)
  // The kernel was short of something when a client came: that one is lost, and no reason to stop.
  server.on('error', () => {})

  return {
    url: urlOf(server, options.address),
    async stop(graceMs) {
      stopping = true
      const endsAt = performance.now() + graceMs
      await readWhatHasCome(server, graceMs * READING_PART)
      await new Promise<void>((resolve) => {
        const left = Math.max(0, endsAt - performance.now())
        const timer = setTimeout(() => server.closeAllConnections(), left)
        server.close(() => {
          clearTimeout(timer)
          resolve()
        })
        server.closeIdleConnections()
      })
    },
  }
}

/**
 * What clients had sent before now is with the kernel, and closing would throw it away. The loop
 * takes one new connection a turn, and its bytes in the next.
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

function giveUp(socket: Socket, error: ParserError): void {
  // To close with bytes unread would take the answer away from the client.
  socket.resume()
  if (!socket.writable) return
  const refusal = refusalForParser(error.code)
  answerSocket(socket, refusalAt(targetOf(error), refusal))
  // Late bytes must not complete a request that was given up.
  if (refusal.code === 'request_timeout') socket.destroySoon()
}

function announcesBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined
}

type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer }

const START_LINE = /^[A-Z]+ (\S+) HTTP/
const START_LINE_LIMIT_BYTES = 8_192

/** The target of a request that was given up, where it stands in the bytes that came last. */
function targetOf({ rawPacket }: ParserError): string | undefined {
  return START_LINE.exec(rawPacket?.toString('latin1', 0, START_LINE_LIMIT_BYTES) ?? '')?.[1]
}

/** A proxy that asks knows two answers only, whatever its client has sent. */
function refusalAt(target: string | undefined, refusal: Refusal): Refusal {
  return isVerify(target) ? sessionRequired(refusal.code) : refusal
}

async function listen(server: Server, address: ListenAddress): Promise<void> {
  try {
    // A server that was killed leaves its socket file behind: nobody answers there any more.
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

/** One connection too many is told so, and closed, before it has sent anything. */
function limitConnections(server: Server, maxConnections: number, refused: WeakSet<Socket>): void {
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    socket.once('close', () => connections--)
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

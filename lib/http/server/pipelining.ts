import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type Pipelining = {
  /**
   * Calls `handle` when every earlier request on the connection has been answered, and the client
   * has read the responses; a write of a parallel connection at once. Closes the connection if too
   * many requests wait.
   */
  inTurn(request: IncomingMessage, response: ServerResponse, handle: () => void): void
  /** Whether another request of the connection is answered after the one that is being answered. */
  isFollowed(socket: Socket): boolean
  /** Whether the connection of the response is a parallel one. */
  isParallel(response: ServerResponse): boolean
  /**
   * Whether the connection may be closed after this response. On a parallel connection only after the
   * latest, and then no request on it is taken any more: the client knows that what it has sent
   * since was not done.
   */
  mayClose(response: ServerResponse): boolean
  /**
   * Tells the parallel connections that are idle that no request on them is taken any more: one that is on its way
   * would be lost with the connection, and its client could not know whether it was done. An answer that
   * nobody asked for says so, as servers do whose clients are idle for too long (RFC 9110 section 15.5.9).
   */
  dismissIdle(): void
  /** Calls `then` when every complete request on `socket` has been answered. */
  afterAnswers(socket: Socket, then: () => void): void
}

/** The option of `Connection` by which a client asks for a parallel connection, with its first request. */
const PARALLEL = /(?:^|[\s,])parallel-pipelining(?:$|[\s,])/i
/** And the header with which the first response says that it has one. */
const ACCEPTED = ['Pipelining', 'parallel'] as const

/** Writes of one connection that are done at the same time; the next one waits for its turn. */
const MAX_PARALLEL = 128

const NOT_TAKEN = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

/** The requests of one connection. */
type Answers = {
  /** The response to the latest request, and the one before it if that was unfinished by then. */
  latest: ServerResponse
  earlier: ServerResponse | undefined
  readonly isParallel: boolean
  /** Writes that are done and not answered. */
  parallel: number
  /** The response to the latest request that nothing else may be done beside. */
  alone: ServerResponse | undefined
  isClosing: boolean
}

/**
 * Serves the requests of a connection one after another. Node hands pipelined requests over at
 * once: a `GET` would not see what the `PUT` before it writes (RFC 9112 section 9.3.2 allows only
 * safe methods in parallel), and 64 KiB of requests could ask for gigabytes of responses that
 * nobody reads.
 *
 * A back end's client sends the writes of many visitors, which have nothing to do with each other: one after
 * another each would wait for a sync of the disk of its own. It asks for a parallel connection. A
 * proxy in between takes the option out, since it does not pipeline.
 */
export function createPipelining(maxWaiting: number): Pipelining {
  // Not a WeakMap: after a thousand connections, a fifth of each request's garbage survived the
  // young generation, and a GET cost half as much again.
  const connections = new Map<Socket, Answers>()
  let waiting = 0

  function note(request: IncomingMessage, response: ServerResponse): Answers {
    const { socket } = request
    const answers = connections.get(socket)
    if (answers === undefined) {
      const first = begin(request, response)
      connections.set(socket, first)
      socket.once('close', () => connections.delete(socket))
      return first
    }
    answers.earlier = answers.latest.writableFinished ? undefined : answers.latest
    answers.latest = response
    return answers
  }

  return {
    inTurn(request, response, handle) {
      if (connections.get(request.socket)?.isClosing === true) return
      // Node assigns the socket to a response when it is its turn.
      const isFirst = response.socket !== null
      if (!isFirst && waiting === maxWaiting) {
        request.socket.destroy()
        return
      }
      const answers = note(request, response)
      // control: parallel-writes-only
      if (answers.isParallel && isBackEndsWrite(request)) {
        const { alone, parallel } = answers
        // control: parallel-beside-writes
        const isFree = alone === undefined || alone.writableFinished
        if (isFirst || (isFree && parallel < MAX_PARALLEL)) {
          answers.parallel++
          response.once('close', () => answers.parallel--)
          handle()
          return
        }
      }
      answers.alone = response
      if (isFirst) {
        handle()
        return
      }
      waiting++
      response.once('socket', handle)
      response.once('close', () => waiting--)
    },

    // A response without a socket has not had its turn.
    isFollowed: (socket) => connections.get(socket)?.latest.socket === null,

    isParallel: ({ req }) => connections.get(req.socket)?.isParallel === true,

    mayClose(response) {
      const answers = connections.get(response.req.socket)
      if (answers?.isParallel !== true) return true
      if (answers.latest !== response) return false
      // control: closing-takes-nothing
      answers.isClosing = true
      return true
    },

    dismissIdle() {
      for (const [socket, answers] of connections) {
        if (!answers.isParallel || !answers.latest.writableFinished || answers.isClosing) continue
        answers.isClosing = true
        // control: idle-connections-told
        socket.end(NOT_TAKEN)
      }
    },

    afterAnswers(socket, then) {
      const answers = connections.get(socket)
      const whole = answers?.latest.req.complete === false ? answers.earlier : answers?.latest
      if (whole === undefined || whole.writableFinished) then()
      else whole.once('close', then)
    },
  }
}

function begin(request: IncomingMessage, response: ServerResponse): Answers {
  const isParallel = PARALLEL.test(request.headers.connection ?? '')
  if (isParallel) response.setHeader(...ACCEPTED)
  const none = { earlier: undefined, alone: undefined }
  return { latest: response, ...none, isParallel, parallel: 0, isClosing: false }
}

/** Its responses are small, or are made for who has the key. */
function isBackEndsWrite({ method = '', headers }: IncomingMessage): boolean {
  return !SAFE.has(method) && /^Bearer[ \t]+ck_/i.test(headers.authorization ?? '')
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

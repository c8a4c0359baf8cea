import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type Pipelining = {
  /**
   * Calls `handle` when every earlier request on the connection has been answered, and the client
   * has read the responses. Closes the connection if too many requests wait for that.
   */
  inTurn(request: IncomingMessage, response: ServerResponse, handle: () => void): void
  /** Calls `then` when every complete request on `socket` has been answered. */
  afterAnswers(socket: Socket, then: () => void): void
}

/** The response to the latest request, and the one before it if that was unfinished by then. */
type Answers = { latest: ServerResponse; earlier: ServerResponse | undefined }

/**
 * Serves the requests of a connection one after another. Node hands pipelined requests over at
 * once: a `GET` would not see what the `PUT` before it writes (RFC 9112 section 9.3.2 allows only
 * safe methods in parallel), and 64 KiB of requests could ask for gigabytes of responses that
 * nobody reads.
 */
export function createPipelining(maxWaiting: number): Pipelining {
  // Not a WeakMap: after a thousand connections, a fifth of each request's garbage survived the
  // young generation, and a GET cost half as much again.
  const connections = new Map<Socket, Answers>()
  let waiting = 0

  function note(socket: Socket, response: ServerResponse): void {
    const answers = connections.get(socket)
    if (answers === undefined) {
      connections.set(socket, { latest: response, earlier: undefined })
      socket.once('close', () => connections.delete(socket))
    } else {
      answers.earlier = answers.latest.writableFinished ? undefined : answers.latest
      answers.latest = response
    }
  }

  return {
    inTurn(request, response, handle) {
      const { socket } = request
      // Node assigns the socket to a response when it is its turn.
      if (response.socket !== null) {
        note(socket, response)
        handle()
        return
      }
      if (waiting === maxWaiting) {
        socket.destroy()
        return
      }
      note(socket, response)
      waiting++
      response.once('socket', handle)
      response.once('close', () => waiting--)
    },

    afterAnswers(socket, then) {
      const answers = connections.get(socket)
      const whole = answers?.latest.req.complete === false ? answers.earlier : answers?.latest
      if (whole === undefined || whole.writableFinished) then()
      else whole.once('close', then)
    },
  }
}

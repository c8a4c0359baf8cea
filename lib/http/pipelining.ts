import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type Pipelining = {
  /**
   * Calls `handle` when every request before this one on its connection has been answered, and the
   * client has taken the answers. Closes the connection where too many requests wait for that.
   */
  inTurn(request: IncomingMessage, response: ServerResponse, handle: () => void): void
  /** Calls `then` when every whole request that came on `socket` has been answered. */
  afterAnswers(socket: Socket, then: () => void): void
}

/**
 * Requests that come before the answer to the one before them. Node hands them over at once and
 * keeps their answers until it is their turn, so that a `GET` would not see what the `PUT` before it
 * writes (RFC 9112 section 9.3.2 has only safe methods side by side), and 64 KiB of requests could
 * call for gigabytes of answers that nobody takes.
 */
export function createPipelining(maxWaiting: number): Pipelining {
  /** The answer to the request that came last on a connection, and of an answer the one before. */
  const latest = new WeakMap<Socket, ServerResponse>()
  const earlier = new WeakMap<ServerResponse, ServerResponse>()
  let waiting = 0

  return {
    inTurn(request, response, handle) {
      const { socket } = request
      // Node gives an answer the socket when it is its turn.
      if (response.socket !== null) {
        latest.set(socket, response)
        handle()
        return
      }
      if (waiting === maxWaiting) {
        socket.destroy()
        return
      }
      const before = latest.get(socket)
      if (before !== undefined) earlier.set(response, before)
      latest.set(socket, response)
      waiting++
      response.once('socket', handle)
      response.once('close', () => waiting--)
    },

    afterAnswers(socket, then) {
      const last = latest.get(socket)
      const whole = last?.req.complete === false ? earlier.get(last) : last
      if (whole === undefined || whole.writableFinished) then()
      else whole.once('close', then)
    },
  }
}

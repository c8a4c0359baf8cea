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

/** The answer to the request that came last, and the one before it where that was not done by then. */
type Answers = { latest: ServerResponse; earlier: ServerResponse | undefined }

/**
 * Requests that come before the answer to the one before them. Node hands them over at once and
 * keeps their answers until it is their turn, so that a `GET` would not see what the `PUT` before it
 * writes (RFC 9112 section 9.3.2 has only safe methods side by side), and 64 KiB of requests could
 * call for gigabytes of answers that nobody takes.
 */
export function createPipelining(maxWaiting: number): Pipelining {
  // No WeakMap: after a thousand connections had come and gone, a fifth of what each request leaves
  // behind was not collected young any more, and a GET cost half as much again.
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
      // Node gives an answer the socket when it is its turn.
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

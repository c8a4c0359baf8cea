import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Cuts off clients that do not take what they are sent: Node's time limits are about requests alone,
 * and an answer would wait for its reader for ever. Over a connection that is cut some of an answer
 * has waited at each of the looks, one every `lookMs`, for `limitMs`.
 */
export function limitSlowReaders(server: Server, limitMs: number, lookMs: number): void {
  /** Each connection, and since when there is something that its client has not taken. */
  const waitingSince = new Map<Socket, number>()
  server.on('connection', (socket) => {
    waitingSince.set(socket, Infinity)
    socket.once('close', () => waitingSince.delete(socket))
  })

  function look(): void {
    const now = performance.now()
    for (const [socket, since] of waitingSince) {
      if (socket.writableLength === 0) {
        if (since !== Infinity) waitingSince.set(socket, Infinity)
      } else if (since === Infinity) {
        waitingSince.set(socket, now)
      } else if (now - since >= limitMs) {
        socket.destroy()
      }
    }
  }

  // A server that cannot listen never closes, and must not be kept alive by this.
  server.once('listening', () => {
    const timer = setInterval(look, lookMs)
    server.once('close', () => clearInterval(timer))
  })
}

import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Cuts connections whose clients do not read: Node's time limits are for requests only, so a
 * response could wait for ever. A connection is cut if every check, one each `lookMs`, found unsent
 * data for `limitMs`, and the data were never all sent in between: a stream always has more.
 */
export function limitSlowReaders(server: Server, limitMs: number, lookMs: number): void {
  /** Since when each connection has unsent data; Infinity if it has none. */
  const waitingSince = new Map<Socket, number>()
  server.on('connection', (socket) => {
    waitingSince.set(socket, Infinity)
    // control: slow-but-reading
    socket.on('drain', () => waitingSince.set(socket, Infinity))
    socket.once('close', () => waitingSince.delete(socket))
  })

  function look(): void {
    const now = performance.now()
    for (const [socket, since] of waitingSince) {
      if (socket.writableLength === 0) {
        if (since !== Infinity) waitingSince.set(socket, Infinity)
      } else if (since === Infinity) {
        waitingSince.set(socket, now)
        // control: slow-readers
      } else if (now - since >= limitMs) {
        socket.destroy()
      }
    }
  }

  // A server that cannot listen never closes, and the timer would keep the process alive.
  server.once('listening', () => {
    const timer = setInterval(look, lookMs)
    server.once('close', () => clearInterval(timer))
  })
}

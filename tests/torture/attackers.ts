/** Clients that take their time, as many at once as a test asks for. */
import { connect } from 'node:net'

export type Attack = {
  /** What each connection sends when it is open. */
  readonly opening: string
  /** What it sends every second from then on; nothing where it is absent. */
  readonly drip?: string
  /** Whether it reads what comes back. */
  readonly reads: boolean
}

export type Attackers = {
  /** The milliseconds that each connection has lasted so far; of those that are closed, to their end. */
  durations(): readonly number[]
  /** How many are open still, as far as this side knows. */
  open(): number
  stop(): void
}

const DRIP_MS = 1_000

/** Opens so many connections to 127.0.0.1; a connection that is refused has lasted for 0 ms. */
export function startAttackers(port: number, count: number, attack: Attack): Attackers {
  const lasted: { began: number; ended: number | undefined }[] = []
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1' })
    const times: (typeof lasted)[number] = { began: performance.now(), ended: undefined }
    lasted.push(times)
    let timer: NodeJS.Timeout | undefined
    socket.on('error', () => {})
    socket.once('connect', () => {
      times.began = performance.now()
      socket.write(attack.opening)
      const { drip } = attack
      if (drip !== undefined) timer = setInterval(() => socket.write(drip), DRIP_MS)
    })
    socket.once('close', () => {
      clearInterval(timer)
      times.ended = performance.now()
    })
    if (attack.reads) socket.resume()
    return socket
  })
  return {
    durations: () => lasted.map(({ began, ended = performance.now() }) => ended - began),
    open: () => lasted.filter(({ ended }) => ended === undefined).length,
    stop() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

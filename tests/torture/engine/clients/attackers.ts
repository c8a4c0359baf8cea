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
  /** The milliseconds that each connection has lasted from then on, so far or to its end: 0 where it is none yet. */
  durationsSince(from: number): readonly number[]
  /** How many are open still, as far as this side knows. */
  open(): number
  stop(): void
}

const DRIP_MS = 1_000

/** Opens so many connections to 127.0.0.1. */
export function startAttackers(port: number, count: number, attack: Attack): Attackers {
  const lasted: { began: number | undefined; ended: number | undefined }[] = []
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1' })
    const times: (typeof lasted)[number] = { began: undefined, ended: undefined }
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
    durationsSince(from) {
      const now = performance.now()
      return lasted.map(({ began = now, ended = now }) =>
        Math.max(ended - Math.max(began, from), 0),
      )
    },
    open: () => lasted.filter(({ ended }) => ended === undefined).length,
    stop() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

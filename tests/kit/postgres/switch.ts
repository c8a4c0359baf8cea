// What stands between a pooler and its servers where they change: it leads where it was last told to.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type Switch = {
  readonly port: number
  /** Leads those who come from here on to this port; whoever is connected stays. */
  turnTo(port: number): void
  /** Closes what is open. */
  cut(): void
  stop(): Promise<void>
}

export async function startSwitch(to: number): Promise<Switch> {
  let target = to
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port')
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: address.port,
    turnTo: (port) => void (target = port),
    cut,
    async stop() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

// What stands before a server and counts the round trips of each connection, by the name of its application.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type TripCounter = {
  readonly port: number
  /** Round trips so far of all connections under this name, such as `coatcheck writer`. */
  count(application: string): number
  stop(): Promise<void>
}

/** A round trip begins where something is sent and nothing was since the last answer. */
export async function startTripCounter(to: number): Promise<TripCounter> {
  const trips = new Map<string, number>()
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    let application: string | undefined
    let isAnswered = true
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (bytes) => {
      // The first message has the parameters of the session, each a name and a value that end in a zero.
      application ??= /\0application_name\0([^\0]*)\0/.exec(bytes.toString('latin1'))?.[1] ?? ''
      if (isAnswered) trips.set(application, (trips.get(application) ?? 0) + 1)
      isAnswered = false
      far.write(bytes)
    })
    far.on('data', (bytes) => {
      isAnswered = true
      near.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port')
  return {
    port: address.port,
    count: (application) => trips.get(application) ?? 0,
    async stop() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

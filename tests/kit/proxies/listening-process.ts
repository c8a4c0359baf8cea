/** For programs that are told their port, since they cannot pick one and say which. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const START_LIMIT_MS = 10_000

/** A port of 127.0.0.1 that nobody listens on; somebody else may be given it soon. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return address !== null && typeof address === 'object' ? address.port : 0
}

/** False where the process has ended, or does not listen in good time. */
export async function isListening(port: number, child: ChildProcess): Promise<boolean> {
  const deadline = performance.now() + START_LIMIT_MS
  while (child.exitCode === null && performance.now() < deadline) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
    })
    // Whoever answers on the port may be another than a process that is ending.
    if (isOpen && child.exitCode === null) return true
    await sleep(20)
  }
  return false
}

/** Follows the primary: where another server has taken over, all connections go there. */
import { unlessUnderWay } from '../../base/unless-under-way.ts'
import type { Connection } from './connection.ts'
import { type ConnectOptions, connectToPrimary, destroy } from './primary.ts'

export type Following = {
  /** To be called once a second. */
  look(): Promise<void>
}

/** After so many looks that reach nobody, a server that owes an answer has gone. */
const MOST_MISSES = 3

/**
 * `main` is the connection of the heartbeat: the others must lead where it leads. While one of them waits
 * for an answer that should have come, a connection beside it looks who the primary is, and goes again.
 */
export function createFollowing(
  options: Omit<ConnectOptions, 'applicationName'> & { readonly certificate: string | undefined },
  connections: readonly Connection[],
  main: Connection,
): Following {
  let misses = 0

  async function findPrimary(): Promise<string | undefined> {
    try {
      const withName = { ...options, applicationName: 'coatcheck look', setup: [] }
      const { client, server } = await connectToPrimary(withName, options.certificate)
      destroy(client)
      return server
    } catch {
      return undefined
    }
  }

  async function lookFor(overdue: readonly Connection[]): Promise<void> {
    const server = await findPrimary()
    misses = server === undefined ? misses + 1 : 0
    // The same server still: its session waits with its locks, and leaving it would only add another.
    const gone = overdue.filter((connection) => connection.server() !== server)
    if (server !== undefined || misses >= MOST_MISSES)
      for (const connection of gone) connection.renew()
  }

  return {
    look: unlessUnderWay(async () => {
      const overdue = connections.filter((connection) => connection.isOverdue())
      if (overdue.length > 0) await lookFor(overdue)
      const server = main.server()
      if (server === undefined) return
      for (const connection of connections) {
        if (connection.isUp() && connection.server() !== server) connection.renew()
      }
    }),
  }
}

// A network that is cut between the primary of a database and others.
import { codeOf } from '../runner/code-of.ts'
import { sessionAt } from '../store/session-at.ts'
import { until } from './cluster.ts'
import { type Disturbance, STALE_LIMIT_MS, untilServed, wait } from './disturbances.ts'
import type { Network } from './network.ts'
import type { Opened } from './load.ts'

/** Whether Patroni stands still on the node that is cut off: then nobody stops the old primary. */
export type Cut = { readonly isUnfenced: boolean }

/** The primary reaches neither etcd nor its standbys; all servers reach all nodes. */
export function cutFromNodes(network: Network, { isUnfenced }: Cut): Disturbance {
  return async ({ cluster, servers }) => {
    const primary = await cluster.untilWhole()
    if (isUnfenced) primary.signal('SIGSTOP', 'patroni')
    network.cutNode(cluster.nodes.indexOf(primary))
    await cluster.untilLed([primary])
    await untilServed(servers)
    await wait(STALE_LIMIT_MS)
    network.heal()
    primary.signal('SIGCONT', 'patroni')
    await cluster.untilWhole()
  }
}

/** The primary and the first server reach each other and nobody else, the second server all others. */
export function isolate(network: Network, { isUnfenced }: Cut): Disturbance {
  return async ({ cluster, servers }) => {
    const [near, far] = servers
    if (near === undefined || far === undefined) throw new Error('There must be two servers')
    const primary = await cluster.untilWhole()
    if (isUnfenced) primary.signal('SIGSTOP', 'patroni')
    const id = `isolated-${Math.random()}`
    await until(() => near.store.insert(sessionAt(near.clock.now(), { id })))
    network.isolate(cluster.nodes.indexOf(primary), 0)
    await cluster.untilLed([primary])
    await until(() => far.store.end(id, far.clock.now(), 'logout'))
    await wait(STALE_LIMIT_MS)
    await requireSilent(near, id)
    await untilServed([far])
    network.heal()
    primary.signal('SIGCONT', 'patroni')
    await cluster.untilWhole()
  }
}

/** It says that it can read nothing, of a session that has ended elsewhere. */
async function requireSilent({ store, clock }: Opened, id: string): Promise<void> {
  const look = async () => store.find(id, clock.now())
  const said = await look().then(({ state }) => state, codeOf)
  if (said !== 'storage_failed') throw new Error(`A server that is cut off says: ${said}`)
}

// A network of a test's own, in namespaces that are gone with its processes: three nodes of a database, each
// on one network with etcd and the others and on a second one with clients, and two clients.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { skip } from '../runner/skip.ts'
import { until } from './cluster.ts'
import type { Place } from './patroni.ts'

export type Network = {
  /** Of the nodes, in their order. */
  readonly places: readonly Place[]
  /** Of etcd. */
  readonly hub: Place
  /** For each client the command line of a program that runs what belongs there. */
  readonly clients: readonly (readonly string[])[]
  /** Cuts a node from etcd and from the other nodes; clients reach it. */
  cutNode(node: number): void
  /** Leaves a node and a client each other, and nothing else; the other client reaches all others. */
  isolate(node: number, client: number): void
  /** Mends all. */
  heal(): void
  stop(): void
}

const NODES = 3
const CLIENTS = 2
/** Bridges: of the nodes and etcd, of the nodes and their clients, and for who is cut off from these. */
const BRIDGES = { cluster: '10.1.0', clients: '10.2.0', island: undefined }

/** Skips where namespaces cannot be made. */
export async function startNetwork(): Promise<Network> {
  if (process.getuid?.() !== 0) skip('only root makes network namespaces')
  const holders: ChildProcess[] = []

  async function hold(): Promise<readonly string[]> {
    const own = readlinkSync('/proc/self/ns/net')
    const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' })
    holders.push(holder)
    await until(async () => {
      if (holder.exitCode !== null) skip('network namespaces cannot be made here')
      const its = readlinkSync(`/proc/${holder.pid}/ns/net`)
      if (its === own) throw new Error('It has no namespace yet')
    })
    const under = ['nsenter', '--target', String(holder.pid), '--net']
    ip(under, 'link set lo up')
    return under
  }

  function stop(): void {
    for (const holder of holders) holder.kill('SIGKILL')
  }

  process.once('exit', stop)
  const hub = await hold()
  for (const [name, prefix] of Object.entries(BRIDGES)) {
    ip(hub, `link add ${name} type bridge`)
    ip(hub, `link set ${name} up`)
    if (prefix !== undefined) ip(hub, `address add ${prefix}.1/24 dev ${name}`)
  }

  /** A cable from the place to a bridge, which there is called `cable`. */
  function join(
    under: readonly string[],
    cable: string,
    bridge: 'cluster' | 'clients',
    at: number,
  ) {
    const [, , pid = ''] = under
    ip(hub, `link add ${cable} type veth peer name ${bridge} netns ${pid}`)
    ip(hub, `link set ${cable} master ${bridge} up`)
    ip(under, `address add ${BRIDGES[bridge]}.${at}/24 dev ${bridge}`)
    ip(under, `link set ${bridge} up`)
  }

  const places: Place[] = []
  for (let n = 0; n < NODES; n++) {
    const under = await hold()
    join(under, `node${n}`, 'cluster', 10 + n)
    join(under, `front${n}`, 'clients', 10 + n)
    const [host, clientHost] = [`${BRIDGES.cluster}.${10 + n}`, `${BRIDGES.clients}.${10 + n}`]
    places.push({ host, clientHost, under })
  }
  const clients: (readonly string[])[] = []
  for (let n = 0; n < CLIENTS; n++) {
    const under = await hold()
    join(under, `client${n}`, 'clients', 20 + n)
    clients.push(under)
  }

  return {
    places,
    hub: { host: `${BRIDGES.cluster}.1`, clientHost: `${BRIDGES.clients}.1`, under: hub },
    clients,
    cutNode: (node) => ip(hub, `link set node${node} down`),
    isolate(node, client) {
      ip(hub, `link set node${node} down`)
      ip(hub, `link set front${node} master island`)
      ip(hub, `link set client${client} master island`)
    },
    heal() {
      for (let n = 0; n < NODES; n++) {
        ip(hub, `link set node${n} up`)
        ip(hub, `link set front${n} master clients`)
      }
      for (let n = 0; n < CLIENTS; n++) ip(hub, `link set client${n} master clients`)
    },
    stop() {
      process.off('exit', stop)
      stop()
    },
  }
}

function ip(under: readonly string[], words: string): void {
  const [program = '', ...args] = [...under, 'ip', ...words.split(' ')]
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

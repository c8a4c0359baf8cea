// Three PostgreSQL servers that Patroni keeps over etcd, of a test's own, from Debian's packages: one primary
// and two standbys. Each node is a folder, and all processes of a node work in it.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeFolder } from '../process/spawn-server.ts'
import { findPostgres, kill, queryOn, SUPERUSER, unprivilegedUser, until } from './cluster.ts'

export type Patroni = {
  readonly nodes: readonly Node[]
  readonly folder: string
  /** Of an empty database on all nodes, as `--store` takes it. */
  readonly address: string
  /** Resolves once a node is the leader and takes writes, and is none of these. */
  untilLed(but?: readonly Node[]): Promise<Node>
  /** Resolves with the leader once both others follow it, and are known to. */
  untilWhole(): Promise<Node>
  /** As an operator does for maintenance; resolves with the new leader. */
  switchOver(): Promise<Node>
  /** From here on no commit waits for a standby, which it did for both. */
  turnAsynchronous(): Promise<void>
  stop(): Promise<void>
}

export type Node = {
  readonly name: string
  /** Starts what has been killed. */
  start(): void
  /** To Patroni alone, or to all processes of the node, as where its machine stops. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT', to: 'patroni' | 'machine'): void
  /** Runs a statement, as the superuser. */
  query(text: string): Promise<unknown[][]>
}

export type PatroniOptions = {
  /** For its files; a new one unless told otherwise. */
  readonly folder?: string
  /** Where the three nodes are, and etcd: on the loopback unless told otherwise. */
  readonly places?: readonly Place[]
  readonly hub?: Place
}

export type Place = {
  /** Where etcd and the other nodes reach it, and where clients do. */
  readonly host: string
  readonly clientHost: string
  /** The command line of a program that runs what belongs there. */
  readonly under: readonly string[]
}

/** A node that was a primary compares all of its files with the new one's first, and syncs them. */
const MOST_MS_TO_JOIN = 180_000
const LOOPBACK: Place = { host: '127.0.0.1', clientHost: '127.0.0.1', under: [] }
const PATRONI = '/usr/bin/patroni'
const ETCD = '/usr/bin/etcd'
const DATABASE = 'coatcheck'
/** In seconds: a leader that is silent for longer than `ttl` has its place taken. */
const TIMES = { ttl: 6, loop_wait: 1, retry_timeout: 2 }

/** The Debian package that is missing; undefined where all are there. */
export function findMissing(): string | undefined {
  if (findPostgres() === undefined) return 'postgresql'
  if (!existsSync(PATRONI)) return 'patroni'
  return existsSync(ETCD) ? undefined : 'etcd-server'
}

/** Resolves once the cluster is whole and has an empty database. */
export async function startPatroni({
  places = [LOOPBACK, LOOPBACK, LOOPBACK],
  hub = LOOPBACK,
  folder = makeFolder(),
}: PatroniOptions = {}): Promise<Patroni> {
  const bin = findPostgres()
  if (bin === undefined) throw new Error('PostgreSQL is not installed')
  makeOwned(folder, 0o755)
  const etcd = await startEtcd(folder, hub)
  const nodes: MadeNode[] = []
  let isSynchronous = true
  process.once('exit', killAll)
  for (const [n, place] of places.entries()) {
    const node = await makeNode(`node${n + 1}`, { bin, folder, place, etcd: etcd.address })
    node.start()
    nodes.push(node)
    // The first makes the database, which the others copy.
    if (n === 0) await untilLed()
  }
  const first = await untilWhole()
  await first.query(`create database ${DATABASE}`)

  function killAll(): void {
    for (const node of nodes) node.signal('SIGKILL', 'machine')
    etcd.process.kill('SIGKILL')
  }

  async function untilLed(but: readonly Node[] = []): Promise<MadeNode> {
    return await until(async () => {
      for (const node of nodes) if (!but.includes(node) && (await leads(node))) return node
      throw new Error('There is no leader')
    })
  }

  async function untilWhole(): Promise<MadeNode> {
    return await until(findWhole, MOST_MS_TO_JOIN)
  }

  async function findWhole(): Promise<MadeNode> {
    const leader = await untilLed()
    const synchronous = isSynchronous ? "and sync_state = 'sync'" : ''
    const follow = `select from pg_stat_replication where state = 'streaming' ${synchronous}`
    const [followers, members] = [await leader.query(follow), await leader.members()]
    // Patroni knows a moment later, and lets nobody else take over.
    const role = isSynchronous ? 'sync_standby' : 'replica'
    const known = members.filter((one) => one.role === role && one.state === 'running')
    const count = Math.min(followers.length, known.length)
    if (count < nodes.length - 1) throw new Error(`${leader.name} has ${count} standbys`)
    return leader
  }

  return {
    nodes,
    folder,
    address: `postgres://${SUPERUSER}@${nodes.map(({ clients }) => clients).join(',')}/${DATABASE}?sslmode=disable`,
    untilLed,
    untilWhole,
    async switchOver() {
      const leader = await untilWhole()
      await leader.ask('POST /switchover', JSON.stringify({ leader: leader.name }))
      return await untilLed([leader])
    },
    async turnAsynchronous() {
      const leader = await untilWhole()
      isSynchronous = false
      const mode = { synchronous_mode: false, synchronous_mode_strict: false }
      await leader.ask('PATCH /config', JSON.stringify(mode))
      await until(async () => {
        const [[names] = []] = await leader.query('show synchronous_standby_names')
        if (names !== '') throw new Error(`Commits wait for ${String(names)}`)
      })
      await untilWhole()
    },
    async stop() {
      process.off('exit', killAll)
      killAll()
      await Promise.all([etcd.ended, ...nodes.map((node) => node.ended())])
    },
  }
}

/** Whether it takes writes and has the leader's lock, so far as it knows. */
async function leads(node: MadeNode): Promise<boolean> {
  try {
    const [[isStandby] = []] = await node.query('select pg_is_in_recovery()')
    if (isStandby === true) return false
    await node.ask('GET /primary')
    return true
  } catch {
    return false
  }
}

type Member = { readonly role: string; readonly state: string }

type MadeNode = Node & {
  /** `HOST:PORT` of its database, for clients. */
  readonly clients: string
  /** Asks its Patroni; rejects what is not answered with 2xx. */
  ask(line: string, body?: string): Promise<string>
  /** Of the cluster, as etcd has them. */
  members(): Promise<readonly Member[]>
  ended(): Promise<unknown>
}

type NodeOptions = {
  readonly bin: string
  readonly folder: string
  readonly place: Place
  /** `HOST:PORT` of it. */
  readonly etcd: string
}

async function makeNode(
  name: string,
  { bin, folder: parent, place, etcd }: NodeOptions,
): Promise<MadeNode> {
  const { host, clientHost, under } = place
  const folder = makeOwned(join(parent, name), 0o755)
  const port = await steadyPort()
  const rest = `${host}:${await steadyPort()}`
  const login = (username: string) => ({ username, password: 'of-the-tests' })
  const config = {
    scope: 'coatcheck',
    name,
    restapi: { listen: rest, connect_address: rest },
    // By the second version of its interface: by the third, Patroni before 3.0.3 overwrites the lock of
    // another leader when it goes on after standing still (patroni/patroni#2689).
    etcd: { host: etcd },
    watchdog: { mode: 'off' },
    bootstrap: {
      dcs: {
        ...TIMES,
        // Another takes over at once, instead of waiting for this one to start again.
        master_start_timeout: 0,
        // Where commits wait for none, whoever is far behind may take over, too.
        maximum_lag_on_failover: 1_000_000_000,
        synchronous_mode: true,
        synchronous_mode_strict: true,
        synchronous_node_count: 2,
        postgresql: { use_pg_rewind: true },
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'data-checksums', 'no-sync'],
    },
    postgresql: {
      listen: `${[...new Set([host, clientHost])].join(',')}:${port}`,
      connect_address: `${host}:${port}`,
      bin_dir: bin,
      data_dir: join(folder, 'data'),
      pgpass: join(folder, 'pgpass'),
      authentication: { superuser: login(SUPERUSER), replication: login('replicator') },
      pg_hba: ['local all all trust', 'host all all all trust', 'host replication all all trust'],
      parameters: { unix_socket_directories: folder, wal_sender_timeout: '5s' },
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
    },
  }
  // JSON is YAML.
  const configPath = join(folder, 'patroni.yml')
  writeFileSync(configPath, JSON.stringify(config))
  const log = openSync(join(folder, 'log'), 'a')
  let patroni: ChildProcess | undefined
  let ended: Promise<unknown> = Promise.resolve()
  const ask = (line: string, body?: string) => askBy(under, rest, line, body)

  return {
    name,
    clients: `${clientHost}:${port}`,
    query: (text) => queryOn(folder, port, text),
    ask,
    async members() {
      return (JSON.parse(await ask('GET /cluster')) as { members: Member[] }).members
    },
    ended: () => ended,
    start() {
      patroni = spawnAsServer(under, [PATRONI, configPath], folder, log)
      ended = once(patroni, 'exit')
    },
    signal(signal, to) {
      if (to === 'patroni') patroni?.kill(signal)
      else signalAllIn(folder, signal)
    },
  }
}

/** Those that begin meanwhile, too: a killed server's Patroni would start it again. */
function signalAllIn(folder: string, signal: NodeJS.Signals): void {
  if (signal === 'SIGKILL') signalAllIn(folder, 'SIGSTOP')
  const signalled = new Set<number>()
  for (;;) {
    const others = processesIn(folder).filter((pid) => !signalled.has(pid))
    if (others.length === 0) return
    for (const pid of others) {
      kill(pid, signal)
      signalled.add(pid)
    }
  }
}

function processesIn(folder: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      return `${readlinkSync(`/proc/${name}/cwd`)}/`.startsWith(`${folder}/`) ? [Number(name)] : []
    } catch {
      // It has ended meanwhile, or is another user's.
      return []
    }
  })
}

async function startEtcd(parent: string, { host, under }: Place) {
  const folder = makeOwned(join(parent, 'etcd'), 0o700)
  const address = `${host}:${await steadyPort()}`
  const peers = `http://${host}:${await steadyPort()}`
  const options = {
    'data-dir': folder,
    'enable-v2': 'true',
    'listen-client-urls': `http://${address}`,
    'advertise-client-urls': `http://${address}`,
    'listen-peer-urls': peers,
    'initial-advertise-peer-urls': peers,
    'initial-cluster': `default=${peers}`,
  }
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
  const started = spawnAsServer(under, [ETCD, ...args], folder, 'ignore')
  const ended = once(started, 'exit')
  await until(() => askBy(under, address, 'GET /health'))
  return { address, process: started, ended }
}

/** Neither PostgreSQL nor its Patroni runs as root. */
function spawnAsServer(
  under: readonly string[],
  command: readonly string[],
  cwd: string,
  log: number | 'ignore',
): ChildProcess {
  const user = unprivilegedUser()
  const as = user && ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
  const [program = '', ...args] = [...under, ...(as ?? []), ...command]
  return spawn(program, args, { cwd, stdio: ['ignore', log, log] })
}

/** From a place of another network only programs that run there reach it. */
async function askBy(under: readonly string[], host: string, line: string, body?: string) {
  const [method = '', path = ''] = line.split(' ')
  // A switch-over is answered when it is done.
  const limitSeconds = body === undefined ? '2' : '60'
  const options = ['--silent', '--fail-with-body', '--max-time', limitSeconds, '--request', method]
  const data = body === undefined ? [] : ['--data', body]
  const all = [...under, 'curl', ...options, ...data, `http://${host}${path}`]
  const [program = '', ...args] = all
  return (await execute(program, args)).stdout
}

const execute = promisify(execFile)

function makeOwned(folder: string, mode: number): string {
  const user = unprivilegedUser()
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, mode)
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  return folder
}

/**
 * A free port that stays so while its server is down: below those that the kernel gives to connections (32768
 * and up).
 */
async function steadyPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, () => resolve(true))
    })
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

// A PostgreSQL cluster of a test's own, on a free port of the loopback, from Debian's packages.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { makeFolder } from '../process/spawn-server.ts'

export type Cluster = {
  readonly port: number
  readonly folder: string
  readonly pid: number
  /** Runs a statement on a database, as the superuser. */
  query(text: string, database?: string): Promise<unknown[][]>
  /** Makes an empty database; returns its name. */
  createDatabase(): Promise<string>
  /** Changes a setting for sessions at work, too; resolves once a new session has it. */
  set(name: string, value: string): Promise<void>
  /** A copy that follows this one; by its name `synchronous_standby_names` knows it. */
  startStandby(name: string): Promise<Cluster>
  /** Makes a standby a primary; resolves once it takes writes. */
  promote(): Promise<void>
  /** To the server and all of its processes. SIGKILL is the power cord; SIGSTOP a machine that hangs. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  stop(): Promise<void>
}

export type ClusterOptions = {
  /** Variables of the server's environment, such as `LOCPATH`. */
  readonly environment?: Readonly<Record<string, string>>
  /** Lines for pg_hba.conf, in place of those that trust everybody on this machine. */
  readonly access?: readonly string[]
  /** Of its pages, unless told otherwise. */
  readonly checksums?: boolean
}

const VERSIONS = '/usr/lib/postgresql'
export const SUPERUSER = 'coat'
const MOST_MS = 60_000
const PAUSE_MS = 50
const MOST_TRIES = 3

/** The folder of PostgreSQL's programs; undefined where it is not installed. */
export function findPostgres(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined
  const versions = readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a))
  return versions
    .map((version) => join(VERSIONS, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')))
}

/** `settings`: lines for postgresql.conf, as `-c` takes them. */
export async function startCluster(
  bin: string,
  settings: readonly string[] = [],
  { environment, access, checksums = true }: ClusterOptions = {},
): Promise<Cluster> {
  const data = makeDataFolder()
  const initdb = ['-D', data, '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8']
  execFileSync(
    join(bin, 'initdb'),
    [...initdb, ...(checksums ? ['-k'] : []), '--no-sync'],
    asServer(data),
  )
  if (access !== undefined) writeFileSync(join(data, 'pg_hba.conf'), `${access.join('\n')}\n`)
  return await start(bin, data, settings, environment)
}

async function start(
  bin: string,
  data: string,
  settings: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  tries = 1,
): Promise<Cluster> {
  const port = await freePort()
  const listen = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${data}`]
  const args = ['-D', data, ...[...listen, ...settings].flatMap((line) => ['-c', line])]
  const env = { ...process.env, ...environment }
  const server = spawn(join(bin, 'postgres'), args, { ...asServer(data), env })
  const pid = server.pid ?? 0
  let hasEnded = false
  const ended = once(server, 'exit').then(() => (hasEnded = true))
  await until(async () => hasEnded || (await queryOn(data, port, 'select 1')))
  if (hasEnded) {
    if (tries === MOST_TRIES) throw new Error(`PostgreSQL does not start: ${settings.join(', ')}`)
    // Another may have taken the port since it was free.
    return await start(bin, data, settings, environment, tries + 1)
  }
  let databases = 0

  const query = (text: string, database?: string) => queryOn(data, port, text, database)

  return {
    port,
    folder: data,
    pid,
    query,
    async createDatabase() {
      const name = `test_${++databases}`
      await query(`create database ${name}`)
      return name
    },
    async set(name, value) {
      const [[before]] = (await query('select pg_conf_load_time()::text')) as [[string]]
      await query(`alter system set ${name} = ${value}`)
      await query('select pg_reload_conf()')
      await until(async () => {
        const [[isRead] = []] = await query(`select pg_conf_load_time() > '${before}'`)
        if (isRead !== true) throw new Error(`${name} is not ${value} yet`)
      })
    },
    async startStandby(name) {
      const copy = makeDataFolder()
      const from = `host=127.0.0.1 port=${port} user=${SUPERUSER} application_name=${name}`
      const backup = ['-D', copy, '-d', from, '-R', '-X', 'stream', '-c', 'fast', '--no-sync']
      execFileSync(join(bin, 'pg_basebackup'), backup, asServer(copy))
      // Whom it follows is in the copy (-R), where it can be changed.
      const standby = await start(bin, copy, settings, environment)
      await until(async () => {
        const follows = `select 1 from pg_stat_replication
          where application_name = '${name}' and state = 'streaming'`
        if ((await query(follows)).length === 0) throw new Error(`${name} does not follow yet`)
      })
      return standby
    },
    async promote() {
      await query('select pg_promote(true, 30)')
    },
    signal(signal) {
      // The server first: it would start others for those that die.
      const processes = [pid, ...childrenOf(pid)]
      for (const one of processes) kill(one, signal)
    },
    async stop() {
      if (server.exitCode !== null || server.signalCode !== null) return
      // Immediately: nobody will read these files again.
      server.kill('SIGQUIT')
      await ended
    },
  }
}

function makeDataFolder(): string {
  const folder = makeFolder()
  const data = join(folder, 'data')
  const user = unprivilegedUser()
  mkdirSync(data, { mode: 0o700 })
  chmodSync(folder, 0o755)
  if (user !== undefined) chownSync(data, user.uid, user.gid)
  return data
}

function asServer(cwd: string) {
  return { ...unprivilegedUser(), stdio: 'ignore', cwd } as const
}

/** By its unix socket, which stays open to the superuser whatever pg_hba.conf says of others. */
export async function queryOn(host: string, port: number, text: string, database = 'postgres') {
  const client = new pg.Client({ host, port, user: SUPERUSER, database })
  // Whoever waits for an answer hears of it; what nobody waits for would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}

/** Each of a server's processes is a group of its own. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      // After the name of the program, which may have any character: the state, and the parent.
      const [, parent] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
      return Number(parent) === pid ? [Number(name)] : []
    } catch {
      return []
    }
  })
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}

/** PostgreSQL refuses to run as root; Debian's package has made this user. */
export function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no port')
  return address.port
}

/** Tries again, for a minute at most unless told otherwise, until it does not reject. */
export async function until<T>(attempt: () => Promise<T>, mostMs = MOST_MS): Promise<T> {
  const startedAt = performance.now()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() - startedAt > mostMs) throw error
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}

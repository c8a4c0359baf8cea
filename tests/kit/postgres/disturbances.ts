// What happens to a database that Patroni keeps, under load through servers, and what comes of it.
import { join } from 'node:path'
import type { RunningServer } from '../process/spawn-server.ts'
import { sessionAt } from '../store/session-at.ts'
import { kill, until } from './cluster.ts'
import { findLost, type Opened, startLoad, type Tally } from './load.ts'
import type { Node, Patroni } from './patroni.ts'
import { openRemote } from './remote-store.ts'

export type Service = {
  readonly cluster: Patroni
  /** The servers, as the load asks them. */
  readonly servers: readonly Opened[]
}

/** Disturbs, and mends what it has disturbed: the cluster is whole when it resolves. */
export type Disturbance = (service: Service) => Promise<void>

/** Starts a server, as `spawnServer` does; `under`: the command line of a program that runs it. */
export type Spawn = (args: readonly string[], under: readonly string[]) => Promise<RunningServer>

/** What was there before is there after: `lost` and `surplus` increments, ends that are `undone`. */
export type Outcome = Tally & Awaited<ReturnType<typeof findLost>>

const API_KEY = 'ck_for-the-tests-of-fail-overs'
/** So long the load runs with nothing amiss, before and after. */
const CALM_MS = 500
/** How long reads may be behind. */
export const STALE_LIMIT_MS = 3_000

/** As many servers, each on a unix socket, which other networks reach, too. */
export async function openServers(
  { address, folder }: Patroni,
  spawn: Spawn,
  unders: readonly (readonly string[])[] = [[], []],
): Promise<Opened[]> {
  const starts = unders.map(async (under, n) => {
    const args = ['--store', address, '--listen', `unix:${join(folder, `server-${n}.sock`)}`]
    const { url } = await spawn(args, [...under, 'env', `COATCHECK_API_KEY=${API_KEY}`])
    return openRemote(url, API_KEY)
  })
  return await Promise.all(starts)
}

/** `tallies`: of all loads on this database so far, to which this one's is added. */
export async function disturb(
  service: Service,
  disturbance: Disturbance,
  tallies: Tally[],
): Promise<Outcome> {
  const { servers } = service
  const load = await startLoad(`load-${tallies.length}`, servers)
  try {
    await wait(CALM_MS)
    await disturbance(service)
    await untilServed(servers)
    await wait(CALM_MS)
  } catch (error) {
    await load.stop().catch(() => {})
    throw error
  }
  const tally = await load.stop()
  tallies.push(tally)
  const [first] = servers
  if (first === undefined) throw new Error('There is no server')
  return { ...tally, ...(await findLost(first, tallies, tally.loggedOut)) }
}

/** The machine of the primary dies with so many bytes of its WAL, or more, that no standby has. */
export function killPrimary(unsentBytes = 1): Disturbance {
  return async ({ cluster, servers }) => {
    const primary = await cluster.untilWhole()
    await stopSending(primary)
    await until(async () => {
      const [[unsent] = []] = await primary.query(UNSENT)
      if (Number(unsent) < unsentBytes) throw new Error(`${String(unsent)} bytes are unsent`)
    })
    primary.signal('SIGKILL', 'machine')
    await cluster.untilLed([primary])
    await untilServed(servers)
    primary.start()
    await cluster.untilWhole()
  }
}

const UNSENT = `select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), max(sent_lsn)) from pg_stat_replication`

/** The machine of the primary stands still until another has taken over, then goes on as primary. */
export const stopPrimary: Disturbance = async ({ cluster, servers }) => {
  const primary = await cluster.untilWhole()
  primary.signal('SIGSTOP', 'machine')
  await cluster.untilLed([primary])
  await untilServed(servers)
  primary.signal('SIGCONT', 'machine')
  await cluster.untilWhole()
}

/** Patroni alone stands still, so that nobody stops the old primary when another takes over. */
export const stopPatroni: Disturbance = async ({ cluster, servers }) => {
  const primary = await cluster.untilWhole()
  primary.signal('SIGSTOP', 'patroni')
  await cluster.untilLed([primary])
  await untilServed(servers)
  await requirePrimary(primary)
  await wait(STALE_LIMIT_MS)
  await requirePrimary(primary)
  primary.signal('SIGCONT', 'patroni')
  await cluster.untilWhole()
}

export const switchOver: Disturbance = async ({ cluster }) => {
  await cluster.switchOver()
  await cluster.untilWhole()
}

/** The machine of a standby dies, and is away for so long. */
export function loseStandby(ms: number): Disturbance {
  return async ({ cluster, servers }) => {
    const primary = await cluster.untilWhole()
    const standby = cluster.nodes.find((node) => node !== primary)
    standby?.signal('SIGKILL', 'machine')
    const away = wait(ms)
    // Commits wait for it until Patroni asks for the other's confirmation alone.
    await untilServed(servers)
    await away
    standby?.start()
    await cluster.untilWhole()
  }
}

/** Resolves once all of them write and read again. */
export async function untilServed(servers: readonly Opened[]): Promise<void> {
  for (const [n, { store, clock }] of servers.entries()) {
    const id = `served-${n}-${Math.random()}`
    await until(() => store.insert(sessionAt(clock.now(), { id })))
    await until(async () => store.find(id, clock.now()))
  }
}

/** Its processes that send to standbys stand still. */
async function stopSending(primary: Node): Promise<void> {
  const senders = await primary.query('select pid from pg_stat_replication')
  for (const [pid] of senders) kill(Number(pid), 'SIGSTOP')
}

async function requirePrimary(node: Node): Promise<void> {
  const [[isStandby] = []] = await node.query('select pg_is_in_recovery()')
  if (isStandby !== false) throw new Error(`${node.name} is no primary any more`)
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

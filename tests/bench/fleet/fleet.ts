/**
 * What a fleet of Coatchecks on one PostgreSQL primary needs: arithmetic over measured costs, no run. It knows
 * nothing of contention between cores, nor of what a standby needs to replay the WAL.
 */
import { add, type Cost, costOfOne, type Costs, type Levels, NOTHING, scale } from './costs.ts'

/** How people use an application, at its busiest time. Shares are of 1. */
export type Behaviour = {
  /** Of all sessions, those whose holders are there at the same time. */
  readonly inUseShare: number
  readonly secondsBetweenRequests: number
  /** Of the requests, those that write. */
  readonly writeShare: number
  /** For how long somebody stays. */
  readonly visitSeconds: number
  /** How long a session lives, on average. */
  readonly lifeHours: number
  /** Log-ins in the busiest second as a multiple of those in an average one. */
  readonly peak: number
  /** Of the sessions, those that end by a log-out; the others expire. */
  readonly logOutShare: number
  readonly keepEndedHours: number
  /** Whether `--max-sessions-per-sub` is set. */
  readonly isLimited: boolean
}

/** The machine of the primary, and the network and disks around it. */
export type Machine = {
  readonly cores: number
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly walBytesPerSecond: number
  /** Pages of 8 KiB, read and written. */
  readonly pagesPerSecond: number
  readonly connections: number
  /** Of its cores, disk and so on no more than this is to be used. */
  readonly usableShare: number
  /** From the question to the answer, network and PostgreSQL's work included. */
  readonly readMs: number
  /** The same, with the sync of the disk and the standby's confirmation. */
  readonly commitMs: number
  /** PostgreSQL's `checkpoint_timeout`. */
  readonly checkpointSeconds: number
}

export const ORDINARY: Behaviour = {
  inUseShare: 0.02,
  secondsBetweenRequests: 10,
  writeShare: 0.1,
  visitSeconds: 600,
  lifeHours: 24,
  peak: 3,
  logOutShare: 0.25,
  keepEndedHours: 24,
  isLimited: false,
}

const GIGABYTE = 1e9

export const SERVER: Machine = {
  cores: 16,
  memoryBytes: 128 * GIGABYTE,
  diskBytes: 2_000 * GIGABYTE,
  walBytesPerSecond: 200e6,
  pagesPerSecond: 20_000,
  connections: 400,
  usableShare: 0.7,
  readMs: 1,
  commitMs: 3,
  checkpointSeconds: 300,
}

/** Of each kind so many a second. */
export type Rates = {
  readonly gets: number
  readonly puts: number
  readonly touches: number
  readonly logIns: number
  readonly logOuts: number
  readonly expiries: number
}

export type Need = {
  readonly sessions: number
  readonly rates: Rates
  readonly coatchecks: number
  readonly coatcheckCores: number
  readonly coatcheckMemoryBytes: number
  readonly connections: number
  readonly postgresCores: number
  readonly walBytesPerSecond: number
  /** Of these, whole pages after a checkpoint. */
  readonly imageBytesPerSecond: number
  /** Statements that commit; a sync of the disk serves several. */
  readonly commitsPerSecond: number
  readonly pagesPerSecond: number
  /** What should stay in PostgreSQL's memory and in the system's cache. */
  readonly memoryBytes: number
  readonly diskBytes: number
}

/** `share`: of what the machine has and may use; above 1 it is too little. */
export type Limit = { readonly name: string; readonly share: number }

/** Each process has a writer, one beside it, and two readers. */
export const CONNECTIONS_EACH = 4
const LEAST_COATCHECKS = 2
/** Most rows of a statement, the sweep's among them, and of a statement of touches. */
const MOST_ROWS = 500
const MOST_TOUCHES = 1_000
const TOUCH_MS = 1_000
const SWEEP_MS = 60_000
const HEARTBEATS_PER_SECOND = 1
/** Of one core: above it answers get slow. */
const BUSY_SHARE = 0.6
const PAGE_BYTES = 8_192
/** The WAL of so many checkpoints is kept. */
const KEPT_CHECKPOINTS = 2

export function ratesOf(sessions: number, behaviour: Behaviour): Rates {
  const requests = (sessions * behaviour.inUseShare) / behaviour.secondsBetweenRequests
  const puts = requests * behaviour.writeShare
  const gets = requests - puts
  const logIns = (sessions / (behaviour.lifeHours * 3_600)) * behaviour.peak
  const logOuts = logIns * behaviour.logOutShare
  // Requests of one session in one second share a touch: that they never fall together is the dear case.
  return { gets, puts, touches: gets, logIns, logOuts, expiries: logIns - logOuts }
}

/** How many are under way at the same time (Little's law), one at least. */
export function underWay(perSecond: number, ms: number, most: number): number {
  return Math.min(most, Math.max(1, (perSecond * ms) / 1_000))
}

/** How many of so many boxes are hit by so many throws at random. */
export function distinct(throws: number, boxes: number): number {
  return boxes === 0 ? 0 : boxes * -Math.expm1(-throws / boxes)
}

export function needOf(
  sessions: number,
  behaviour: Behaviour,
  machine: Machine,
  costs: Costs,
): Need {
  const rates = ratesOf(sessions, behaviour)
  const coatchecks = coatchecksFor(rates, behaviour, machine, costs)
  const { cost, commits } = workOf(rates, coatchecks, behaviour, machine, costs)
  const pages = pagesOf(sessions, rates, behaviour, machine, costs)
  const imageBytes = pages.firstWritesPerSecond * costs.pageImage.walBytes
  const walBytesPerSecond = cost.walBytes + imageBytes
  const connections = coatchecks * CONNECTIONS_EACH
  const tombstones =
    (sessions / behaviour.lifeHours) * behaviour.keepEndedHours * costs.bytesPerTombstone
  const data = sessions * (costs.tableBytesPerSession + costs.indexBytesPerSession) + tombstones
  const memoryBytes =
    Math.min(pages.hot * PAGE_BYTES, data) + connections * costs.bytesPerConnection
  const ended = rates.logOuts + rates.expiries
  const postgresUs =
    cost.postgresUs +
    ended * costs.vacuumUs +
    pages.firstWritesPerSecond * costs.pageImage.postgresUs
  return {
    sessions,
    rates,
    coatchecks,
    coatcheckCores: cost.coatcheckUs / 1e6,
    coatcheckMemoryBytes: coatchecks * costs.bytesPerCoatcheck,
    connections,
    postgresCores: postgresUs / 1e6,
    walBytesPerSecond,
    imageBytesPerSecond: imageBytes,
    commitsPerSecond: commits,
    pagesPerSecond:
      pages.firstWritesPerSecond + pages.coldReadsPerSecond(machine.memoryBytes, data),
    memoryBytes,
    diskBytes: data + walBytesPerSecond * machine.checkpointSeconds * KEPT_CHECKPOINTS,
  }
}

/** The tightest first. */
export function limitsOf(need: Need, machine: Machine): readonly Limit[] {
  const { usableShare } = machine
  const limit = (name: string, wanted: number, there: number) => ({
    name,
    share: wanted / (there * usableShare),
  })
  return [
    limit('CPU of PostgreSQL', need.postgresCores, machine.cores),
    limit('WAL', need.walBytesPerSecond, machine.walBytesPerSecond),
    limit('pages read and written', need.pagesPerSecond, machine.pagesPerSecond),
    limit('memory', need.memoryBytes, machine.memoryBytes),
    limit('disk', need.diskBytes, machine.diskBytes),
    limit('connections', need.connections, machine.connections),
  ].toSorted((a, b) => b.share - a.share)
}

/** So many sessions one primary holds, and what ends first there. */
export function endOfPrimary(
  behaviour: Behaviour,
  machine: Machine,
  costs: Costs,
): { readonly sessions: number; readonly limit: string } {
  const tightest = (sessions: number) =>
    limitsOf(needOf(sessions, behaviour, machine, costs), machine)[0]
  let low = 1e3
  let high = 1e11
  while (high / low > 1.001) {
    const middle = Math.sqrt(low * high)
    if ((tightest(middle)?.share ?? 0) > 1) high = middle
    else low = middle
  }
  return { sessions: low, limit: tightest(low)?.name ?? '' }
}

/** The fewest whose CPU stays below what keeps answers quick. */
function coatchecksFor(rates: Rates, behaviour: Behaviour, machine: Machine, costs: Costs): number {
  for (let count = LEAST_COATCHECKS; ; count++) {
    const { cost } = workOf(rates, count, behaviour, machine, costs)
    const missing = cost.coatcheckUs / 1e6 / BUSY_SHARE - count
    if (missing <= 0) return count
    // More processes make smaller batches, so there are never too many this way.
    count += Math.max(0, Math.ceil(missing) - 1)
  }
}

type Work = { readonly cost: Cost; readonly commits: number }

/** In one second, of all processes together. */
function workOf(
  rates: Rates,
  coatchecks: number,
  behaviour: Behaviour,
  machine: Machine,
  costs: Costs,
): Work {
  const { gets, puts, touches, logIns, logOuts, expiries } = rates
  const { readMs, commitMs } = machine
  const work = (perSecond: number, cost: Levels, ms: number, most: number): Work => {
    const together = underWay(perSecond / coatchecks, ms, most)
    return { cost: scale(costOfOne(cost, together), perSecond), commits: perSecond / together }
  }
  // Whoever has a cookie is looked up first, which is in the cost of these.
  const changeMs = readMs + commitMs
  const insert = behaviour.isLimited ? costs.insertLimited : costs.insert
  const writes = [
    work(puts, costs.change, changeMs, MOST_ROWS),
    work(logIns, insert, commitMs, MOST_ROWS),
    work(logOuts, costs.end, changeMs, MOST_ROWS),
    work(touches, costs.touch, TOUCH_MS, MOST_TOUCHES),
    work(expiries, costs.expire, SWEEP_MS, MOST_ROWS),
    work(logOuts + expiries, costs.forget, SWEEP_MS, MOST_ROWS),
  ]
  const finds = work(gets, costs.find, readMs, MOST_ROWS)
  const requests = gets + puts + logIns + logOuts
  const http = { ...NOTHING, coatcheckUs: requests * costs.httpUs }
  const idle = scale(costs.idleSecond, coatchecks)
  return {
    cost: [...writes.map(({ cost }) => cost), finds.cost, http, idle].reduce(add, NOTHING),
    commits:
      writes.reduce((sum, { commits }) => sum + commits, 0) + coatchecks * HEARTBEATS_PER_SECOND,
  }
}

/** `hot`: how many pages of table and indexes the sessions in use are on. */
function pagesOf(
  sessions: number,
  rates: Rates,
  { inUseShare, visitSeconds }: Behaviour,
  { checkpointSeconds }: Machine,
  { tableBytesPerSession, indexBytesPerSession }: Costs,
) {
  const inUse = sessions * inUseShare
  const arrivals = inUse / visitSeconds
  const tablePages = (sessions * tableBytesPerSession) / PAGE_BYTES
  const indexPages = (sessions * indexBytesPerSession) / PAGE_BYTES
  const ends = rates.logOuts + rates.expiries
  // Whoever is here, comes, or ends between two checkpoints.
  const written = inUse + (arrivals + ends) * checkpointSeconds
  return {
    hot: distinct(inUse, tablePages) + distinct(inUse, indexPages),
    firstWritesPerSecond: distinct(written, tablePages) / checkpointSeconds,
    /** Who comes after a while finds one page of the index and one of the table out of memory. */
    coldReadsPerSecond: (memoryBytes: number, dataBytes: number) =>
      arrivals * 2 * Math.max(0, 1 - memoryBytes / dataBytes),
  }
}

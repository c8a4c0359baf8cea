/** Reads what work on a cluster costs: this process's CPU, all of PostgreSQL's, and bytes of WAL. */
import pg from 'pg'
import type { Cluster } from '../../kit/postgres/cluster.ts'
import { readExactCpuUs } from '../machine/process-usage.ts'
import { median } from '../table.ts'
import { type Cost, type Levels, scale } from './costs.ts'

export type Meter = {
  /** What this work costs as a whole. */
  read(work: () => Promise<unknown>): Promise<Cost>
  /** Of one, by how many are under way; the median of rounds. */
  levelsOf(one: () => unknown): Promise<Levels>
  ask(text: string): Promise<unknown[][]>
  close(): Promise<void>
}

const ROUNDS = 3
/** So many under way, and so many of them in a round. */
const LEVELS = [
  [1, 150],
  [4, 600],
  [16, 1_600],
  [64, 3_200],
] as const

export async function openMeter(cluster: Cluster, database: string): Promise<Meter> {
  const client = new pg.Client({ host: '127.0.0.1', port: cluster.port, user: 'coat', database })
  await client.connect()

  async function ask(text: string): Promise<unknown[][]> {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows
  }

  async function walBytes(): Promise<number> {
    const [[bytes] = []] = await ask(`select pg_current_wal_insert_lsn() - '0/0'::pg_lsn`)
    return Number(bytes)
  }

  async function read(work: () => Promise<unknown>): Promise<Cost> {
    const wal = await walBytes()
    const postgresUs = readExactCpuUs([cluster.pid])
    const own = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(own)
    return {
      coatcheckUs: user + system,
      postgresUs: readExactCpuUs([cluster.pid]) - postgresUs,
      walBytes: (await walBytes()) - wal,
    }
  }

  return {
    read,

    async levelsOf(one) {
      const levels = []
      for (const [together, count] of LEVELS) {
        const cost = await medianOf(() => read(() => underWay(together, count, one)), count)
        levels.push({ together, ...cost })
      }
      return levels
    },

    ask,
    close: () => client.end(),
  }
}

/** Always so many under way: when one is done, the next begins. */
export async function underWay(together: number, count: number, one: () => unknown): Promise<void> {
  let begun = 0
  const work = async () => {
    while (begun < count) {
      begun++
      await one()
    }
  }
  await Promise.all(Array.from({ length: together }, work))
}

/** By one of so many; a first round warms up. */
export async function medianOf(read: () => Promise<Cost>, count: number): Promise<Cost> {
  const costs: Cost[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const cost = await read()
    if (round > 0) costs.push(scale(cost, 1 / count))
  }
  const middle = (of: (cost: Cost) => number) => median(costs.map(of))
  return {
    coatcheckUs: middle(({ coatcheckUs }) => coatcheckUs),
    postgresUs: middle(({ postgresUs }) => postgresUs),
    walBytes: middle(({ walBytes }) => walBytes),
  }
}

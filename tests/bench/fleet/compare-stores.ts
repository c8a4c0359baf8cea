/**
 * A request on PostgreSQL beside one on SQLite, over HTTP, in turn within one run; and what a million touches
 * leave behind in the tables. Linux only: it reads /proc.
 */
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Store } from '../../../lib/store/store.ts'
import { getUser, putUser, sendAll } from '../../kit/clients/load-client.ts'
import { type Cluster, startCluster } from '../../kit/postgres/cluster.ts'
import { limitedProgram } from '../../kit/process/probed-program.ts'
import { makeFolder, type RunningServer, spawnServer } from '../../kit/process/spawn-server.ts'
import { dataOf } from '../data/filled-file.ts'
import { readExactCpuUs } from '../machine/process-usage.ts'
import { median } from '../table.ts'
import { type Meter, openMeter, underWay } from './meter.ts'
import { renderTable } from './render.ts'
import { flush, idOf, lasting, openOn, SETTINGS, STILL } from './subject.ts'

/** Microseconds of CPU a request: Coatcheck's, and the database's. */
type Own = { readonly own: number; readonly database: number }
type Pair = { readonly sqlite: Own; readonly postgres: Own }

type Subject = { readonly server: RunningServer; readonly cookies: readonly string[] }

const SESSIONS = 1_000
const DATA_BYTES = 300
const LEVELS = [4, 32, 64]
const ROUNDS = 5
const REQUESTS = 3_200
const GROWN = 100_000
const TOUCHES = 1_000_000
const TOUCHES_TOGETHER = 1_000

export async function compareStores(bin: string): Promise<string> {
  const cluster = await startCluster(bin, SETTINGS)
  try {
    const costs = await compareRequests(cluster)
    const database = await cluster.createDatabase()
    const meter = await openMeter(cluster, database)
    const store = await openOn(cluster, database, STILL)
    try {
      return `${costs}\n${await measureGrowth(meter, store)}`
    } finally {
      await Promise.all([store.close(), meter.close()])
    }
  } finally {
    await cluster.stop()
    rmSync(dirname(cluster.folder), { recursive: true })
  }
}

async function compareRequests(cluster: Cluster): Promise<string> {
  const folder = makeFolder()
  const address = `postgres://coat@127.0.0.1:${cluster.port}/${await cluster.createDatabase()}`
  const key = ['--api-key-file', join(folder, 'key')]
  const servers = [
    await spawnServer(['--data', join(folder, 'sessions.db'), ...key], {}, [], limitedProgram()),
    await spawnServer(['--store', address, ...key], {}, [], limitedProgram()),
  ] as const
  try {
    const [sqlite, postgres] = [await fill(servers[0]), await fill(servers[1])]
    return await compareCosts(cluster, { sqlite, postgres })
  } finally {
    for (const server of servers) {
      server.kill('SIGTERM')
      await server.ended
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Begins the sessions that the requests are about. */
async function fill(server: RunningServer): Promise<Subject> {
  const cookies: string[] = []
  const body = dataOf(DATA_BYTES)
  await underWay(50, SESSIONS, async () => {
    const answer = await fetch(`${server.url}/session`, { method: 'PUT', body })
    const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';', 1)
    if (!answer.ok || cookie === '') throw new Error(`No session began: ${answer.status}`)
    cookies.push(cookie)
  })
  return { server, cookies }
}

async function compareCosts(
  cluster: Cluster,
  { sqlite, postgres }: { readonly sqlite: Subject; readonly postgres: Subject },
): Promise<string> {
  const rows: string[][] = [
    ['µs of CPU', 'under way', 'on SQLite', 'on PostgreSQL', 'PostgreSQL itself', 'ratio'],
  ]
  for (const [name, textOf] of Object.entries({ GET: getUser, PUT: putUser })) {
    for (const together of LEVELS) {
      const read = async ({ server, cookies }: Subject): Promise<Own> => {
        const before = [server.pid, cluster.pid].map((pid) => readExactCpuUs([pid]))
        let sent = 0
        const next = () =>
          sent++ < REQUESTS ? textOf(cookies[randomInt(SESSIONS)] ?? '') : undefined
        await sendAll(Number(new URL(server.url).port), together, next)
        const after = [server.pid, cluster.pid].map((pid) => readExactCpuUs([pid]))
        const [own = NaN, database = NaN] = after.map(
          (us, at) => (us - (before[at] ?? NaN)) / REQUESTS,
        )
        return { own, database }
      }
      const pairs: Pair[] = []
      for (let round = 0; round <= ROUNDS; round++) {
        const pair = { sqlite: await read(sqlite), postgres: await read(postgres) }
        // The first round compiles.
        if (round > 0) pairs.push(pair)
      }
      const middle = (of: (pair: Pair) => number) => median(pairs.map(of))
      rows.push([
        name,
        String(together),
        middle(({ sqlite: { own } }) => own).toFixed(1),
        middle(({ postgres: { own } }) => own).toFixed(1),
        middle(({ postgres: { database } }) => database).toFixed(1),
        middle((pair) => pair.postgres.own / pair.sqlite.own).toFixed(2),
      ])
    }
  }
  return renderTable(rows)
}

/** Each statement touches a thousand sessions, wherever they are; vacuum is off. */
async function measureGrowth(
  meter: Meter,
  store: Pick<Store, 'insert' | 'touch' | 'endMany'>,
): Promise<string> {
  let begun = 0
  await underWay(500, GROWN, () => store.insert(lasting(begun++)))
  await meter.ask('vacuum sessions')
  const sizes = () => meter.ask(`select pg_table_size('sessions'), pg_indexes_size('sessions')`)
  const before = await sizes()
  let now = STILL.now()
  const cost = await meter.read(async () => {
    for (let done = 0; done < TOUCHES; done += TOUCHES_TOGETHER) {
      now++
      for (let n = 0; n < TOUCHES_TOGETHER; n++) void store.touch(idOf(randomInt(GROWN)), now)
      await flush(store)
    }
  })
  const [[table, indexes] = []] = await sizes()
  const [[tableBefore, indexesBefore] = []] = before
  const grown = (after: unknown, at: unknown) =>
    `${((Number(after) / Number(at) - 1) * 100).toFixed(1)} %`
  return (
    `A million touches of ${GROWN.toLocaleString('en')} sessions: ` +
    `${(cost.postgresUs / 1e6).toFixed(0)} s of PostgreSQL's CPU, ` +
    `${(cost.walBytes / 1e6).toFixed(0)} MB of WAL; the table grew by ${grown(table, tableBefore)}, ` +
    `its indexes by ${grown(indexes, indexesBefore)}, without a vacuum.\n`
  )
}

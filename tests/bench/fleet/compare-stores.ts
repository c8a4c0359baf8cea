/**
 * A request on PostgreSQL beside one on SQLite, at the level of the store, in turn within one run; and what a
 * million touches leave behind in the tables. Linux only: it reads /proc.
 */
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Store } from '../../../lib/store/store.ts'
import { startCluster } from '../../kit/postgres/cluster.ts'
import { openFileStore } from '../../kit/store/open-file-store.ts'
import { median } from '../table.ts'
import { type Meter, openMeter, underWay } from './meter.ts'
import { renderTable } from './render.ts'
import { flush, idOf, lasting, openOn, SETTINGS, setUser, STILL } from './subject.ts'

type Requested = Pick<Store, 'find' | 'insert' | 'change' | 'touch' | 'endMany' | 'close'>

/** Microseconds of CPU a request: this process's, and the database's. */
type Own = { readonly own: number; readonly database: number }
type Pair = { readonly sqlite: Own; readonly postgres: Own }

const SESSIONS = 1_000
const LEVELS = [4, 32, 64]
const ROUNDS = 5
const REQUESTS = 3_200
const GROWN = 100_000
const TOUCHES = 1_000_000
const TOUCHES_TOGETHER = 1_000

/** `httpUs`: what a request costs on either store besides. */
export async function compareStores(bin: string, httpUs: number): Promise<string> {
  const cluster = await startCluster(bin, SETTINGS)
  const file = await openFileStore({ clock: STILL })
  try {
    const database = await cluster.createDatabase()
    const meter = await openMeter(cluster, database)
    const store = await openOn(cluster, database, STILL)
    try {
      const costs = await compareCosts(meter, httpUs, store, file.store)
      return `${costs}\n${await measureGrowth(meter, store)}`
    } finally {
      await Promise.all([store.close(), meter.close()])
    }
  } finally {
    await file.store.close()
    await cluster.stop()
    for (const path of [cluster.folder, file.path]) rmSync(dirname(path), { recursive: true })
  }
}

const REQUEST = {
  GET: async (store: Requested) => {
    const id = idOf(randomInt(SESSIONS))
    await store.find(id, STILL.now())
    await store.touch(id, STILL.now())
  },
  PUT: async (store: Requested) => {
    const id = idOf(randomInt(SESSIONS))
    await store.find(id, STILL.now())
    await store.change(id, STILL.now(), setUser())
  },
} as const

async function compareCosts(
  meter: Meter,
  httpUs: number,
  postgres: Requested,
  sqlite: Requested,
): Promise<string> {
  for (const store of [postgres, sqlite]) {
    let begun = 0
    await underWay(100, SESSIONS, () => store.insert(lasting(begun++)))
  }
  const rows: string[][] = [
    [
      'µs of CPU',
      'under way',
      'on SQLite',
      'on PostgreSQL',
      'PostgreSQL itself',
      'ratio',
      'with HTTP',
    ],
  ]
  for (const [name, request] of Object.entries(REQUEST)) {
    for (const together of LEVELS) {
      const read = async (store: Requested) => {
        const work = async () => {
          await underWay(together, REQUESTS, () => request(store))
          await flush(store)
        }
        const { coatcheckUs, postgresUs } = await meter.read(work)
        return { own: coatcheckUs / REQUESTS, database: postgresUs / REQUESTS }
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
        middle((pair) => (httpUs + pair.postgres.own) / (httpUs + pair.sqlite.own)).toFixed(2),
      ])
    }
  }
  return renderTable(rows)
}

/** Each statement touches a thousand sessions, wherever they are; vacuum is off. */
async function measureGrowth(
  meter: Meter,
  store: Requested & Pick<Store, 'touch'>,
): Promise<string> {
  let begun = SESSIONS
  await underWay(500, GROWN - SESSIONS, () => store.insert(lasting(begun++)))
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

/**
 * What the store on PostgreSQL costs, on a cluster of its own. CPU time, which a busy machine stretches less than
 * it stretches time. Linux only: it reads /proc.
 */
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../lib/base/clock.ts'
import type { Store } from '../../../lib/store/store.ts'
import type { Session } from '../../../lib/session/session.ts'
import { type Cluster, startCluster } from '../../kit/postgres/cluster.ts'
import { HOUR } from '../../kit/store/limits.ts'
import { readOwnBytes } from '../machine/process-usage.ts'
import { add, type Cost, type Costs, costOfOne, type Levels, scale } from './costs.ts'
import { type Meter, medianOf, openMeter, underWay } from './meter.ts'
import { flush, idOf, KEPT, lasting, openOn, SETTINGS, setUser, STILL } from './subject.ts'

type StoreCosts = Omit<Costs, 'httpUs' | 'bytesPerCoatcheck'>

/** In the tables while the rest is measured. */
const SESSIONS = 100_000
/** Read and written again and again; each has a page of its own, as where many come and few are there. */
const WARM = 1_000
const STRIDE = 50
/** As many rows as a statement of touches takes, and one less than a piece of the sweep. */
const TOUCHED = 1_000
const SWEPT = 499
const SOME = 30
const ALONE = 50
const PAGES = 2_000
/** A fifth of the table: then autovacuum would come. */
const VACUUMED = SESSIONS / 5
const TOMBSTONES = 20_000
const IDLE_SECONDS = 6
const PER_USER = 5

export async function measureStore(bin: string): Promise<StoreCosts> {
  const cluster = await startCluster(bin, SETTINGS)
  try {
    const database = await cluster.createDatabase()
    const meter = await openMeter(cluster, database)
    const store = await openOn(cluster, database, STILL)
    const limited = await openOn(cluster, database, STILL, PER_USER)
    try {
      const costs = await measureAll({ meter, store, limited })
      const idleSecond = await measureIdle(cluster, database, meter)
      return { ...costs, idleSecond, bytesPerTombstone: await measureTombstone(cluster) }
    } finally {
      await Promise.all([store.close(), limited.close(), meter.close()])
    }
  } finally {
    await cluster.stop()
    rmSync(dirname(cluster.folder), { recursive: true, force: true })
  }
}

type Subject = {
  readonly meter: Meter
  readonly store: Store
  readonly limited: Store
}

async function measureAll({
  meter,
  store,
  limited,
}: Subject): Promise<Omit<StoreCosts, 'idleSecond' | 'bytesPerTombstone'>> {
  let begun = 0
  await underWay(500, SESSIONS, () => store.insert(lasting(begun++)))
  await meter.ask('vacuum (analyze) sessions')
  const [[tableBytes, indexBytes] = []] = await meter.ask(
    `select pg_table_size('sessions'), pg_indexes_size('sessions')`,
  )
  const oneWarm = () => idOf(randomInt(WARM) * STRIDE)
  const touch = await measureTouch(meter, store)
  // The last of those that were begun at first end first.
  let last = SESSIONS
  return {
    find: await meter.levelsOf(() => store.find(oneWarm(), STILL.now())),
    change: await meter.levelsOf(() => afterFind(store, oneWarm(), change)),
    insert: await meter.levelsOf(() => store.insert(lasting(begun++))),
    insertLimited: await meter.levelsOf(() => limited.insert(lasting(begun++))),
    touch,
    pageImage: await measurePageImage(meter, store, touch),
    end: await meter.levelsOf(() => afterFind(store, idOf(--last), end)),
    ...(await measureSweep(meter, store)),
    vacuumUs: await measureVacuum(meter, store, () => idOf(--last)),
    tableBytesPerSession: Number(tableBytes) / SESSIONS,
    indexBytesPerSession: Number(indexBytes) / SESSIONS,
    bytesPerConnection: await measureConnection(meter),
  }
}

/** As a request does, which asks first who it is. */
async function afterFind(
  store: Store,
  id: string,
  write: (store: Store, id: string) => Promise<unknown>,
): Promise<void> {
  await store.find(id, STILL.now())
  await write(store, id)
}

const change = (store: Store, id: string) => store.change(id, STILL.now(), setUser())
const end = (store: Store, id: string) => store.end(id, STILL.now(), 'logout')

/** `now` moves on, as a touch of a moment that is known already writes nothing. */
async function measureTouch(meter: Meter, store: Store): Promise<Levels> {
  let now = STILL.now()
  const touchAll = async (rows: number, times: number) => {
    for (let time = 0; time < times; time++) {
      now++
      for (let n = 0; n < rows; n++) void store.touch(idOf(n * STRIDE), now)
      await flush(store)
    }
  }
  const of = async (rows: number, times: number): Promise<Cost> => {
    const all = await medianOf(() => meter.read(() => touchAll(rows, times)), times)
    const flushes = await medianOf(() => meter.read(() => touchAll(0, times)), times)
    return scale(less(all, flushes), 1 / rows)
  }
  return [
    { together: 1, ...(await of(1, 100)) },
    { together: SOME, ...(await of(SOME, 30)) },
    { together: TOUCHED, ...(await of(TOUCHED, 10)) },
  ]
}

/** What a touch costs more on a page that is written for the first time after a checkpoint. */
async function measurePageImage(meter: Meter, store: Store, touch: Levels) {
  const onePerPage = `select (array_agg(id))[1] from sessions
    group by (ctid::text::point)[0] order by random() limit ${PAGES}`
  const ids = (await meter.ask(onePerPage)).map(([id]) => String(id))
  await meter.ask('checkpoint')
  const now = STILL.now() + HOUR
  for (const id of ids) void store.touch(id, now)
  const cost = scale(await meter.read(() => flush(store)), 1 / ids.length)
  const { postgresUs, walBytes } = less(cost, costOfOne(touch, TOUCHED))
  return { postgresUs, walBytes }
}

/** Of sessions that were begun past their time, so that the next sweep finds them. */
async function measureSweep(meter: Meter, store: Store) {
  let begun = 0
  const begin = (count: number) => underWay(count, count, () => store.insert(dying(begun++)))
  const sweepAt = (now: number) => meter.read(() => store.sweep(now))
  const read = async (count: number) => {
    await begin(count)
    const now = STILL.now()
    const expired = await sweepAt(now)
    return { expired, forgotten: await sweepAt(now + KEPT) }
  }
  const pairOf = async (count: number, rounds: number) => {
    const pairs = []
    for (let round = 0; round < rounds; round++) pairs.push(await read(count))
    const mean = (costs: readonly Cost[]) => scale(costs.reduce(add), 1 / (rounds * count))
    return {
      expired: mean(pairs.map(({ expired }) => expired)),
      forgotten: mean(pairs.map(({ forgotten }) => forgotten)),
    }
  }
  // A first round warms up.
  await pairOf(SWEPT, 1)
  const alone = await pairOf(1, ALONE)
  const some = await pairOf(SOME, ALONE / 5)
  const many = await pairOf(SWEPT, 5)
  const levelsOf = (of: (pair: typeof alone) => Cost): Levels => [
    { together: 1, ...of(alone) },
    { together: SOME, ...of(some) },
    { together: SWEPT, ...of(many) },
  ]
  return {
    expire: levelsOf(({ expired }) => expired),
    forget: levelsOf(({ forgotten }) => forgotten),
  }
}

async function measureVacuum(meter: Meter, store: Store, nextId: () => string): Promise<number> {
  await meter.ask('vacuum sessions')
  await underWay(500, VACUUMED, () => store.end(nextId(), STILL.now(), 'logout'))
  const { postgresUs } = await meter.read(() => meter.ask('vacuum sessions'))
  return postgresUs / VACUUMED
}

async function measureConnection(meter: Meter): Promise<number> {
  const rows = await meter.ask(
    `select pid from pg_stat_activity where application_name like 'coatcheck %'`,
  )
  const bytes = rows.map(([pid]) => readOwnBytes(Number(pid)))
  return bytes.reduce((a, b) => a + b, 0) / bytes.length
}

async function measureIdle(cluster: Cluster, database: string, meter: Meter): Promise<Cost> {
  const store = await openOn(cluster, database, systemClock)
  try {
    const cost = await meter.read(() => sleep(IDLE_SECONDS * 1_000))
    return scale(cost, 1 / IDLE_SECONDS)
  } finally {
    await store.close()
  }
}

/** With nothing else in the tables, which are packed as they would be when new. */
async function measureTombstone(cluster: Cluster): Promise<number> {
  const database = await cluster.createDatabase()
  const meter = await openMeter(cluster, database)
  const store = await openOn(cluster, database, STILL)
  try {
    let begun = 0
    await underWay(500, TOMBSTONES, () => store.insert(lasting(begun++)))
    const everybody = { app: undefined, sub: undefined, except: undefined }
    await store.endMany(everybody, STILL.now(), 'revoked', TOMBSTONES)
    await meter.ask('vacuum full sessions')
    const [[bytes] = []] = await meter.ask(`select pg_total_relation_size('sessions')`)
    return Number(bytes) / TOMBSTONES
  } finally {
    await store.close()
    await meter.close()
  }
}

/** The same, past its time, and not so long that it would be forgotten. */
function dying(n: number): Session {
  const now = STILL.now()
  const id = `d${idOf(n).slice(1)}`
  return { ...lasting(n), id, createdAt: now - 1_000, lastSeenAt: now - 1_000, idleTimeoutMs: 500 }
}

function less(a: Cost, b: Cost): Cost {
  return {
    coatcheckUs: Math.max(0, a.coatcheckUs - b.coatcheckUs),
    postgresUs: Math.max(0, a.postgresUs - b.postgresUs),
    walBytes: Math.max(0, a.walBytes - b.walBytes),
  }
}

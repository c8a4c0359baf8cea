/** What a million touches cost and leave behind in the tables. Linux only: it reads /proc. */
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Store } from '../../../lib/store/store.ts'
import { startCluster } from '../../kit/postgres/cluster.ts'
import { type Meter, openMeter, underWay } from './meter.ts'
import { flush, idOf, lasting, openOn, SETTINGS, STILL } from './subject.ts'

const SESSIONS = 100_000
const TOUCHES = 1_000_000
const TOUCHES_TOGETHER = 1_000

export async function measureGrowth(bin: string): Promise<string> {
  const cluster = await startCluster(bin, SETTINGS)
  try {
    const database = await cluster.createDatabase()
    const meter = await openMeter(cluster, database)
    const store = await openOn(cluster, database, STILL)
    try {
      return await touchAll(meter, store)
    } finally {
      await Promise.all([store.close(), meter.close()])
    }
  } finally {
    await cluster.stop()
    rmSync(dirname(cluster.folder), { recursive: true })
  }
}

/** Each statement touches a thousand sessions, wherever they are; vacuum is off. */
async function touchAll(
  meter: Meter,
  store: Pick<Store, 'insert' | 'touch' | 'endMany'>,
): Promise<string> {
  let begun = 0
  await underWay(500, SESSIONS, () => store.insert(lasting(begun++)))
  await meter.ask('vacuum sessions')
  const sizes = () => meter.ask(`select pg_table_size('sessions'), pg_indexes_size('sessions')`)
  const before = await sizes()
  let now = STILL.now()
  const cost = await meter.read(async () => {
    for (let done = 0; done < TOUCHES; done += TOUCHES_TOGETHER) {
      now++
      for (let n = 0; n < TOUCHES_TOGETHER; n++) void store.touch(idOf(randomInt(SESSIONS)), now)
      await flush(store)
    }
  })
  const [[table, indexes] = []] = await sizes()
  const [[tableBefore, indexesBefore] = []] = before
  const grown = (after: unknown, at: unknown) =>
    `${((Number(after) / Number(at) - 1) * 100).toFixed(1)} %`
  return (
    `A million touches of ${SESSIONS.toLocaleString('en')} sessions: ` +
    `${(cost.postgresUs / 1e6).toFixed(0)} s of PostgreSQL's CPU, ` +
    `${(cost.walBytes / 1e6).toFixed(0)} MB of WAL; the table grew by ${grown(table, tableBefore)}, ` +
    `its indexes by ${grown(indexes, indexesBefore)}, without a vacuum.`
  )
}

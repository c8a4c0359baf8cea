/** The sessions of a filled file, in a database. */
import pg from 'pg'
import { parseAddress } from '../../../lib/base/database-address.ts'
import { postgresOperatorStores } from '../../../lib/store-postgres/operator.ts'
import type { Cluster } from '../../kit/postgres/cluster.ts'
import { DAY, dataOf, filledSession, type Filling } from './filled-file.ts'

const BATCH = 20_000

const INSERT = `insert into sessions (id, number, secret_hash, data, claims, permanent, created_at,
    last_seen_at, idle_timeout_ms, lifetime_ms, own_idle_timeout, own_lifetime, version, sweep_at)
  select id, nextval('session_numbers'), secret_hash, $4, '{}', false, dies - $5, dies - $5, $5, $5 * 30,
    true, true, 1, dies
  from unnest($1::text[], $2::text[], $3::bigint[]) as filled (id, secret_hash, dies)`

export type FilledDatabase = {
  readonly address: string
  /** Of the sessions, with their indexes. */
  readonly bytes: number
}

/** A new database, made with the program's own tables. */
export async function fillDatabase(cluster: Cluster, filling: Filling): Promise<FilledDatabase> {
  const database = await cluster.createDatabase()
  const address = `postgres://coat@127.0.0.1:${cluster.port}/${database}`
  const options = { address: parseAddress(address), password: undefined }
  await (await postgresOperatorStores.openOrCreateStore(options)).close()

  const client = new pg.Client({ host: '127.0.0.1', port: cluster.port, user: 'coat', database })
  await client.connect()
  // Nothing is to be kept here if the power fails.
  await client.query('set synchronous_commit = off')
  const data = dataOf(filling.dataBytes)
  for (let from = 0; from < filling.count; from += BATCH) {
    const size = Math.min(BATCH, filling.count - from)
    const batch = Array.from({ length: size }, (_, at) => filledSession(from + at, filling))
    const columns = [
      batch.map(({ id }) => id),
      batch.map(({ secretHash }) => secretHash),
      batch.map(({ dies }) => dies),
    ]
    await client.query(INSERT, [...columns, data, DAY])
  }
  // As autovacuum leaves it sooner or later, but not in the middle of a measurement.
  await client.query('vacuum (freeze, analyze) sessions')
  await client.query('checkpoint')
  await client.end()
  const size = `select pg_total_relation_size('sessions')`
  const [[bytes] = []] = await cluster.query(size, database)
  return { address, bytes: Number(bytes) }
}

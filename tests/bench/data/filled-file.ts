/**
 * Data files with as many sessions as a measurement asks for. The nth session's id and secret follow
 * from `n`, so that whoever sends requests can open any of ten million without a list of them.
 */
import { hash, randomInt } from 'node:crypto'
import Database from 'better-sqlite3'
import { checksumOf } from '../../../lib/store-sqlite/tables/checksum.ts'
import { createFile, prepareDatabase } from '../../../lib/store-sqlite/database/database.ts'
import { hashSecret } from '../../../lib/session/token.ts'

export type Filling = {
  readonly count: number
  /** Of each session's data. */
  readonly dataBytes: number
  /** The moment at which the last session expires; the others spread over `spreadMs` before it. */
  readonly expiresAt: number
  readonly spreadMs: number
}

/** Each session's idle timeout: it was used so long before it dies. */
export const DAY = 24 * 60 * 60_000
const BATCH = 100_000

/** The `n`th session's cookie. */
export function cookieOf(n: number): string {
  const id = idOf(n)
  return `sid=${id}.${secretOf(id)}`
}

/** A JSON object of so many bytes, with the keys of a small shop. */
export function dataOf(bytes: number): string {
  const start = '{"user":"ada","theme":"dark","visits":12,"cart":["apple","pear"],"note":"'
  return `${start}${'x'.repeat(Math.max(0, bytes - start.length - 2))}"}`
}

/** Makes the file, with the program's own tables and with statements faster than the program's. */
export function fillFile({
  path,
  count,
  dataBytes,
  expiresAt,
  spreadMs,
}: Filling & { readonly path: string }): void {
  createFile(path)
  prepareDatabase(path)
  const database = new Database(path)
  // Nothing is to be kept here if the power fails, and each page is written once; SQLite's
  // defensive mode, which better-sqlite3 sets, would keep the journal on.
  database.unsafeMode()
  database.pragma('journal_mode = off')
  database.pragma('synchronous = off')
  database.pragma('cache_size = -2000000')
  const insert = database.prepare(
    `insert into sessions (id, secret_hash, data, claims, permanent, created_at, last_seen_at,
       idle_timeout_ms, lifetime_ms, sweep_at, version, checksum)
     values (?, ?, ?, '{}', 0, ?, ?, ?, ?, ?, 1, ?)`,
  )
  const data = dataOf(dataBytes)
  const fillBatch = database.transaction((from: number) => {
    for (let n = from; n < Math.min(from + BATCH, count); n++) {
      const { id, secretHash, dies } = filledSession(n, { expiresAt, spreadMs })
      const seen = dies - DAY
      const times = { createdAt: seen, lastSeenAt: seen, idleTimeoutMs: DAY, lifetimeMs: 30 * DAY }
      const rest = { claims: '{}', permanent: false, version: 1, device: null }
      // As the columns have it that are not written here.
      const own = { ownIdleTimeout: true, ownLifetime: true }
      const checksum = checksumOf({ id, secretHash, data, ...times, ...own, ...rest })
      insert.run(id, secretHash, data, seen, seen, DAY, 30 * DAY, dies, checksum)
    }
  })
  for (let from = 0; from < count; from += BATCH) fillBatch(from)
  database.pragma('journal_mode = wal')
  database.close()
}

/** What is the `n`th session's own. */
export function filledSession(
  n: number,
  { expiresAt, spreadMs }: Pick<Filling, 'expiresAt' | 'spreadMs'>,
): { id: string; secretHash: string; dies: number } {
  const id = idOf(n)
  const dies = expiresAt - (spreadMs === 0 ? 0 : randomInt(spreadMs))
  return { id, secretHash: hashSecret(secretOf(id)), dies }
}

/** As the program mints them, one a millisecond. */
function idOf(n: number): string {
  const time = (Date.UTC(2026) + n).toString(36)
  return time + hash('sha256', `id ${n}`, 'base64url').slice(0, 21 - time.length)
}

/** As long as a secret of the program's, 43 characters. */
function secretOf(id: string): string {
  return hash('sha256', `secret ${id}`, 'base64url')
}

/** What the measurements of the store on PostgreSQL work on: a store whose time stands still, and sessions. */
import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import { parseAddress } from '../../../lib/base/database-address.ts'
import { openPostgresStore } from '../../../lib/store-postgres/store-postgres.ts'
import type { Operation } from '../../../lib/session/operations.ts'
import type { Session } from '../../../lib/session/session.ts'
import type { Store } from '../../../lib/store/store.ts'
import type { Cluster } from '../../kit/postgres/cluster.ts'
import { DAY, HOUR, LIMITS } from '../../kit/store/limits.ts'
import { sessionAt } from '../../kit/store/session-at.ts'
import { dataOf } from '../data/filled-file.ts'

const DATA_BYTES = 300
/** What is measured is not what ends by itself. */
const LIFE = 60 * DAY
export const KEPT = HOUR

/** No timer runs by itself, so that nothing happens but what is measured. */
export const STILL: Clock = { now: systemClock.now, every: () => () => {} }
/** Checkpoints and vacuum happen when they are asked for. */
export const SETTINGS = [
  'checkpoint_timeout=1d',
  'max_wal_size=16GB',
  'autovacuum=off',
  'shared_buffers=512MB',
]

export async function openOn(
  { port }: Cluster,
  database: string,
  clock: Clock,
  maxSessionsPerSub?: number,
): Promise<Store> {
  const { store } = await openPostgresStore({
    address: parseAddress(`postgres://coat@127.0.0.1:${port}/${database}`),
    limits: { ...LIMITS, maxSessionsPerSub },
    keepEndedMs: KEPT,
    keepEventsMs: KEPT,
    maxEvents: 1_000_000,
    durability: 'full',
    maxPendingWrites: 10_000,
    maxWriteWaitMs: 60_000,
    answerTimeoutMs: 60_000,
    clock,
    // Without its timers it would take the database for one that commits nothing.
    ...(clock === STILL && { elapsedMs: () => 0 }),
  })
  return store
}

/** Ends all sessions of a user whom there is not, which waits for the activity so far. */
export async function flush(store: Pick<Store, 'endMany'>): Promise<void> {
  const nobody = { app: undefined, sub: 'nobody', except: undefined }
  await store.endMany(nobody, STILL.now(), 'revoked', 1)
}

/** The `n`th session of a user of its own, as long as real ones, far from its end. */
export function lasting(n: number): Session {
  return sessionAt(STILL.now(), {
    id: idOf(n),
    secretHash: 'h'.repeat(43),
    data: dataOf(DATA_BYTES),
    claims: `{"sub":"user-${n}"}`,
    idleTimeoutMs: LIFE,
    lifetimeMs: LIFE,
    ownIdleTimeout: true,
    ownLifetime: true,
  })
}

/** 21 characters that sort by `n`, as those of the server sort by time. */
export function idOf(n: number): string {
  return `m${String(n).padStart(9, '0')}-0123456789`
}

let values = 0

/** Of another value each time: what changes nothing is not written. */
export function setUser(): Operation {
  return { name: 'set', key: 'user', value: `"ada ${String(values++ % 1_000).padStart(3, '0')}"` }
}

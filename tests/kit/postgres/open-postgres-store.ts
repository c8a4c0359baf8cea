import type { Store } from '../../../lib/store/store.ts'
import type { OpenStore } from '../../contract/open-store.ts'
import { parseAddress } from '../../../lib/base/database-address.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import {
  openPostgresStore,
  type PostgresStoreOptions,
} from '../../../lib/store-postgres/store-postgres.ts'
import type { DatabaseClock } from '../../../lib/store-postgres/database-clock.ts'
import type { FakeClock } from '../clock/fake-clock.ts'
import { DAY, LIMITS } from '../store/limits.ts'
import type { Cluster } from './cluster.ts'

/** A store on a database of this cluster, on a clock that is moved by hand. */
export async function openOn(
  cluster: Pick<Cluster, 'port'>,
  database: string,
  clock: FakeClock,
  {
    limits,
    keepEndedMs = DAY,
    keepEventsMs = DAY,
    maxEvents = 1_000_000,
  }: NonNullable<Parameters<OpenStore>[0]> = {},
  parameters = '',
): Promise<Store> {
  const address = `postgres://coat@127.0.0.1:${cluster.port}/${database}${parameters}`
  const { store } = await openAt(address, {
    limits: { ...LIMITS, ...limits },
    keepEndedMs,
    keepEventsMs,
    maxEvents,
    clock,
    // A jump of the clock is no silence of the database.
    elapsedMs: () => 0,
  })
  return store
}

/** A store at this address, by the machine's clock unless another is given. */
export async function openAt(
  address: string,
  given: Partial<PostgresStoreOptions> = {},
): Promise<{ readonly store: Store; readonly clock: DatabaseClock }> {
  return await openPostgresStore({
    address: parseAddress(address),
    limits: LIMITS,
    keepEndedMs: DAY,
    keepEventsMs: DAY,
    maxEvents: 1_000_000,
    durability: 'full',
    maxPendingWrites: 1_000,
    maxWriteWaitMs: 60_000,
    clock: systemClock,
    ...given,
  })
}

/** The stores whose sessions can be moved here. */

type StoreTraits = {
  /** The default prefix of its keys. */
  readonly prefix: string
} & (
  | {
      /** Its object has a `cookie`. */
      readonly framework: 'express-session'
      /** How long the store keeps a session without times of its own. */
      readonly ttlMs: number
    }
  | {
      /** Its object may have a flag `_permanent`, and be written as MessagePack. */
      readonly framework: 'flask'
    }
)

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const STORES = {
  'connect-redis': { prefix: 'sess:', framework: 'express-session', ttlMs: DAY_MS },
  'connect-mongo': { prefix: '', framework: 'express-session', ttlMs: 14 * DAY_MS },
  'connect-pg-simple': { prefix: '', framework: 'express-session', ttlMs: DAY_MS },
  'connect-sqlite3': { prefix: '', framework: 'express-session', ttlMs: DAY_MS },
  'better-sqlite3-session-store': { prefix: '', framework: 'express-session', ttlMs: DAY_MS },
  'session-file-store': { prefix: '', framework: 'express-session', ttlMs: HOUR_MS },
  'flask-session': { prefix: 'session:', framework: 'flask' },
} as const satisfies Record<string, StoreTraits>

export type ForeignStore = keyof typeof STORES

export const FOREIGN_STORES: readonly string[] = Object.keys(STORES)

export function isForeignStore(name: unknown): name is ForeignStore {
  return typeof name === 'string' && Object.hasOwn(STORES, name)
}

export function traitsOf(store: ForeignStore): StoreTraits {
  return STORES[store]
}

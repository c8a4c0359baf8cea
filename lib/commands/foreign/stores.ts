/** The stores whose sessions can be moved here. */

type StoreTraits = {
  /** What its keys begin with, unless told otherwise. */
  readonly prefix: string
  /** Whose object it keeps: express-session's has a `cookie`, Flask's a flag `_permanent`. */
  readonly framework: 'express-session' | 'flask'
  /** What it keeps a session for whose cookie and record say nothing. */
  readonly ttlMs: number
}

const DAY_MS = 86_400_000

const STORES = {
  'connect-redis': { prefix: 'sess:', framework: 'express-session', ttlMs: DAY_MS },
  'connect-mongo': { prefix: '', framework: 'express-session', ttlMs: 14 * DAY_MS },
  'connect-pg-simple': { prefix: '', framework: 'express-session', ttlMs: DAY_MS },
  'connect-sqlite3': { prefix: '', framework: 'express-session', ttlMs: DAY_MS },
  'better-sqlite3-session-store': { prefix: '', framework: 'express-session', ttlMs: DAY_MS },
  'session-file-store': { prefix: '', framework: 'express-session', ttlMs: 3_600_000 },
  'flask-session': { prefix: 'session:', framework: 'flask', ttlMs: 31 * DAY_MS },
} as const satisfies Record<string, StoreTraits>

export type ForeignStore = keyof typeof STORES

export const FOREIGN_STORES: readonly string[] = Object.keys(STORES)

export function isForeignStore(name: unknown): name is ForeignStore {
  return typeof name === 'string' && Object.hasOwn(STORES, name)
}

export function traitsOf(store: ForeignStore): StoreTraits {
  return STORES[store]
}

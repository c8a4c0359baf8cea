/** Opens the store that the settings name: a data file, or a database, whose driver is loaded only then. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { SessionLimits } from '../session/limits.ts'
import type { Data, Database, DataFile } from '../settings/data.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'
import { placeAddon } from '../store-sqlite/database/addon.ts'
import { KEY_FILE } from '../store-sqlite/database/beside-files.ts'
import { openSqliteStore } from '../store-sqlite/store-sqlite.ts'
import { keepPassword } from './kept-password.ts'

export type OpenStoreOptions = {
  readonly settings: Settings
  readonly limits: SessionLimits
  /** Of this machine, or one of tests. */
  readonly clock: Clock
  readonly log: Log
  /** Told once when nothing can be written any more, until a restart. */
  readonly onFailure: () => void
}

export type OpenedStore = {
  readonly store: Store
  /** The clock that sessions go by. */
  readonly clock: Clock
  /** Where the first API key goes, unless a setting names another file. */
  readonly keyPath: string
  /** The right that the store needs for as long as it runs. */
  readonly keptRight: 'net' | undefined
}

/** Throws what says why the storage cannot be opened. */
export async function openStore(data: Data, options: OpenStoreOptions): Promise<OpenedStore> {
  return data.kind === 'file' ? await openFile(data, options) : await openDatabase(data, options)
}

async function openFile({ path }: DataFile, options: OpenStoreOptions): Promise<OpenedStore> {
  const { settings, limits, clock, log, onFailure } = options
  placeAddon(path, { keep: true })
  const store = await openSqliteStore({
    ...settings,
    path,
    limits,
    clock,
    onFailure(cause) {
      log.error('writing_failed', { message: cause.message })
      onFailure()
    },
    onNewNames(count) {
      log.warn('data_file_has_other_names', { names: count })
    },
    onOutsideChanges(steps) {
      log.done('sessions_ended', { by: 'operator', steps })
    },
    onWalDamage({ from, frames, transactions }) {
      log.warn('wal_truncated', { from, frames, transactions })
    },
  })
  return { store, clock, keyPath: path + KEY_FILE, keptRight: undefined }
}

/** There is no folder of the data: the key goes where a data file would be by default. */
const DATABASE_KEY_PATH = 'data/coatcheck.api-key'

async function openDatabase(database: Database, options: OpenStoreOptions): Promise<OpenedStore> {
  const { settings, limits, log } = options
  const { openPostgresStore } = await import('../store-postgres/store-postgres.ts')
  const { store, clock } = await openPostgresStore({
    ...settings,
    address: database.address,
    password: keepPassword(database),
    limits,
    clock: options.clock,
    onWeaknesses(weaknesses) {
      if (weaknesses.length > 0) log.warn('promises_weaker', { weaknesses: weaknesses.join(' ') })
      else log.info('promises_whole', { weaknesses: '' })
    },
  })
  // A connection that breaks is made anew.
  return { store, clock, keyPath: DATABASE_KEY_PATH, keptRight: 'net' }
}

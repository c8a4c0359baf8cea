/** Opens the SQLite file: checks it before anything is written, and sets it up. */
import { closeSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { listAssets, readAsset } from '../../base/assets.ts'
import { defineChecksums } from '../tables/checksum.ts'
import { beginRun } from '../tables/feed-runs.ts'
import { createFolder, kindOf } from './data-path.ts'
import { damagedWal, findWalDamage, type WalDamage } from '../wal/wal-damage.ts'
import { refuseMountedFiles } from './mounts.ts'
import { refuseOtherNames } from './other-names.ts'
import { DATA_PATH, guarded, malformedFile, StorageError } from './storage-error.ts'
import { refuseWalWithoutFile, refuseStrangeWal } from '../wal/strange-wal.ts'

export type Durability = 'full' | 'relaxed'

/** "Coat" in ASCII, in the header's field that tells what program a SQLite file belongs to. */
const APPLICATION_ID = 0x436f6174

/** The first release without the WAL-reset race that could corrupt a database. */
const OLDEST_SQLITE = '3.51.3'

/** Up to this size, the whole file is checked at start, indexes too: in about 0.2 s. */
const CHECK_LIMIT_BYTES = 16 * 1024 * 1024

const BUSY_TIMEOUT_MS = 5_000

const KEPT_WAL_BYTES = 64 * 1024 * 1024

const MIGRATIONS = 'lib/store-sqlite/database/migrations/'

/**
 * Creates an empty file, and its folder, where there is none yet. Throws a `StorageError` where its WAL
 * is there already, or the file is a mount.
 */
export function createFile(path: string): void {
  guarded(path, () => {
    refuseMountedFiles(path)
    refuseOtherNames(path)
    refuseWalWithoutFile(path)
    createFolder(dirname(path))
    refuseOtherThanFile(path)
    // For this user alone; SQLite gives its -wal and -shm the mode of the file.
    closeSync(openSync(path, 'a', 0o600))
  })
}

/** To open a pipe would wait for a writer. */
function refuseOtherThanFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || found.isFile()) return
  throw new StorageError('unwritable', `Cannot open ${path}: ${kindOf(found)}`, DATA_PATH)
}

export type PrepareOptions = {
  /** `relaxed` accepts a damaged WAL up to its damage, because with it a power cut leaves the same. */
  readonly durability?: Durability
  /** Told which part of such a WAL is dropped. */
  readonly onWalDamage?: (damage: WalDamage) => void
  /** For a server, whether it keeps events; undefined leaves the feed as it is. */
  readonly keepsEvents?: boolean
}

/**
 * Makes the file ready: fills an empty one, and brings an older one up to date. Throws a
 * `StorageError`, leaving the file untouched, where it is not ours, damaged, or of a newer Coatcheck.
 */
export function prepareDatabase(path: string, options: PrepareOptions = {}): void {
  const { durability = 'full', onWalDamage, keepsEvents } = options
  refuseOldSqlite()
  guarded(path, () => {
    const damage = findWalDamage(path)
    if (damage !== undefined) {
      if (durability === 'full' || damage.isInFile) throw damagedWal(path, damage)
      onWalDamage?.(damage)
    }
    refuseStrangeWal(path)
    if (statSync(path).size > 0) {
      inspect(path, 'integrity_check', damage === undefined ? CHECK_LIMIT_BYTES : Infinity)
    }
    const database = openWriterDatabase(path, 'full')
    try {
      migrate(database)
      if (keepsEvents !== undefined) unlessFull(() => beginRun(database, keepsEvents))
      emptyWal(database)
    } finally {
      database.close()
    }
  })
}

/** Of the SQLite inside better-sqlite3, as `3.51.3`. */
export function readSqliteVersion(): string {
  const database = new Database(':memory:')
  const version = String(database.prepare('select sqlite_version()').pluck().get())
  database.close()
  return version
}

/** The one connection that changes the file; of bytes, a copy in memory. */
export function openWriterDatabase(
  path: string | Buffer,
  durability: Durability,
  walLimitBytes = Infinity,
): Database.Database {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS })
  // better-sqlite3 opens an existing file with synchronous=NORMAL: nothing here is left to defaults.
  if (typeof path === 'string' && path !== ':memory:') setPragma(database, 'journal_mode', 'wal')
  // control: durability
  setPragma(database, 'synchronous', durability === 'full' ? 2 : 1)
  setPragma(database, 'secure_delete', 'fast', 2)
  // The length that a WAL keeps after a reset, so that it need not grow again.
  setPragma(database, 'journal_size_limit', Math.min(KEPT_WAL_BYTES, walLimitBytes / 4))
  setSharedPragmas(database)
  return database
}

/** A connection that can only read, beside the writer's. */
export function openReaderDatabase(path: string): Database.Database {
  const database = new Database(path, {
    readonly: true,
    fileMustExist: true,
    timeout: BUSY_TIMEOUT_MS,
  })
  setPragma(database, 'query_only', 1)
  setSharedPragmas(database)
  return database
}

let emptyMemory: Buffer | undefined

/** A new database in memory, with all migrations: a copy of the first one, which takes a fraction of the time. */
export function openMemoryDatabase(): Database.Database {
  emptyMemory ??= makeEmptyMemory()
  return openWriterDatabase(emptyMemory, 'full')
}

function makeEmptyMemory(): Buffer {
  const database = openWriterDatabase(':memory:', 'full')
  migrate(database)
  const bytes = database.serialize()
  database.close()
  return bytes
}

/**
 * A connection for a command that only reads, to a file that this user may write: SQLite then takes
 * away what it puts beside it. The file keeps its journal mode, as a backup has its own.
 */
export function openQueryDatabase(path: string): Database.Database {
  const database = new Database(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS })
  setPragma(database, 'query_only', 1)
  setSharedPragmas(database)
  return database
}

/**
 * Reads before anything writes, so that a file that is refused stays as it was. Up to `checkBytes`
 * its structure is checked; the quick check does not compare indexes with what they are of.
 */
export function inspect(
  path: string,
  check: 'quick_check' | 'integrity_check',
  checkBytes = CHECK_LIMIT_BYTES,
): Inspected {
  const database = openReaderDatabase(path)
  try {
    return inspectDatabase(database, path, check, checkBytes)
  } finally {
    database.close()
  }
}

export type Inspected = { readonly version: number; readonly known: number }

/** The same through a connection that is open. */
export function inspectDatabase(
  database: Database.Database,
  path: string,
  check: 'quick_check' | 'integrity_check',
  checkBytes = CHECK_LIMIT_BYTES,
): Inspected {
  const applicationId = database.pragma('application_id', { simple: true })
  const tables = database.prepare('select count(*) from sqlite_schema').pluck().get()
  if (applicationId !== APPLICATION_ID && tables !== 0) {
    throw new StorageError(
      'foreign',
      `Cannot open ${path}: it is a database of another program; give Coatcheck a file of its own`,
      DATA_PATH,
    )
  }
  const version = Number(database.pragma('user_version', { simple: true }))
  const known = readMigrations().length
  if (version > known) {
    throw new StorageError(
      'newer',
      `Cannot open ${path}: a newer Coatcheck wrote it (schema ${version}, this one knows ${known}); ` +
        'start that one, or restore a backup from before',
    )
  }
  if (statSync(path).size <= checkBytes) {
    const verdict = database.pragma(`${check}(1)`, { simple: true })
    if (verdict !== 'ok') throw malformedFile(path, String(verdict))
  }
  return { version, known }
}

function migrate(database: Database.Database): void {
  const migrations = readMigrations()
  const apply = database.transaction(() => {
    const version = Number(database.pragma('user_version', { simple: true }))
    defineChecksums(database)
    for (const sql of migrations.slice(version)) database.exec(sql)
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${migrations.length}`)
  })
  if (database.pragma('user_version', { simple: true }) !== migrations.length) apply.immediate()
}

/** A close does this, too, but hides a failure. On a full disk the WAL stays, and is safe. */
function emptyWal(database: Database.Database): void {
  unlessFull(() => database.pragma('wal_checkpoint(passive)'))
}

/** A server starts on a full disk, too: without a run of its own in the feed, the last one goes on. */
function unlessFull(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof Database.SqliteError && error.code === 'SQLITE_FULL')) throw error
  }
}

/** In the order of their numbers; `user_version` counts how many a file has been through. */
function readMigrations(): string[] {
  return listAssets(MIGRATIONS)
    .filter((path) => path.endsWith('.sql'))
    .map(readAsset)
}

function setSharedPragmas(database: Database.Database): void {
  // With memory mapping, a disk error would be a signal that kills the process.
  setPragma(database, 'mmap_size', 0)
  setPragma(database, 'trusted_schema', 0)
  setPragma(database, 'cell_size_check', 1)
  setPragma(database, 'busy_timeout', BUSY_TIMEOUT_MS)
}

/** Reads the value back, because SQLite ignores a pragma that it does not know or cannot follow. */
function setPragma(
  database: Database.Database,
  name: string,
  value: string | number,
  expected = value,
): void {
  database.pragma(`${name} = ${value}`)
  const actual: unknown = database.pragma(name, { simple: true })
  // `:memory:` has no file to map, and returns nothing.
  if (actual !== expected && !(name === 'mmap_size' && actual === undefined)) {
    throw new Error(`Cannot set up SQLite: ${name} must be ${expected}, it stays ${String(actual)}`)
  }
}

function refuseOldSqlite(): void {
  const version = readSqliteVersion()
  if (version.localeCompare(OLDEST_SQLITE, 'en', { numeric: true }) < 0) {
    throw new Error(`Cannot start: SQLite must be ${OLDEST_SQLITE} or newer, this is ${version}`)
  }
}

import {
  chmodSync,
  chownSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
} from 'node:fs'
import { dirname } from 'node:path'
import type Database from 'better-sqlite3'
import {
  copyDatabase,
  keepAs,
  type OnPages,
  partialName,
  removeLeftovers,
  removePartial,
  sealCopy,
  sealing,
  syncFolder,
  writeError,
} from './copy-database.ts'
import { openForCommand, refuseDamagedWal } from './command-database.ts'
import { carryOver, type CarriedOver } from './carry-over.ts'
import {
  createFile,
  openReaderDatabase,
  openWriterDatabase,
  prepareDatabase,
} from '../database/database.ts'
import { ASIDE_MARK, LOCK, OF_SQLITE, WITH_WRITES } from '../database/beside-files.ts'
import { kindOf } from '../database/data-path.ts'
import { lockDatabase } from '../database/lock.ts'
import { findWalDamage } from '../wal/wal-damage.ts'
import { refuseSplitWal } from './reading-database.ts'
import { guarded, StorageError } from '../database/storage-error.ts'
import { forgetFeed } from '../tables/feed-runs.ts'
import { countSessions } from './statistics.ts'
import { refuseStrangeWal } from '../wal/strange-wal.ts'

export type RestoreOptions = {
  /** The backup; it stays as it is. */
  readonly file: string
  /** What it takes the place of. */
  readonly dataPath: string
  /** Whether sessions and keys that have ended since the backup are in force again. */
  readonly exact: boolean
  readonly now: number
  readonly onPages: OnPages
  readonly onCheck: () => void
}

/**
 * `keptAt`: where the old file is now, undefined where there was none. `carried`: what of it holds on,
 * undefined where there was none, or nothing was to.
 */
export type Restored = {
  readonly sessions: number
  readonly keptAt: string | undefined
  readonly carried: CarriedOver | undefined
}

/**
 * Puts a copy of the backup in the place of the data file, which is kept under another name. No
 * server can start meanwhile. Whenever it is interrupted, either file is in place, whole. Throws a
 * `StorageError`, with the data file as it was, where a program has that open or the backup is none
 * that this Coatcheck can use; one of an older Coatcheck is brought up to date by the next start.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { file, dataPath, now } = options
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found?.isFile()) {
    const fault = found === undefined ? 'missing' : 'unwritable'
    throw new StorageError(fault, `Cannot restore ${file}: ${kindOf(found)}`)
  }
  const owner = statSync(dataPath, { throwIfNoEntry: false })
  createFile(dataPath)
  const target = realpathSync(dataPath)
  const unlock = lockDatabase(target, 'a server has it open; stop it, then restore')
  const copy = partialName(target)
  let isDone = false
  try {
    removeLeftovers(target, now)
    const { sessions, carried } = await copyBackup(copy, target, options)
    makeLike(owner, copy, target)
    const keptAt = setAside(target, now)
    renameSync(copy, target)
    isDone = true
    syncFolder(dirname(target))
    return { sessions, keptAt, carried }
  } catch (error) {
    throw writeError(`Cannot restore to ${target}`, error)
  } finally {
    removePartial(copy)
    // Leaves no empty file where there was none.
    if (!isDone && owner === undefined) rmSync(target, { force: true })
    unlock(!isDone)
  }
}

/** Copies and checks the backup; returns how many sessions it has, and what it takes over from the old file. */
async function copyBackup(
  copy: string,
  target: string,
  options: RestoreOptions,
): Promise<Omit<Restored, 'keptAt'>> {
  const { file, exact, now, onPages, onCheck } = options
  const source = refusing(file, file, () => openBackup(file))
  try {
    await copyDatabase(source, copy, onPages)
  } finally {
    source.close()
  }
  onCheck()
  refusing(file, copy, () => refuseOthers(copy))
  if (isEmpty(copy)) {
    throw new StorageError('foreign', `Cannot restore ${file}: it is empty, and no backup`)
  }
  const damage = sealCopy(copy)
  if (damage !== undefined) {
    throw new StorageError('damaged', `Cannot restore ${file}: it is damaged (${damage})`)
  }
  if (!exact) refusing(file, copy, () => prepareDatabase(copy))
  const carried = exact ? undefined : carryOver(target, copy, now)
  // control: restored-feed
  refusing(file, copy, () => forgetEvents(copy))
  return refusing(file, copy, () => ({ sessions: sealing(copy, countSessions), carried }))
}

/** What has happened since the backup has no events in it, and its cursors were gone past. */
function forgetEvents(copy: string): void {
  const database = openWriterDatabase(copy, 'full')
  try {
    const sql = "select 1 from sqlite_schema where name = 'events'"
    if (database.prepare(sql).get() !== undefined) forgetFeed(database)
  } finally {
    database.close()
  }
}

/** Reads once, because SQLite opens a file only when it is first read. */
function openBackup(file: string): Database.Database {
  refuseSplitWal(file)
  refuseDamagedWal(file)
  const database = openReaderDatabase(file)
  try {
    database.pragma('schema_version')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Throws unless the file is empty, or ours and not of a newer Coatcheck. */
function refuseOthers(copy: string): void {
  try {
    openForCommand(copy).close()
  } catch (error) {
    if (!(error instanceof StorageError && error.fault === 'older')) throw error
  }
}

/** SQLite takes an empty file for a database, before all migrations. */
function isEmpty(copy: string): boolean {
  const database = openReaderDatabase(copy)
  try {
    return database.pragma('user_version', { simple: true }) === 0
  } finally {
    database.close()
  }
}

/** Turns refusals of the opened file into refusals of the backup. */
function refusing<T>(file: string, opened: string, open: () => T): T {
  try {
    return guarded(opened, open)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    const reason = REASONS[error.fault]
    throw reason === undefined
      ? error
      : new StorageError(error.fault, `Cannot restore ${file}: ${reason}`)
  }
}

const REASONS: Partial<Record<StorageError['fault'], string>> = {
  damaged: 'it is damaged; nothing was changed',
  foreign: 'it is no backup of Coatcheck; nothing was changed',
  newer: 'a newer Coatcheck wrote it; restore it with that one',
  unwritable: 'it cannot be read, or its WAL cannot; copy it to a folder of your own first',
}

/** Whoever could open the old file can open the new one: root restores for the server's user. */
function makeLike(owner: Stats | undefined, copy: string, target: string): void {
  if (owner !== undefined) chmodSync(copy, owner.mode & 0o777)
  if (process.getuid?.() !== 0) return
  const { uid, gid } = owner ?? statSync(dirname(target))
  for (const path of [copy, target + LOCK]) chownSync(path, uid, gid)
}

/** Gives the old file a second name, and returns it; undefined where it is empty. */
function setAside(target: string, now: number): string | undefined {
  if (statSync(target).size === 0) return undefined
  const old = takeOver(target)
  try {
    const stamp = new Date(now).toISOString().replaceAll(':', '-')
    let aside = `${target}${ASIDE_MARK}${stamp}`
    for (let n = 2; !keepAs(target, aside); n++) aside = `${target}${ASIDE_MARK}${stamp}-${n}`
    if (old === undefined) setWalAside(target, aside)
    syncFolder(dirname(target))
    return aside
  } finally {
    old?.close()
  }
}

/**
 * Moves the old file's WAL into it, so that the file alone is everything, and makes sure that no
 * other program has it open. Undefined where it is too damaged for that: it is kept as it is.
 */
function takeOver(target: string): Database.Database | undefined {
  let database: Database.Database | undefined
  try {
    return guarded(target, () => {
      if (findWalDamage(target) !== undefined) return undefined
      refuseStrangeWal(target)
      database = openWriterDatabase(target, 'full')
      // Only the last connection can do this. Whoever opens the file from now on, by its old name,
      // is refused by SQLite once that is another file's.
      database.pragma('journal_mode = delete')
      return database
    })
  } catch (error) {
    database?.close()
    if (error instanceof StorageError && ['damaged', 'foreign'].includes(error.fault))
      return undefined
    throw error
  }
}

/** SQLite would take a WAL beside the new file for its own. */
function setWalAside(target: string, aside: string): void {
  for (const end of WITH_WRITES) {
    const wal = `${target}${end}`
    if (statSync(wal, { throwIfNoEntry: false }) !== undefined) keepAs(wal, `${aside}${end}`)
  }
  syncFolder(dirname(target))
  for (const end of OF_SQLITE) rmSync(`${target}${end}`, { force: true })
}

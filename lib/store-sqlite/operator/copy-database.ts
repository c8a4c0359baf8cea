/** Copies a database into a file of its own; and what backup and restore need around that. */
import {
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { nanoid } from 'nanoid'
import { codeOf } from '../../base/errors.ts'
import { OF_SQLITE, PARTIAL_MARK } from '../database/beside-files.ts'
import { StorageError } from '../database/storage-error.ts'

/** Told now and then how many pages are copied, of how many. */
export type OnPages = (done: number, total: number) => void

/** 4 MiB: a step takes a few milliseconds, between which progress is shown. */
const PAGES_A_STEP = 1_024

/** A copy in progress changes all the time; one unchanged for so long was left by a killed command. */
const LEFTOVER_AGE_MS = 60 * 60_000

/**
 * Copies the database as it is now into `path`, which must not exist: one file without a WAL, for this
 * user alone. Writers go on meanwhile, into the WAL.
 */
export async function copyDatabase(
  source: Database.Database,
  path: string,
  onPages: OnPages,
): Promise<void> {
  closeSync(openSync(path, 'wx', 0o600))
  // An open read keeps the copied state. Without it, each commit would start the copy over, and beside
  // a busy server it would never end.
  source.exec('begin')
  try {
    source.prepare('select count(*) from sqlite_schema').get()
    let pages = 0
    await source.backup(path, {
      progress({ totalPages, remainingPages }) {
        pages = totalPages
        onPages(totalPages - remainingPages, totalPages)
        return PAGES_A_STEP
      },
    })
    onPages(pages, pages)
  } finally {
    source.exec('rollback')
  }
}

/**
 * Syncs the copy as a single file, and checks its structure. Returns what SQLite finds wrong, undefined
 * for a sound one.
 */
export function sealCopy(path: string): string | undefined {
  try {
    return sealing(path, (database) => {
      const verdict = String(database.pragma('integrity_check(1)', { simple: true }))
      return verdict === 'ok' ? undefined : verdict
    })
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CORRUPT')) {
      return 'SQLite finds it malformed'
    }
    throw error
  }
}

/** Syncs the copy as a single file, then reads from it. */
export function sealing<T>(path: string, read: (database: Database.Database) => T): T {
  const database = new Database(path)
  try {
    database.pragma('journal_mode = delete')
    database.pragma('trusted_schema = 0')
    // A write that changes nothing makes SQLite sync the file; Node's permission model disables fsync.
    database.pragma('synchronous = extra')
    const version = Number(database.pragma('user_version', { simple: true }))
    database.pragma(`user_version = ${version}`)
    return read(database)
  } finally {
    database.close()
  }
}

/** A unique name beside `path` for an unfinished copy. */
export function partialName(path: string): string {
  return path + PARTIAL_MARK + nanoid(8)
}

/** Removes an unfinished copy, and SQLite's files beside it, if possible. */
export function removePartial(path: string): void {
  try {
    for (const end of ['', ...OF_SQLITE]) rmSync(`${path}${end}`, { force: true })
  } catch {
    // A failing disk must not hide why the command failed; the next command cleans up.
    return
  }
}

/** Removes the unfinished copies of killed commands. */
export function removeLeftovers(path: string, now: number): void {
  const folder = dirname(path)
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(basename(path) + PARTIAL_MARK)) continue
    const leftover = join(folder, name)
    const changedAt = statSync(leftover, { throwIfNoEntry: false })?.mtimeMs ?? now
    if (now - changedAt > LEFTOVER_AGE_MS) rmSync(leftover, { force: true })
  }
}

/** Renames the file; false, and nothing done, where the new name is in use. */
export function renameToNew(from: string, to: string): boolean {
  try {
    linkSync(from, to)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!isWithoutLinks(error)) throw error
    if (statSync(to, { throwIfNoEntry: false }) !== undefined) return false
    renameSync(from, to)
  }
  rmSync(from, { force: true })
  return true
}

/** Gives the file a second name; false, and nothing done, where that is in use. */
export function keepAs(from: string, to: string): boolean {
  try {
    linkSync(from, to)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!isWithoutLinks(error)) throw error
    copyFileSync(from, to, constants.COPYFILE_EXCL)
  }
  return true
}

/** FAT and some network file systems have no hard links. */
function isWithoutLinks(error: unknown): boolean {
  return /^(EPERM|ENOSYS|ENOTSUP|EOPNOTSUPP|EXDEV|EMLINK)$/.test(codeOf(error))
}

/** Puts names that were given or taken in a folder on disk, as SQLite does with its own. */
export function syncFolder(folder: string): void {
  const path = join(folder, `.coatcheck-sync-${nanoid(8)}`)
  const database = new Database(path)
  try {
    database.pragma('synchronous = extra')
    database.exec('create table synced (at integer)')
  } finally {
    database.close()
    removePartial(path)
  }
}

/** The error of a file that could not be written, as a refusal where it is the place's fault. */
export function writeError(action: string, error: unknown): unknown {
  if (error instanceof StorageError) return error
  const code = codeOf(error)
  if (/^(SQLITE_FULL|SQLITE_IOERR_SHMSIZE|ENOSPC|EDQUOT)$/.test(code)) {
    return new StorageError('disk_failed', `${action}: the disk is full; nothing was changed`)
  }
  if (/^(SQLITE_IOERR|EIO)/.test(code)) {
    return new StorageError('disk_failed', `${action}: the disk fails (${code})`)
  }
  if (/^(SQLITE_(CANTOPEN|READONLY|PERM)|EACCES|EPERM|EROFS|ENOTDIR|ENOENT|EISDIR)/.test(code)) {
    return new StorageError(
      'unwritable',
      `${action}: its folder must be there and writable for this user (${code})`,
    )
  }
  return error
}

/**
 * Opens the data file for a command that only reads, beside a server or without one. It may be in a
 * read-only folder, and nothing is left there.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type Database from 'better-sqlite3'
import { codeOf } from '../../base/errors.ts'
import { refuseDamagedWal, refuseMissing, refuseOlder } from './command-database.ts'
import { WAL, WAL_INDEX, WITH_WRITES } from '../database/beside-files.ts'
import {
  inspect,
  inspectDatabase,
  openQueryDatabase,
  openReaderDatabase,
} from '../database/database.ts'
import { isServed } from '../database/lock.ts'
import { refuseMountedFiles } from '../database/mounts.ts'
import { refuseOtherNames } from '../database/other-names.ts'
import { writePlainCopy } from './plain-copy.ts'
import { guarded, StorageError } from '../database/storage-error.ts'
import { refuseWalWithoutFile } from '../wal/strange-wal.ts'

export type ReadingDatabase = {
  readonly database: Database.Database
  /** Removes a copy, too. */
  close(): void
}

/**
 * Throws a `StorageError` where there is none, it is damaged, or it is not one that this Coatcheck has
 * brought up to date. `beforeOpening` may read the file in a way of its own, see `openForCommand`.
 */
export function openForReading(
  path: string,
  beforeOpening: () => void = () => {},
): ReadingDatabase {
  return guarded(path, () => {
    refuseWalWithoutFile(path)
    refuseMissing(path)
    refuseUnreadable(path)
    refuseSplitWal(path)
    refuseDamagedWal(path, isServedHere)
    beforeOpening()
    if (!isServedHere(path)) refuseBeforeWalIsMoved(path)
    const opened = openInPlace(path) ?? openCopy(path)
    try {
      refuseOlder(path, inspectDatabase(opened.database, path, 'quick_check'))
      return opened
    } catch (error) {
      opened.close()
      throw error
    }
  })
}

/**
 * Whoever may write moves the WAL into the file as the last to close it, whatever the file is: so that
 * what is refused stays as it was, one who may not looks first.
 */
function refuseBeforeWalIsMoved(path: string): void {
  const file = realpathSync(path)
  const walBytes = statSync(file + WAL, { throwIfNoEntry: false })?.size ?? 0
  if (walBytes === 0 || !mayWriteBeside(file)) return
  refuseOlder(path, inspect(path, 'quick_check'))
}

/** A file that has no WAL, such as a backup, may be mounted, and may have as many names as it likes. */
export function refuseSplitWal(path: string): void {
  if (!mayHaveWal(realpathSync(path))) return
  refuseMountedFiles(path)
  refuseOtherNames(path)
}

function refuseUnreadable(path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    throw new StorageError(
      'unwritable',
      `Cannot open ${path}: this user may not read it (${codeOf(error)}); run this as its owner, or as root`,
    )
  }
}

/** False where this user may not read the lock. */
function isServedHere(path: string): boolean {
  try {
    return isServed(path)
  } catch {
    return false
  }
}

/**
 * Undefined where SQLite would need a file in a folder that it may not write to, or would leave one
 * there.
 */
function openInPlace(path: string): ReadingDatabase | undefined {
  const file = realpathSync(path)
  if (mayWriteBeside(file)) return opening(openQueryDatabase(path))
  if (mayHaveWal(file) && !existsSync(file + WAL_INDEX)) return undefined
  try {
    return opening(openReaderDatabase(path))
  } catch (error) {
    // Of what is beside it, this user may not read or lock something.
    if (/^SQLITE_(CANTOPEN|READONLY|BUSY_RECOVERY|PERM)/.test(codeOf(error))) return undefined
    throw error
  }
}

function opening(database: Database.Database): ReadingDatabase {
  try {
    // SQLite opens a file only when it is first read.
    database.pragma('schema_version')
    return { database, close: () => database.close() }
  } catch (error) {
    database.close()
    throw error
  }
}

function mayWriteBeside(file: string): boolean {
  return mayWrite(file) && mayWrite(dirname(file))
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Whether SQLite would look for a WAL: https://sqlite.org/fileformat2.html#file_format_version_numbers */
function mayHaveWal(path: string): boolean {
  if (WITH_WRITES.some((end) => existsSync(path + end))) return true
  const file = openSync(path, 'r')
  try {
    const header = Buffer.alloc(20)
    return readSync(file, header, 0, header.length, 0) === header.length && header[18] === 2
  } finally {
    closeSync(file)
  }
}

/**
 * Copies the file and its WAL into one file in a temporary folder. Since it holds all sessions, its name
 * is removed before anything is in it: so it is gone when this process ends, in whatever way.
 */
function openCopy(path: string): ReadingDatabase {
  let remove = (): void => {}
  let database: Database.Database | undefined
  try {
    const folder = mkdtempSync(join(tmpdir(), 'coatcheck-'))
    remove = () => rmSync(folder, { recursive: true, force: true })
    const name = join(folder, 'copy.db')
    const copy = openSync(name, 'wx+', 0o600)
    try {
      // SQLite does not look into it before it is read from.
      database = openQueryDatabase(name)
      removeIfPossible(folder)
      writePlainCopy(realpathSync(path), copy, path)
    } finally {
      closeSync(copy)
    }
    const { close } = opening(database)
    return {
      database,
      close() {
        close()
        remove()
      },
    }
  } catch (error) {
    database?.close()
    remove()
    throw noCopy(path, error)
  }
}

/** On Windows and NFS an open file keeps its name: there `close` removes it. */
function removeIfPossible(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    return
  }
}

function noCopy(path: string, error: unknown): unknown {
  const code = codeOf(error)
  const place = `its folder cannot be written, and a copy in ${tmpdir()}`
  if (/^(ENOSPC|EDQUOT|SQLITE_FULL)$/.test(code)) {
    return new StorageError(
      'disk_failed',
      `Cannot read ${path}: ${place} has no room; make room, or name another folder (TMPDIR)`,
    )
  }
  if (/^(ENOENT|ENOTDIR|EACCES|EPERM|EROFS)$/.test(code)) {
    return new StorageError(
      'unwritable',
      `Cannot read ${path}: ${place} cannot be made (${code}); name another folder (TMPDIR)`,
    )
  }
  return error
}

/**
 * The data file for a command that only reads, beside a server or without one: it needs no folder
 * that can be written, and leaves nothing there.
 */
import {
  accessSync,
  closeSync,
  constants,
  copyFileSync,
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
import { codeOf } from '../errors.ts'
import { refuseMissing, refuseOlder } from './command-database.ts'
import { inspect, inspectDatabase, openQueryDatabase, openReaderDatabase } from './database.ts'
import { isServed } from './lock.ts'
import { damagedLog, findLogDamage } from './log-damage.ts'
import { refuseMountedFiles } from './mounts.ts'
import { refuseOtherNames } from './other-names.ts'
import { guarded, StartError } from './start-error.ts'
import { refuseLogWithoutFile, refuseStrangeLog } from './strange-log.ts'

export type ReadingDatabase = {
  readonly database: Database.Database
  /** Removes a copy, too. */
  close(): void
}

/** A copy that another program has written into meanwhile is made again, so many times in all. */
const ATTEMPTS = 3

/** What SQLite may have beside a file that belongs to what is in it. */
const LOGS = ['-wal', '-journal']

/**
 * Throws a `StartError` where there is none, it is damaged, or it is not one that this Coatcheck has
 * brought up to date. `beforeOpening` may read the file in a way of its own, see `openForCommand`.
 */
export function openForReading(
  path: string,
  beforeOpening: () => void = () => {},
): ReadingDatabase {
  return guarded(path, () => {
    refuseLogWithoutFile(path)
    refuseMissing(path)
    refuseUnreadable(path)
    refuseSplitLog(path)
    // Beside a server SQLite reads the log as the server knows it, and drops nothing.
    const served = isServedHere(path)
    if (!served) {
      const damage = findLogDamage(path)
      if (damage !== undefined) throw damagedLog(path, damage)
      refuseStrangeLog(path)
    }
    beforeOpening()
    if (!served) refuseBeforeLogIsMoved(path)
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
 * Whoever may write moves the log into the file as the last to close it, whatever the file is: so that
 * what is refused stays as it was, one who may not looks first.
 */
function refuseBeforeLogIsMoved(path: string): void {
  const file = realpathSync(path)
  const logBytes = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (logBytes === 0 || !mayWriteBeside(file)) return
  refuseOlder(path, inspect(path, 'quick_check'))
}

/** A file that has no log, such as a backup, may be mounted, and may have as many names as it likes. */
export function refuseSplitLog(path: string): void {
  if (!hasLog(realpathSync(path))) return
  refuseMountedFiles(path)
  refuseOtherNames(path)
}

function refuseUnreadable(path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    throw new StartError(
      'unwritable',
      `Cannot open ${path}: this user may not read it (${codeOf(error)}); run this as its owner, or as root`,
    )
  }
}

/** Who may not read the lock cannot tell. */
function isServedHere(path: string): boolean {
  try {
    return isServed(path)
  } catch {
    return false
  }
}

/**
 * Undefined where SQLite would have to put something into a folder that it may not write, or where it
 * would leave it there.
 */
function openInPlace(path: string): ReadingDatabase | undefined {
  const file = realpathSync(path)
  if (mayWriteBeside(file)) return opening(openQueryDatabase(path))
  if (hasLog(file) && !existsSync(`${file}-shm`)) return undefined
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
    // SQLite looks at a file only once it is read.
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

/** Whether SQLite would look for a log: https://sqlite.org/fileformat2.html#file_format_version_numbers */
function hasLog(path: string): boolean {
  if (LOGS.some((end) => existsSync(`${path}${end}`))) return true
  const file = openSync(path, 'r')
  try {
    const header = Buffer.alloc(20)
    return readSync(file, header, 0, header.length, 0) === header.length && header[18] === 2
  } finally {
    closeSync(file)
  }
}

/** The file and its log in a folder of their own: there SQLite can do as it is used to. */
function openCopy(path: string): ReadingDatabase {
  let folder: string | undefined
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
  try {
    folder = mkdtempSync(join(tmpdir(), 'coatcheck-'))
    const copy = join(folder, 'copy.db')
    copyAsOne(realpathSync(path), copy, path)
    const { database, close } = opening(openQueryDatabase(copy))
    return {
      database,
      close() {
        close()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw noCopy(path, error)
  }
}

function noCopy(path: string, error: unknown): unknown {
  const code = codeOf(error)
  const place = `its folder cannot be written, and a copy in ${tmpdir()}`
  if (/^(ENOSPC|EDQUOT|SQLITE_FULL)$/.test(code)) {
    return new StartError(
      'disk_failed',
      `Cannot read ${path}: ${place} has no room; make room, or name another folder (TMPDIR)`,
    )
  }
  if (/^(ENOENT|ENOTDIR|EACCES|EPERM|EROFS)$/.test(code)) {
    return new StartError(
      'unwritable',
      `Cannot read ${path}: ${place} cannot be made (${code}); name another folder (TMPDIR)`,
    )
  }
  return error
}

function copyAsOne(source: string, copy: string, path: string): void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = stateOf(source)
    for (const end of ['', ...LOGS]) {
      rmSync(`${copy}${end}`, { force: true })
      if (existsSync(`${source}${end}`)) {
        copyFileSync(`${source}${end}`, `${copy}${end}`, constants.COPYFILE_FICLONE)
      }
    }
    if (stateOf(source) === before) return
  }
  throw new StartError(
    'in_use',
    `Cannot read ${path}: another program writes to it, and this user may not read beside that; ` +
      'run this as the user of the server',
  )
}

/** Another text whenever the file or its log has been written to. */
function stateOf(source: string): string {
  return ['', ...LOGS]
    .map((end) => statSync(`${source}${end}`, { throwIfNoEntry: false, bigint: true }))
    .map((found) => (found === undefined ? '-' : `${found.ino} ${found.size} ${found.mtimeNs}`))
    .join()
}

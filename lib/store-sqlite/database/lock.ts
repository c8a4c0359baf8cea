import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  openSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import Database from 'better-sqlite3'
import { codeOf } from '../../base/errors.ts'
import { LOCK } from './beside-files.ts'
import { lockFile } from './file-lock.ts'
import { DATA_PATH, guarded, StorageError } from './storage-error.ts'

/** Releases the lock; after a refused start, also removes a lock file that it had created. */
export type Unlock = (isRefused?: boolean) => void

/**
 * Locks `<path>.lock` for this process, so that no second server opens the same file; returns what
 * releases it. A lock on a file beside the data leaves the data free for backups, Litestream and the
 * `sqlite3` shell. Throws a `StorageError`, with the reason `held`, where another process has it.
 */
export function lockDatabase(
  path: string,
  held = 'another Coatcheck server has it open; stop that one, or give this one another file',
): Unlock {
  return guarded(path, () => {
    const lockPath = lockPathOf(path)
    refuseOtherThanFile(path, lockPath)
    const isNew = createLock(lockPath, statSync(path))
    const inode = inodeOf(lockPath)
    const release = locking(path, lockPath)
    if (release === undefined) {
      throw new StorageError('in_use', `Cannot open ${path}: ${held}`, DATA_PATH)
    }
    // Its creator may have been refused, and have removed it: others then lock a new file.
    if (inode === undefined || inode !== inodeOf(lockPath)) {
      release()
      return lockDatabase(path, held)
    }
    return (isRefused = false) => {
      if (isRefused && isNew) rmSync(lockPath, { force: true })
      release()
    }
  })
}

function locking(path: string, lockPath: string): (() => void) | undefined {
  try {
    return lockFile(lockPath)
  } catch (error) {
    throw asLockError(path, lockPath, error)
  }
}

/** Whether a server has the file open at this moment. */
export function isServed(path: string): boolean {
  return guarded(path, () => isHeld(path, lockPathOf(path)))
}

/** Whether a server holds this lock, of a file of the given name. */
export function isHeld(path: string, lockPath: string): boolean {
  if (!existsSync(lockPath)) return false
  refuseOtherThanFile(path, lockPath)
  const lock = new Database(lockPath, { readonly: true, timeout: 0 })
  try {
    lock.prepare('select count(*) from sqlite_schema').get()
    return false
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') return true
    throw asLockError(path, lockPath, error)
  } finally {
    lock.close()
  }
}

/** An error of SQLite's about the lock file is not about the data file. */
function asLockError(path: string, lockPath: string, error: unknown): unknown {
  return /^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(error)) ? noLock(path, lockPath) : error
}

function refuseOtherThanFile(path: string, lockPath: string): void {
  if (statSync(lockPath, { throwIfNoEntry: false })?.isFile() === false) {
    throw noLock(path, lockPath)
  }
}

function noLock(path: string, lockPath: string): StorageError {
  return new StorageError(
    'unwritable',
    `Cannot open ${path}: the lock beside it, ${lockPath}, must be an empty file of Coatcheck's, ` +
      'it is something else; the data file was not looked at. Move the lock away while no server runs',
  )
}

/**
 * Creates the lock file for this user alone, because whoever can read it can hold it, and so keep the
 * server from starting. Restricts one of an older version, and gives one that root creates to the owner
 * of the data file. Returns whether it is new.
 */
function createLock(lockPath: string, { uid, gid }: Stats): boolean {
  const found = statSync(lockPath, { throwIfNoEntry: false })
  if (found === undefined) {
    closeSync(openSync(lockPath, 'a', 0o600))
    if (process.getuid?.() === 0) chownSync(lockPath, uid, gid)
  } else if (found.mode % 0o100 !== 0 && isOwn(found)) chmodSync(lockPath, 0o600)
  return found === undefined
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

function isOwn({ uid }: Stats): boolean {
  return [0, uid].includes(process.getuid?.() ?? uid)
}

function lockPathOf(path: string): string {
  return realpathSync(path) + LOCK
}

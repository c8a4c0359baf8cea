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
import { DATA_PATH, guarded, StorageError } from './storage-error.ts'

/** A command that looks whether a server runs holds the lock for an instant: it is waited for. */
const PROBE_MS = 200

/** Lets go of the lock. Where the start was refused, a lock that it made is removed. */
export type Unlock = (isRefused?: boolean) => void

/**
 * Holds `<path>.lock` for this process, so that no second server opens the same file; the function
 * it returns lets go. The operating system drops the lock when the process dies, however it dies. It
 * is SQLite's own lock on a file beside the data, which leaves the data itself free for backups,
 * Litestream and the `sqlite3` shell. Throws a `StorageError` where another process holds it, for the
 * reason `held`.
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
    const lock = new Database(lockPath, { timeout: PROBE_MS })
    try {
      // Nothing is ever written to it: a journal on disk would only be left behind by a crash.
      lock.pragma('journal_mode = memory')
      lock.exec('begin exclusive')
    } catch (error) {
      lock.close()
      if (!(error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY')) {
        throw asLockError(path, lockPath, error)
      }
      throw new StorageError('in_use', `Cannot open ${path}: ${held}`, DATA_PATH)
    }
    // Whoever made it may have been refused and removed it: then others lock another one.
    if (inode === undefined || inode !== inodeOf(lockPath)) {
      lock.close()
      return lockDatabase(path, held)
    }
    return (isRefused = false) => {
      if (isRefused && isNew) rmSync(lockPath, { force: true })
      lock.close()
    }
  })
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

/** What SQLite finds in a lock that is none is the fault of the lock, not of the data file. */
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
 * Whoever can read the lock can hold it, and so keep the server from starting: it is this user's
 * alone. SQLite would let everybody read it, as Coatcheck did before. One that root makes is for
 * whoever the data file is of. Returns whether it was not there.
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

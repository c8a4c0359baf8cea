import { closeSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'

/** Whoever only looks whether a file is locked holds it for an instant; a lock waits that long. */
const PROBE_MS = 200

/**
 * Locks an empty file for this process; returns what releases it, undefined where another process has
 * it. It is SQLite's own lock: the operating system releases it when the process dies. Throws SQLite's
 * error for a file that is something else.
 */
export function lockFile(path: string): (() => void) | undefined {
  const lock = new Database(path, { timeout: PROBE_MS })
  try {
    // Nothing is written to it, and a crash would leave a journal on disk behind.
    lock.pragma('journal_mode = memory')
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') return undefined
    throw error
  }
  return () => void lock.close()
}

/** The same, of a file that is made for this user alone where there is none. */
export function makeAndLockFile(path: string): (() => void) | undefined {
  closeSync(openSync(path, 'a', 0o600))
  return lockFile(path)
}

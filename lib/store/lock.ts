import { realpathSync } from 'node:fs'
import Database from 'better-sqlite3'
import { guarded } from './database.ts'
import { StartError } from './start-error.ts'

/**
 * Holds `<path>.lock` for this process, so that no second server opens the same file; the function
 * it returns lets go. The operating system drops the lock when the process dies, however it dies. It
 * is SQLite's own lock on a file beside the data, which leaves the data itself free for backups,
 * Litestream and the `sqlite3` shell. Throws a `StartError` where another process holds it.
 */
export function lockDatabase(path: string): () => void {
  return guarded(path, () => {
    // Two names of one file are one file.
    const lock = new Database(`${realpathSync(path)}.lock`, { timeout: 0 })
    try {
      // Nothing is ever written to it: a journal on disk would only be left behind by a crash.
      lock.pragma('journal_mode = memory')
      lock.exec('begin exclusive')
    } catch (error) {
      lock.close()
      if (!(error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY')) throw error
      throw new StartError(
        'in_use',
        `Cannot open ${path}: another Coatcheck server has it open; ` +
          'stop that one, or give this one another file (--data)',
      )
    }
    return () => lock.close()
  })
}

/** SQLite's errors in the words of the store's contract. */
import Database from 'better-sqlite3'
import { CoatcheckError } from '../../base/errors.ts'

/**
 * Whether SQLite has met a malformed page, the end of a file that was longer, or rows that contradict
 * each other: the writer checks first, so no constraint fails in a sound file.
 */
function isDamage(error: InstanceType<typeof Database.SqliteError>): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ|CONSTRAINT_(UNIQUE|PRIMARYKEY|ROWID|NOTNULL))/.test(
    error.code,
  )
}

function damagedFile({ code }: { readonly code: string }): CoatcheckError {
  return new CoatcheckError(
    'storage_damaged',
    `Cannot use this part of the data file: it is damaged (${code}); the command check tells more, ` +
      'and a backup can be restored',
  )
}

/** A refusal for the errors after which SQLite has surely written nothing, so that work can go on. */
export function refusalFor(error: unknown): CoatcheckError | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined
  if (isDamage(error)) return damagedFile(error)
  if (error.code === 'SQLITE_FULL') {
    return new CoatcheckError(
      'storage_full',
      'Cannot write: the disk is full; nothing was changed, reads go on',
    )
  }
  if (error.code.startsWith('SQLITE_BUSY')) {
    return new CoatcheckError(
      'storage_busy',
      'Cannot write: another program holds the data file; nothing was changed, try again',
    )
  }
  return undefined
}

export function damagedSession(id: string): CoatcheckError {
  return new CoatcheckError(
    'storage_damaged',
    `Cannot read the session ${id}: its record in the data file is damaged; restore a backup, ` +
      'or end it with the command end',
  )
}

export function damagedTombstone(id: string): CoatcheckError {
  return new CoatcheckError(
    'storage_damaged',
    `Cannot tell when and why the session ${id} ended: its record in the data file is damaged; ` +
      'restore a backup, or end it with the command end',
  )
}

/** Reads of the file on the main thread. */
export type ReadGuard = {
  /** Runs a read; throws `storage_damaged` or `storage_failed` where SQLite fails. */
  read<T>(run: () => T): T
  /** Notes that the file could not be read. */
  doubt(): void
  /** Whether a read has failed since the last call. */
  takeDoubt(): boolean
}

export function createReadGuard(): ReadGuard {
  let isDoubtful = false

  return {
    read(run) {
      try {
        return run()
      } catch (error) {
        if (!(error instanceof Database.SqliteError)) throw error
        isDoubtful = true
        if (isDamage(error)) throw damagedFile(error)
        throw new CoatcheckError('storage_failed', `Cannot read the data file: ${error.code}`)
      }
    },
    doubt() {
      isDoubtful = true
    },
    takeDoubt() {
      const before = isDoubtful
      isDoubtful = false
      return before
    },
  }
}

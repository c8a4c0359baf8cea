import type Database from 'better-sqlite3'
import { CoatcheckError } from '../errors.ts'

/** Whether SQLite has come upon a page that is none, or upon the end of a file that was longer. */
export function isDamage(error: InstanceType<typeof Database.SqliteError>): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/.test(error.code)
}

export function damagedFile({ code }: { readonly code: string }): CoatcheckError {
  return new CoatcheckError(
    'storage_damaged',
    `Cannot use this part of the data file: it is damaged (${code}); the command check tells more, ` +
      'and a backup can be restored',
  )
}

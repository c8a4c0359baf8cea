import { statSync } from 'node:fs'
import { codeOf, type WayOut } from '../../base/errors.ts'
import { WAL } from './beside-files.ts'

/** The faults of a file, for server, backup and restore alike. Each has its exit code. */
export type StorageFault =
  'missing' | 'damaged' | 'foreign' | 'newer' | 'older' | 'in_use' | 'unwritable' | 'disk_failed'

/** The way out where another data file helps. */
export const DATA_PATH: WayOut = { setting: 'dataPath' }

/** A file cannot be opened, copied or written. It is left as it was. */
export class StorageError extends Error {
  readonly fault: StorageFault
  readonly way: WayOut | undefined

  constructor(fault: StorageFault, message: string, way?: WayOut) {
    super(message)
    this.name = 'StorageError'
    this.fault = fault
    this.way = way
  }
}

/** Runs work on the file, and turns its failures into a `StorageError`. */
export function guarded<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw asStorageError(path, error)
  }
}

/** A failure of the file or its disk as a `StorageError`; any other error as it is. */
export function asStorageError(path: string, error: unknown): unknown {
  if (error instanceof StorageError) return error
  const code = codeOf(error)
  const refuse = (fault: StorageFault, reason: string, way?: WayOut): StorageError =>
    new StorageError(fault, `Cannot open ${path}: ${reason}`, way)

  if (code === 'SQLITE_NOTADB') {
    return hasWal(path)
      ? malformedFile(path, 'it is not a SQLite database')
      : refuse(
          'foreign',
          'it is not a SQLite database; give Coatcheck a file of its own',
          DATA_PATH,
        )
  }
  if (code.startsWith('SQLITE_CORRUPT')) return malformedFile(path, 'SQLite finds it malformed')
  // It is marked as ours, but our tables are missing, or what they are made with.
  if (error instanceof Error && SCHEMA_FAULT.test(error.message)) {
    return malformedFile(path, error.message)
  }
  if (/^(SQLITE_FULL|SQLITE_IOERR_SHMSIZE|ENOSPC|EDQUOT)$/.test(code)) {
    return refuse('disk_failed', 'the disk is full; make space, then try again')
  }
  if (/^SQLITE_IOERR_SHM(MAP|LOCK)/.test(code)) {
    return refuse(
      'unwritable',
      `processes cannot share memory in its folder (${code}), as on many network file systems; ` +
        'give a file on a disk of this machine',
      DATA_PATH,
    )
  }
  if (/^(SQLITE_IOERR|EIO|EFBIG)/.test(code)) {
    return refuse('disk_failed', `the disk fails (${code})`)
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return refuse('in_use', 'another program is writing to it; stop that one')
  }
  if (
    /^SQLITE_(CANTOPEN|READONLY|PERM|AUTH)|^E(ACCES|PERM|ROFS|NOTDIR|ISDIR|EXIST|NOENT)/.test(code)
  ) {
    return refuse(
      'unwritable',
      `the file and its folder must be writable for this user (${code}); mend their rights, or ` +
        'give another file',
      DATA_PATH,
    )
  }
  return error
}

const SCHEMA_FAULT = /^(no such (table|column|function)|unknown function)/

/** The file's structure is damaged. */
export function malformedFile(path: string, finding: string): StorageError {
  const wayOut = hasWal(path)
    ? `Put the file back that the WAL beside it, ${path}-wal, was written for; or move both away, ` +
      'and restore a backup or start with an empty file'
    : 'Restore a backup, or move the file away to start with an empty one'
  return new StorageError(
    'damaged',
    `Cannot open ${path}: the file is damaged (${finding}); nothing was changed. ${wayOut}`,
  )
}

/** Whether the WAL may hold writes that are not in the file. */
function hasWal(path: string): boolean {
  try {
    return (statSync(path + WAL, { throwIfNoEntry: false })?.size ?? 0) > 0
  } catch {
    return false
  }
}

import { realpathSync, renameSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  copyDatabase,
  type OnPages,
  partialName,
  removeLeftovers,
  removePartial,
  renameToNew,
  sealCopy,
  syncFolder,
  writeError,
} from './copy-database.ts'
import { OWN, WITH_WRITES } from '../database/beside-files.ts'
import { kindOf } from '../database/data-path.ts'
import { openForReading } from './reading-database.ts'
import { guarded, StorageError } from '../database/storage-error.ts'

export type BackUpOptions = {
  readonly dataPath: string
  /** Where the backup goes. */
  readonly file: string
  /** Whether it may take the place of a file. */
  readonly force: boolean
  readonly now: number
  readonly onPages: OnPages
  /** Called when all is copied, and the check begins. */
  readonly onCheck: () => void
}

/**
 * Writes a copy of the database as it is now, while servers go on writing to it. It has its name
 * only once it is complete, checked and on disk. Answers its size; throws a `StorageError`.
 */
export async function backUp(options: BackUpOptions): Promise<{ readonly bytes: number }> {
  const { dataPath, force, now } = options
  const file = resolve(options.file)
  const action = `Cannot back up to ${file}`
  const { database: source, close } = openForReading(dataPath)
  const partial = partialName(file)
  try {
    refuseTarget(action, file, dataPath, force)
    removeLeftovers(file, now)
    await copyDatabase(source, partial, options.onPages)
    options.onCheck()
    const damage = sealCopy(partial)
    if (damage !== undefined) {
      throw new StorageError(
        'damaged',
        `Cannot back up ${dataPath}: it is damaged (${damage}); "check" tells more, older backups are as they were`,
      )
    }
    const { size } = statSync(partial)
    if (force) renameSync(partial, file)
    else if (!renameToNew(partial, file)) throw existsError(action)
    syncFolder(dirname(file))
    return { bytes: size }
  } catch (error) {
    throw guardedError(dataPath, writeError(action, error))
  } finally {
    removePartial(partial)
    close()
  }
}

function refuseTarget(action: string, file: string, dataPath: string, force: boolean): void {
  const there = statSync(file, { throwIfNoEntry: false })
  const data = statSync(dataPath)
  const dataName = realpathSync(dataPath)
  const own = ['', ...OWN].map((end) => dataName + end)
  const fileName = resolve(realpathSync(dirname(file)), file.slice(dirname(file).length + 1))
  if (own.includes(fileName) || (there?.ino === data.ino && there.dev === data.dev)) {
    throw new StorageError('unwritable', `${action}: the server's own files are there`)
  }
  if (there !== undefined && !there.isFile()) {
    throw new StorageError('unwritable', `${action}: ${kindOf(there)}`)
  }
  if (there !== undefined && !force) throw existsError(action)
  for (const end of WITH_WRITES) {
    if (statSync(`${file}${end}`, { throwIfNoEntry: false }) === undefined) continue
    // SQLite would take it for a part of the backup, and spoil that.
    throw new StorageError(
      'unwritable',
      `${action}: the WAL of another database is beside it (${file}${end}); choose another name`,
    )
  }
}

function existsError(action: string): StorageError {
  return new StorageError(
    'unwritable',
    `${action}: there is a file already; choose another name, or replace it`,
    { hint: 'replace_file' },
  )
}

/** What SQLite says of the source, in the words of the one who opened it. */
function guardedError(path: string, error: unknown): unknown {
  try {
    return guarded(path, () => {
      throw error
    })
  } catch (translated) {
    return translated
  }
}

/** The data file for a command that writes, beside a server or without one. */
import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { kindOf } from '../database/data-path.ts'
import {
  createFile,
  inspect,
  type Inspected,
  openWriterDatabase,
  prepareDatabase,
} from '../database/database.ts'
import { isServed, lockDatabase } from '../database/lock.ts'
import { damagedWal, findWalDamage } from '../wal/wal-damage.ts'
import { refuseMountedFiles } from '../database/mounts.ts'
import { refuseOtherNames } from '../database/other-names.ts'
import { DATA_PATH, guarded, StorageError } from '../database/storage-error.ts'
import { refuseWalWithoutFile, refuseStrangeWal } from '../wal/strange-wal.ts'

/**
 * Throws a `StorageError` where there is none, it is damaged, or it is not one that this Coatcheck has
 * brought up to date. `beforeOpening` may read the file in a way of its own: while SQLite has it open,
 * it would lose its locks when another descriptor is closed.
 */
export function openForCommand(
  path: string,
  beforeOpening: () => void = () => {},
): Database.Database {
  return guarded(path, () => {
    refuseMountedFiles(path)
    refuseOtherNames(path)
    refuseWalWithoutFile(path)
    refuseMissing(path)
    refuseDamagedWal(path)
    beforeOpening()
    refuseOlder(path, inspect(path, 'quick_check'))
    return openWriterDatabase(path, 'full')
  })
}

/** Whether there is no file yet, or one that is empty: the first start of a server makes it ready. */
export function isFileToCome(path: string): boolean {
  const found = guarded(path, () => statSync(path, { throwIfNoEntry: false }))
  return found === undefined || (found.isFile() && found.size === 0)
}

/** Makes the file ready where it is to come, as the first start of a server does. */
export function createMissingFile(path: string): void {
  guarded(path, () => {
    if (!isFileToCome(path)) return
    createFile(path)
    const unlock = lockDatabase(path)
    let isDone = false
    try {
      prepareDatabase(path)
      isDone = true
    } finally {
      unlock(!isDone)
    }
  })
}

export function refuseMissing(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isFile()) return
  const [fault, wayOut] =
    found === undefined
      ? (['missing', '; the first start of the server makes it'] as const)
      : (['unwritable', ''] as const)
  throw new StorageError(fault, `Cannot open ${path}: ${kindOf(found)}${wayOut}`, DATA_PATH)
}

/** Throws where migrations are to come. */
export function refuseOlder(path: string, { version, known }: Inspected): void {
  if (version >= known) return
  if (version === 0) {
    throw new StorageError(
      'older',
      `Cannot open ${path}: it is empty; start the server once, which makes it ready, or give ` +
        'another file',
      DATA_PATH,
    )
  }
  throw new StorageError(
    'older',
    `Cannot open ${path}: it has not been brought up to date yet (schema ${version}, this ` +
      `Coatcheck has ${known}); start the server once`,
  )
}

/** Beside a server SQLite reads the WAL as the server knows it, and drops nothing. */
export function refuseDamagedWal(path: string, isInUse = isServed): void {
  if (isInUse(path)) return
  const damage = findWalDamage(path)
  if (damage !== undefined) throw damagedWal(path, damage)
  refuseStrangeWal(path)
}

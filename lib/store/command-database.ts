/** The data file for a command, beside a server or without one. */
import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { createFile, inspect, openWriterDatabase, prepareDatabase } from './database.ts'
import { isServed, lockDatabase } from './lock.ts'
import { damagedLog, findLogDamage } from './log-damage.ts'
import { guarded, StartError } from './start-error.ts'

/**
 * Throws a `StartError` where there is none, it is damaged, or it is not one that this Coatcheck has
 * brought up to date. `beforeOpening` may read the file in a way of its own: while SQLite has it open,
 * it would lose its locks when another descriptor is closed.
 */
export function openForCommand(
  path: string,
  beforeOpening: () => void = () => {},
): Database.Database {
  return guarded(path, () => {
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
      throw new StartError(
        'missing',
        `Cannot open ${path}: there is no such file (--data); the first start of the server makes it`,
      )
    }
    refuseDamagedLog(path)
    beforeOpening()
    const { version, known } = inspect(path, 'quick_check')
    if (version < known) {
      throw new StartError(
        'older',
        `Cannot open ${path}: it has not been brought up to date yet (schema ${version}, this ` +
          `Coatcheck has ${known}); start the server once`,
      )
    }
    return openWriterDatabase(path, 'full')
  })
}

/** Makes the file where there is none yet, as the first start of a server does. */
export function createMissingFile(path: string): void {
  guarded(path, () => {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) return
    createFile(path)
    const unlock = lockDatabase(path)
    try {
      prepareDatabase(path)
    } finally {
      unlock()
    }
  })
}

/** Beside a server SQLite reads the log as the server knows it, and drops nothing. */
export function refuseDamagedLog(path: string): void {
  if (isServed(path)) return
  const damage = findLogDamage(path)
  if (damage !== undefined) throw damagedLog(path, damage)
}

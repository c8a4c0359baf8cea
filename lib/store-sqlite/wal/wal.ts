import type Database from 'better-sqlite3'
import { refusalFor } from '../database/sqlite-errors.ts'

/** The WAL beside the data file, which SQLite writes to first. */
export type Wal = {
  /** What is in it, in bytes. */
  bytes(): number
  /** Moves a WAL that has become long into the data file, as much of it as can be moved now. */
  trim(): void
  /**
   * Moves what is in it, as SQLite's checkpoint of this mode does; false where not all could be
   * moved, since another program reads or the disk is full. Such a program is not waited for, unless
   * it `isLastChance`: for as long as this connection waits for anything. Throws where the WAL cannot
   * be read.
   */
  move(mode: 'passive' | 'restart' | 'truncate', isLastChance?: boolean): boolean
}

/** As many pages as SQLite would let the WAL have before it moved them. */
const LONG_WAL_PAGES = 1_000

/** Of each page in the WAL, https://sqlite.org/fileformat2.html#walformat */
const FRAME_HEADER_BYTES = 24

/**
 * From here on this connection moves its WAL when it is told to, and not after a commit as SQLite
 * would, which tells nobody of a sync that failed. `longestBytes`: where it is to be moved sooner
 * than usual.
 */
export function manageWal(database: Database.Database, longestBytes = Infinity): Wal {
  database.pragma('wal_autocheckpoint = 0')
  const frameBytes = Number(database.pragma('page_size', { simple: true })) + FRAME_HEADER_BYTES
  const longPages = Math.min(LONG_WAL_PAGES, longestBytes / frameBytes)
  const length = database
    .prepare<[], [busy: number, pages: number]>('pragma wal_checkpoint(noop)')
    .raw()

  /** None of a database that is in no file. */
  function pages(): number {
    return Math.max(0, length.get()?.[1] ?? 0)
  }

  function move(mode: 'passive' | 'restart' | 'truncate', isLastChance = false): boolean {
    const patience = Number(database.pragma('busy_timeout', { simple: true }))
    try {
      // Another program that reads keeps the WAL.
      if (!isLastChance) database.pragma('busy_timeout = 0')
      return database.pragma(`wal_checkpoint(${mode})`, { simple: true }) === 0
    } catch (error) {
      // What is in the WAL is safe there, and the next start goes on from it.
      if (!['storage_full', 'storage_busy'].includes(refusalFor(error)?.code ?? '')) throw error
      return false
    } finally {
      database.pragma(`busy_timeout = ${patience}`)
    }
  }

  return {
    bytes: () => pages() * frameBytes,
    trim() {
      if (pages() >= longPages) move('passive')
    },
    move,
  }
}

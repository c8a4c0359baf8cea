import type Database from 'better-sqlite3'
import { refusalFor } from '../database/sqlite-errors.ts'

/** The WAL of a connection: its length, and its checkpoints. */
export type Wal = {
  /** The length of what is in use, in bytes. */
  bytes(): number
  /** Checkpoints a WAL that has become long, as far as that is possible now. */
  trim(): void
  /**
   * Runs a checkpoint, which moves the WAL into the file. False where not all could be moved, because
   * another program reads or the disk is full. Waits for such a program only if it `isLastChance`, up
   * to the connection's timeout. Throws where the WAL cannot be read.
   */
  checkpoint(mode: 'passive' | 'restart' | 'truncate', isLastChance?: boolean): boolean
}

/** SQLite's own threshold for a checkpoint. */
const LONG_WAL_PAGES = 1_000

/** Of each page in the WAL, https://sqlite.org/fileformat2.html#walformat */
const FRAME_HEADER_BYTES = 24

/**
 * Switches off SQLite's own checkpoints after a commit, which hide a failed sync: from here on this
 * connection checkpoints when it is told to. `longestBytes` lowers the usual threshold; `onCheckpoint` is
 * told how long each took.
 */
export function manageWal(
  database: Database.Database,
  longestBytes = Infinity,
  onCheckpoint: (seconds: number) => void = () => {},
): Wal {
  database.pragma('wal_autocheckpoint = 0')
  const frameBytes = Number(database.pragma('page_size', { simple: true })) + FRAME_HEADER_BYTES
  const longPages = Math.min(LONG_WAL_PAGES, longestBytes / frameBytes)
  const length = database
    .prepare<[], [busy: number, pages: number]>('pragma wal_checkpoint(noop)')
    .raw()

  /** 0 for a database in memory. */
  function pages(): number {
    return Math.max(0, length.get()?.[1] ?? 0)
  }

  function checkpoint(mode: 'passive' | 'restart' | 'truncate', isLastChance = false): boolean {
    const startedAt = performance.now()
    const patience = Number(database.pragma('busy_timeout', { simple: true }))
    try {
      // Do not wait for a program that reads.
      if (!isLastChance) database.pragma('busy_timeout = 0')
      return database.pragma(`wal_checkpoint(${mode})`, { simple: true }) === 0
    } catch (error) {
      // The WAL stays as it is, and is safe.
      if (!['storage_full', 'storage_busy'].includes(refusalFor(error)?.code ?? '')) throw error
      return false
    } finally {
      database.pragma(`busy_timeout = ${patience}`)
      onCheckpoint((performance.now() - startedAt) / 1_000)
    }
  }

  return {
    bytes: () => pages() * frameBytes,
    trim() {
      if (pages() >= longPages) checkpoint('passive')
    },
    checkpoint,
  }
}

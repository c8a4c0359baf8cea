/**
 * A WAL beside a file that it was not written for: the file was moved, removed, emptied, cut short or
 * replaced, and its WAL left behind. SQLite would delete a WAL beside an empty file, and write the pages
 * of any other over the file. Either loses acknowledged writes, so the file is refused.
 */
import { closeSync, fstatSync, openSync, realpathSync, statSync } from 'node:fs'
import { WAL } from '../database/beside-files.ts'
import { realNameOf } from '../database/data-path.ts'
import {
  readAt,
  readFramePage,
  readWalHeader,
  transactionsOf,
  WAL_HEADER_BYTES,
  type WalHeader,
} from './wal-frames.ts'
import { readPageBytes } from './wal-damage.ts'
import { StorageError } from '../database/storage-error.ts'

/** The file's header, https://sqlite.org/fileformat2.html#the_database_header */
export const FILE_HEADER_BYTES = 100
export const CHANGE_COUNTER_AT = 24
const READ_VERSION_AT = 19
/** The read version of a file that has no WAL, such as a backup. */
const WITHOUT_WAL = 1

/** SQLite locks a byte of the page here, and never writes to that page. */
const LOCKED_AT_BYTE = 0x40000000

/** Throws a `StorageError` where there is a WAL and no file, or an empty one. */
export function refuseWalWithoutFile(path: string): void {
  const name = realNameOf(path)
  const file = statSync(name, { throwIfNoEntry: false })
  if ((file !== undefined && (!file.isFile() || file.size > 0)) || sizeOf(name + WAL) === 0) {
    return
  }
  throw strangeWal(path, file === undefined ? 'the file is missing' : 'the file is empty')
}

/**
 * Throws a `StorageError` where the WAL was surely written for another file. An older copy of the same
 * file with the same length cannot be told from it, and passes.
 */
export function refuseStrangeWal(path: string): void {
  const reason = findStrangeWal(realpathSync(path))
  if (reason !== undefined) throw strangeWal(path, reason)
}

function strangeWal(path: string, reason: string): StorageError {
  return new StorageError(
    'damaged',
    `Cannot open ${path}: ${reason}, and the WAL beside it, ${path}-wal, holds writes for the ` +
      'file that was there; nothing was changed. Put that file back beside its WAL, whole, and ' +
      'start again; or move both away, restore a backup or start with an empty file, and do ' +
      'without these writes',
  )
}

function findStrangeWal(path: string): string | undefined {
  if (sizeOf(path) === 0 || sizeOf(path + WAL) <= WAL_HEADER_BYTES) return undefined
  const wal = openSync(path + WAL, 'r')
  try {
    const header = readWalHeader(readAt(wal, 0, WAL_HEADER_BYTES))
    if (header === undefined) return undefined
    const file = openSync(path, 'r')
    try {
      return compare(file, wal, header)
    } finally {
      closeSync(file)
    }
  } finally {
    closeSync(wal)
  }
}

function compare(file: number, wal: number, header: WalHeader): string | undefined {
  const { pageBytes } = header
  const { pages, size, counters } = readCommitted(wal, header)
  if (pages.size === 0) return undefined
  const start = readAt(file, 0, FILE_HEADER_BYTES)
  if (start.length === FILE_HEADER_BYTES) {
    const filePageBytes = readPageBytes(file)
    // Not a database: it is refused for that elsewhere.
    if (filePageBytes === undefined) return undefined
    if (filePageBytes !== pageBytes) {
      return `its pages have ${filePageBytes} bytes, those of the WAL ${pageBytes}`
    }
    if (start[READ_VERSION_AT] === WITHOUT_WAL) {
      return 'it is another file, such as a backup, and belongs to no WAL'
    }
    const counter = start.readUInt32BE(CHANGE_COUNTER_AT)
    if (counters !== undefined && (counter < counters.first - 1 || counter > counters.last)) {
      return 'it is another file, or an older one'
    }
  }
  const missing = firstMissingPage(fstatSync(file).size, pageBytes, size, pages)
  return missing === undefined
    ? undefined
    : `the file is cut short (page ${missing} of ${size} is missing)`
}

type Committed = {
  readonly pages: ReadonlySet<number>
  /** Of the database after the last transaction, in pages. */
  readonly size: number
  /**
   * The change counters in the first and the last page 1 of the WAL. Each write of that page adds one,
   * so the file below has at least one less than the first.
   */
  readonly counters: { readonly first: number; readonly last: number } | undefined
}

function readCommitted(wal: number, header: WalHeader): Committed {
  const pages = new Set<number>()
  let counters: Committed['counters']
  let size = 0
  for (const { frames, sizeAfter } of transactionsOf(wal, header)) {
    for (const { page, index } of frames) {
      pages.add(page)
      if (page !== 1) continue
      const last = readFramePage(wal, index, header.pageBytes).readUInt32BE(CHANGE_COUNTER_AT)
      counters = { first: counters?.first ?? last, last }
    }
    size = sizeAfter
  }
  return { pages, size, counters }
}

/** The first page that is neither in the file nor in the WAL; undefined where there is none. */
export function firstMissingPage(
  fileBytes: number,
  pageBytes: number,
  size: number,
  pages: ReadonlySet<number>,
): number | undefined {
  const locked = LOCKED_AT_BYTE / pageBytes + 1
  for (let page = Math.floor(fileBytes / pageBytes) + 1; page <= size; page++) {
    if (!pages.has(page) && page !== locked) return page
  }
  return undefined
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

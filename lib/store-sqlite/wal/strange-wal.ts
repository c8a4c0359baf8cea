/**
 * A WAL beside a file that it was not written for: the file was moved, removed, emptied, cut short,
 * or replaced, and the WAL was left. SQLite removes a WAL beside an empty file, and writes the pages
 * of any other over whatever is there: either loses what was acknowledged, and is refused.
 */
import { closeSync, fstatSync, openSync, realpathSync, statSync } from 'node:fs'
import { WAL } from '../database/beside-files.ts'
import { realNameOf } from '../database/data-path.ts'
import {
  framesOf,
  WAL_HEADER_BYTES,
  type WalHeader,
  readAt,
  readWalHeader,
  readFramePage,
  sameSum,
} from './wal-frames.ts'
import { readPageBytes } from './wal-damage.ts'
import { StorageError } from '../database/storage-error.ts'

/** The file's header, https://sqlite.org/fileformat2.html#the_database_header */
export const FILE_HEADER_BYTES = 100
export const CHANGE_COUNTER_AT = 24
const READ_VERSION_AT = 19
/** As the read version: there is no WAL beside it, as of a file that `backup` wrote. */
const WITHOUT_WAL = 1

/** SQLite locks a byte of this page, and never writes to it. */
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
 * Throws a `StorageError` where the WAL was surely written for another file than the one that is there.
 * Not all can be told: an older copy of the same file, of the same length, passes.
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
    // Whatever that is, it is refused for being no database.
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
  /** Of the database, in pages, after the last transaction. */
  readonly size: number
  /**
   * Of the first and the last page 1 in the WAL. Each connection that writes that page counts it up
   * by one: so one less than the first is the least that the file below can have.
   */
  readonly counters: { readonly first: number; readonly last: number } | undefined
}

/** What SQLite takes of a WAL. */
function readCommitted(wal: number, header: WalHeader): Committed {
  const pages = new Set<number>()
  let pending: number[] = []
  let starts: number[] = []
  let counters: Committed['counters']
  let size = 0
  let sum = header.sum
  for (const frame of framesOf(wal, header)) {
    const { page, salts, stored, sizeAfter, index } = frame
    if (salts !== header.salts || page === 0 || !sameSum(frame.sumFrom(sum), stored)) break
    sum = stored
    pending.push(page)
    if (page === 1) {
      starts.push(readFramePage(wal, index, header.pageBytes).readUInt32BE(CHANGE_COUNTER_AT))
    }
    if (sizeAfter === 0) continue
    for (const written of pending) pages.add(written)
    for (const last of starts) counters = { first: counters?.first ?? last, last }
    pending = []
    starts = []
    size = sizeAfter
  }
  return { pages, size, counters }
}

/** Every page is in the file or in the WAL: the first that is in neither. */
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

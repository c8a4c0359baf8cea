/**
 * A log beside a file that it was not written for: the file was moved, removed, emptied, cut short,
 * or replaced, and the log was left. SQLite removes a log beside an empty file, and writes the pages
 * of any other over whatever is there: either loses what was acknowledged, and is refused.
 */
import { closeSync, fstatSync, openSync, realpathSync, statSync } from 'node:fs'
import { realNameOf } from '../database/data-path.ts'
import {
  framesOf,
  LOG_HEADER_BYTES,
  type LogHeader,
  readAt,
  readLogHeader,
  readFramePage,
  sameSum,
} from './wal-frames.ts'
import { readPageBytes } from './wal-damage.ts'
import { StorageError } from '../database/storage-error.ts'

/** The file's header, https://sqlite.org/fileformat2.html#the_database_header */
export const FILE_HEADER_BYTES = 100
export const CHANGE_COUNTER_AT = 24
const READ_VERSION_AT = 19
/** As the read version: there is no log beside it, as of a file that `backup` wrote. */
const WITHOUT_LOG = 1

/** SQLite locks a byte of this page, and never writes to it. */
const LOCKED_AT_BYTE = 0x40000000

/** Throws a `StorageError` where there is a log and no file, or an empty one. */
export function refuseLogWithoutFile(path: string): void {
  const name = realNameOf(path)
  const file = statSync(name, { throwIfNoEntry: false })
  if ((file !== undefined && (!file.isFile() || file.size > 0)) || sizeOf(`${name}-wal`) === 0) {
    return
  }
  throw strangeLog(path, file === undefined ? 'the file is missing' : 'the file is empty')
}

/**
 * Throws a `StorageError` where the log was surely written for another file than the one that is there.
 * Not all can be told: an older copy of the same file, of the same length, passes.
 */
export function refuseStrangeLog(path: string): void {
  const reason = findStrangeLog(realpathSync(path))
  if (reason !== undefined) throw strangeLog(path, reason)
}

function strangeLog(path: string, reason: string): StorageError {
  return new StorageError(
    'damaged',
    `Cannot open ${path}: ${reason}, and the log beside it, ${path}-wal, holds writes for the ` +
      'file that was there; nothing was changed. Put that file back beside its log, whole, and ' +
      'start again; or move both away, restore a backup or start with an empty file, and do ' +
      'without these writes',
  )
}

function findStrangeLog(path: string): string | undefined {
  if (sizeOf(path) === 0 || sizeOf(`${path}-wal`) <= LOG_HEADER_BYTES) return undefined
  const log = openSync(`${path}-wal`, 'r')
  try {
    const header = readLogHeader(readAt(log, 0, LOG_HEADER_BYTES))
    if (header === undefined) return undefined
    const file = openSync(path, 'r')
    try {
      return compare(file, log, header)
    } finally {
      closeSync(file)
    }
  } finally {
    closeSync(log)
  }
}

function compare(file: number, log: number, header: LogHeader): string | undefined {
  const { pageBytes } = header
  const { pages, size, counters } = readCommitted(log, header)
  if (pages.size === 0) return undefined
  const start = readAt(file, 0, FILE_HEADER_BYTES)
  if (start.length === FILE_HEADER_BYTES) {
    const filePageBytes = readPageBytes(file)
    // Whatever that is, it is refused for being no database.
    if (filePageBytes === undefined) return undefined
    if (filePageBytes !== pageBytes) {
      return `its pages have ${filePageBytes} bytes, those of the log ${pageBytes}`
    }
    if (start[READ_VERSION_AT] === WITHOUT_LOG) {
      return 'it is another file, such as a backup, and belongs to no log'
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
   * Of the first and the last page 1 in the log. Each connection that writes that page counts it up
   * by one: so one less than the first is the least that the file below can have.
   */
  readonly counters: { readonly first: number; readonly last: number } | undefined
}

/** What SQLite takes of a log. */
function readCommitted(log: number, header: LogHeader): Committed {
  const pages = new Set<number>()
  let pending: number[] = []
  let starts: number[] = []
  let counters: Committed['counters']
  let size = 0
  let sum = header.sum
  for (const frame of framesOf(log, header)) {
    const { page, salts, stored, sizeAfter, index } = frame
    if (salts !== header.salts || page === 0 || !sameSum(frame.sumFrom(sum), stored)) break
    sum = stored
    pending.push(page)
    if (page === 1) {
      starts.push(readFramePage(log, index, header.pageBytes).readUInt32BE(CHANGE_COUNTER_AT))
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

/** Every page is in the file or in the log: the first that is in neither. */
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

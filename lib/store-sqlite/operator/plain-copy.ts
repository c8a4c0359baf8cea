/**
 * Copies a database and its WAL into one file, as SQLite would read the two. The copy needs no name, so
 * that it is gone when this process ends, in whatever way.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import {
  readAt,
  readFramePage,
  readWalHeader,
  transactionsOf,
  WAL_HEADER_BYTES,
} from '../wal/wal-frames.ts'
import { JOURNAL, WAL, WITH_WRITES } from '../database/beside-files.ts'
import { StorageError } from '../database/storage-error.ts'

const PIECE_BYTES = 1024 * 1024

/** The write and the read version in the header: 2 with a WAL, 1 without. */
const VERSIONS_AT = 18
const WITHOUT_WAL = 0x0101

/** If another program writes meanwhile, the copy is made again. */
const ATTEMPTS = 3

/**
 * Writes the database at `source` into the open file, over what is in it. `path` is its name for
 * messages. Throws a `StorageError` where another program keeps writing, or was broken off as it did
 * without a WAL; else what `node:fs` throws.
 */
export function writePlainCopy(source: string, copy: number, path: string): void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = stateOf(source)
    if ((statSync(source + JOURNAL, { throwIfNoEntry: false })?.size ?? 0) > 0) {
      throw cannotRead(path, 'what was written last is to be undone first, with its -journal')
    }
    ftruncateSync(copy, 0)
    opened(source, (file) => copyAll(file, copy))
    if (existsSync(source + WAL)) opened(source + WAL, (wal) => copyWal(wal, copy))
    if (readAt(copy, 0, VERSIONS_AT).length === VERSIONS_AT) {
      const versions = Buffer.alloc(2)
      versions.writeUInt16BE(WITHOUT_WAL)
      writeFully(copy, versions, VERSIONS_AT)
    }
    if (stateOf(source) === before) return
  }
  throw cannotRead(path, 'another program writes to it, and this user may not read beside that')
}

function cannotRead(path: string, reason: string): StorageError {
  return new StorageError(
    'in_use',
    `Cannot read ${path}: ${reason}; run this as the user of the server`,
  )
}

function opened(path: string, use: (file: number) => void): void {
  const file = openSync(path, 'r')
  try {
    use(file)
  } finally {
    closeSync(file)
  }
}

function copyAll(file: number, copy: number): void {
  const piece = Buffer.alloc(PIECE_BYTES)
  for (let at = 0; ;) {
    const length = readSync(file, piece, 0, piece.length, at)
    if (length === 0) return
    writeFully(copy, piece.subarray(0, length), at)
    at += length
  }
}

/** Writes the pages of all transactions that SQLite takes. */
function copyWal(wal: number, copy: number): void {
  const header = readWalHeader(readAt(wal, 0, WAL_HEADER_BYTES))
  if (header === undefined) return
  const { pageBytes } = header
  let pages: number | undefined
  for (const { frames, sizeAfter } of transactionsOf(wal, header)) {
    for (const { index, page } of frames) {
      writeFully(copy, readFramePage(wal, index, pageBytes), (page - 1) * pageBytes)
    }
    pages = sizeAfter
  }
  if (pages !== undefined) ftruncateSync(copy, pages * pageBytes)
}

function writeFully(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done)
  }
}

/** Changes whenever the file or its WAL is written to. */
function stateOf(source: string): string {
  return ['', ...WITH_WRITES]
    .map((end) => statSync(`${source}${end}`, { throwIfNoEntry: false, bigint: true }))
    .map((found) => (found === undefined ? '-' : `${found.ino} ${found.size} ${found.mtimeNs}`))
    .join()
}

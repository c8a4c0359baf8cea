/** The frames of a write-ahead WAL, as they are in the file: https://sqlite.org/fileformat2.html#walformat */
import { readSync } from 'node:fs'

/** The running checksum: two numbers of 32 bits, each frame's computed from that of the one before. */
export type Sum = readonly [number, number]

export type WalForm = {
  readonly pageBytes: number
  /** The order of the bytes in the numbers that the checksum adds up. */
  readonly littleEndian: boolean
}

export type WalHeader = WalForm & { readonly salts: bigint; readonly sum: Sum }

export type Frame = {
  /** In the WAL, from 0. */
  readonly index: number
  /** Which page of the database it is, from 1. */
  readonly page: number
  /** Of the database, in pages, for a frame that ends a transaction; 0 for any other. */
  readonly sizeAfter: number
  /** Those of the header that the WAL had when the frame was written. */
  readonly salts: bigint
  /** The checksum that is in the frame. */
  readonly stored: Sum
  /** The checksum that it should have after a frame of that checksum; with another `sizeAfter`, if given. */
  sumFrom(before: Sum, sizeAfter?: number): Sum
}

export const WAL_HEADER_BYTES = 32
export const FRAME_HEADER_BYTES = 24

/** With the last bit set, the checksum adds up big-endian numbers. */
const MAGIC = 0x377f0682

/** So much of the WAL is in memory at once. */
const PIECE_BYTES = 1024 * 1024

/** Undefined for a header that SQLite does not take, and the WAL with it. */
export function readWalHeader(bytes: Buffer): WalHeader | undefined {
  if (bytes.length < WAL_HEADER_BYTES) return undefined
  const magic = bytes.readUInt32BE(0)
  const pageBytes = bytes.readUInt32BE(8)
  const littleEndian = magic === MAGIC
  const sum = addUp(viewOf(bytes), 0, 24, [0, 0], littleEndian)
  const isRight =
    (littleEndian || magic === MAGIC + 1) &&
    isPageSize(pageBytes) &&
    sameSum(sum, [bytes.readInt32BE(24), bytes.readInt32BE(28)])
  return isRight ? { pageBytes, littleEndian, salts: bytes.readBigUInt64BE(16), sum } : undefined
}

export function isPageSize(bytes: number): boolean {
  return bytes >= 512 && bytes <= 65_536 && Number.isInteger(Math.log2(bytes))
}

/** All frames that are whole, in their order; each may be used until the next is asked for. */
export function* framesOf(wal: number, { pageBytes, littleEndian }: WalForm): Generator<Frame> {
  const frameBytes = FRAME_HEADER_BYTES + pageBytes
  const atOnce = Math.max(1, Math.floor(PIECE_BYTES / frameBytes))
  const piece = Buffer.alloc(atOnce * frameBytes)
  const view = viewOf(piece)
  for (let first = 0; ; first += atOnce) {
    const length = readFully(wal, piece, WAL_HEADER_BYTES + first * frameBytes)
    const whole = Math.floor(length / frameBytes)
    for (let n = 0; n < whole; n++) {
      const at = n * frameBytes
      const written = view.getUint32(at + 4)
      yield {
        index: first + n,
        page: view.getUint32(at),
        sizeAfter: written,
        salts: view.getBigUint64(at + 8),
        stored: [view.getInt32(at + 16), view.getInt32(at + 20)],
        sumFrom(before, sizeAfter = written) {
          view.setUint32(at + 4, sizeAfter)
          const head = addUp(view, at, 8, before, littleEndian)
          view.setUint32(at + 4, written)
          return addUp(view, at + FRAME_HEADER_BYTES, pageBytes, head, littleEndian)
        },
      }
    }
    if (whole < atOnce) return
  }
}

/** The checksum of a frame that holds this page. */
export function sumWithPage(
  { page, sizeAfter }: Pick<Frame, 'page' | 'sizeAfter'>,
  bytes: Buffer,
  before: Sum,
  littleEndian: boolean,
): Sum {
  const summed = Buffer.alloc(8 + bytes.length)
  summed.writeUInt32BE(page, 0)
  summed.writeUInt32BE(sizeAfter, 4)
  bytes.copy(summed, 8)
  return addUp(viewOf(summed), 0, summed.length, before, littleEndian)
}

/** The page that a frame of the WAL holds. */
export function readFramePage(wal: number, index: number, pageBytes: number): Buffer {
  const at = WAL_HEADER_BYTES + index * (FRAME_HEADER_BYTES + pageBytes) + FRAME_HEADER_BYTES
  return readAt(wal, at, pageBytes)
}

/** The head of a frame, its checksum as one number; undefined where the WAL ends before. */
export function readFrameHead(
  wal: number,
  index: number,
  pageBytes: number,
): { readonly page: number; readonly salts: bigint; readonly sum: bigint } | undefined {
  const at = WAL_HEADER_BYTES + index * (FRAME_HEADER_BYTES + pageBytes)
  const head = readAt(wal, at, FRAME_HEADER_BYTES)
  if (head.length < FRAME_HEADER_BYTES) return undefined
  return {
    page: head.readUInt32BE(0),
    salts: head.readBigUInt64BE(8),
    sum: head.readBigUInt64BE(16),
  }
}

/** Fewer bytes where the file ends before. */
export function readAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, readFully(file, bytes, at))
}

export function sameSum(one: Sum, other: Sum): boolean {
  return one[0] === other[0] && one[1] === other[1]
}

function readFully(file: number, into: Buffer, at: number): number {
  let length = 0
  while (length < into.length) {
    const more = readSync(file, into, length, into.length - length, at + length)
    if (more === 0) break
    length += more
  }
  return length
}

function addUp(
  view: DataView,
  at: number,
  length: number,
  [first, second]: Sum,
  littleEndian: boolean,
): Sum {
  let a = first
  let b = second
  for (let offset = at; offset < at + length; offset += 8) {
    a = (a + view.getInt32(offset, littleEndian) + b) | 0
    b = (b + view.getInt32(offset + 4, littleEndian) + a) | 0
  }
  return [a, b]
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length)
}

/**
 * The WAL as it is in its file, in the terms of https://sqlite.org/fileformat2.html#walformat. SQLite takes
 * frames while their salts are the header's and each checksum continues the one before, up to the last
 * commit frame. `lib/manual/inside.md` has the drawing.
 */
import { readSync } from 'node:fs'

/** A running checksum: two numbers of 32 bits. */
export type Checksum = readonly [number, number]

export type WalForm = {
  readonly pageBytes: number
  /** The byte order of the numbers that the checksum adds up. */
  readonly littleEndian: boolean
}

export type WalHeader = WalForm & { readonly salts: bigint; readonly checksum: Checksum }

export type Frame = {
  /** In the WAL, from 0. */
  readonly index: number
  /** The number of the page in the database, from 1. */
  readonly page: number
  /** The size of the database in pages, in a commit frame; 0 in any other. */
  readonly sizeAfter: number
  readonly salts: bigint
  /** The checksum that is in the frame. */
  readonly stored: Checksum
  /** The checksum that the frame must have after one with that checksum; with another `sizeAfter`, if given. */
  checksumAfter(before: Checksum, sizeAfter?: number): Checksum
}

export const WAL_HEADER_BYTES = 32
export const FRAME_HEADER_BYTES = 24

/** With the last bit set, the checksum adds up big-endian numbers. */
const MAGIC = 0x377f0682

/** The part of the WAL that is read at once. */
const PIECE_BYTES = 1024 * 1024

/** Undefined for a header that SQLite rejects, and the whole WAL with it. */
export function readWalHeader(bytes: Buffer): WalHeader | undefined {
  if (bytes.length < WAL_HEADER_BYTES) return undefined
  const magic = bytes.readUInt32BE(0)
  const pageBytes = bytes.readUInt32BE(8)
  const littleEndian = magic === MAGIC
  const checksum = addUp(viewOf(bytes), 0, 24, [0, 0], littleEndian)
  const isRight =
    (littleEndian || magic === MAGIC + 1) &&
    isPageSize(pageBytes) &&
    sameChecksum(checksum, [bytes.readInt32BE(24), bytes.readInt32BE(28)])
  return isRight
    ? { pageBytes, littleEndian, salts: bytes.readBigUInt64BE(16), checksum }
    : undefined
}

export function isPageSize(bytes: number): boolean {
  return bytes >= 512 && bytes <= 65_536 && Number.isInteger(Math.log2(bytes))
}

/** All complete frames in their order, valid or not; `checksumAfter` works until the next is asked for. */
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
        checksumAfter(before, sizeAfter = written) {
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

export function isCommit({ sizeAfter }: Pick<Frame, 'sizeAfter'>): boolean {
  return sizeAfter > 0
}

/** Whether SQLite takes the frame for one of this WAL, after a frame with that checksum. */
export function isValid(frame: Frame, before: Checksum, { salts }: WalHeader): boolean {
  return (
    frame.salts === salts &&
    frame.page > 0 &&
    sameChecksum(frame.checksumAfter(before), frame.stored)
  )
}

/** A transaction that SQLite takes: where its pages are, and the size of the database after it. */
export type WalTransaction = {
  readonly frames: readonly Pick<Frame, 'index' | 'page'>[]
  readonly sizeAfter: number
}

/** The transactions that SQLite takes. */
export function* transactionsOf(wal: number, header: WalHeader): Generator<WalTransaction> {
  let { checksum } = header
  let frames: Pick<Frame, 'index' | 'page'>[] = []
  for (const frame of framesOf(wal, header)) {
    if (!isValid(frame, checksum, header)) return
    const { index, page, sizeAfter, stored } = frame
    checksum = stored
    frames.push({ index, page })
    if (!isCommit(frame)) continue
    yield { frames, sizeAfter }
    frames = []
  }
}

/** The checksum that a frame would have with this page. */
export function checksumWithPage(
  { page, sizeAfter }: Pick<Frame, 'page' | 'sizeAfter'>,
  bytes: Buffer,
  before: Checksum,
  littleEndian: boolean,
): Checksum {
  const summed = Buffer.alloc(8 + bytes.length)
  summed.writeUInt32BE(page, 0)
  summed.writeUInt32BE(sizeAfter, 4)
  bytes.copy(summed, 8)
  return addUp(viewOf(summed), 0, summed.length, before, littleEndian)
}

/** The page in a frame. */
export function readFramePage(wal: number, index: number, pageBytes: number): Buffer {
  const at = WAL_HEADER_BYTES + index * (FRAME_HEADER_BYTES + pageBytes) + FRAME_HEADER_BYTES
  return readAt(wal, at, pageBytes)
}

/** The head of a frame, its checksum as one number; undefined past the end of the WAL. */
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

/** Fewer bytes at the end of the file. */
export function readAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, readFully(file, bytes, at))
}

export function sameChecksum(one: Checksum, other: Checksum): boolean {
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
  [first, second]: Checksum,
  littleEndian: boolean,
): Checksum {
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

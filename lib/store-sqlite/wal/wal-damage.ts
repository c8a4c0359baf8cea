/**
 * Damage in the WAL, looked for before SQLite opens it: SQLite stops at the first broken frame, and
 * ignores the rest. A frame of a later transaction proves that what is broken was whole, and
 * acknowledged. `lib/manual/inside.md` has the drawing.
 */
import { closeSync, openSync, realpathSync, statSync } from 'node:fs'
import {
  type Checksum,
  checksumWithPage,
  type Frame,
  FRAME_HEADER_BYTES,
  framesOf,
  isCommit,
  isPageSize,
  isValid,
  readAt,
  readFramePage,
  readWalHeader,
  sameChecksum,
  WAL_HEADER_BYTES,
  type WalForm,
  type WalHeader,
} from './wal-frames.ts'
import { WAL } from '../database/beside-files.ts'
import { StorageError } from '../database/storage-error.ts'

/** The frames that SQLite would ignore. */
export type WalDamage = {
  /** The first of these frames, from 0. */
  readonly from: number
  readonly frames: number
  /** Those whose end can still be seen. */
  readonly transactions: number
  /**
   * All of the WAL is in the file already. What SQLite would take of it are then older pages in the
   * place of newer ones, between others that stay: a state that never was.
   */
  readonly isInFile: boolean
}

/** A disk writes so much in one piece. */
const SECTOR_BYTES = 512

/** Another program may write to the WAL while it is read: what is damage is found twice. */
const ATTEMPTS = 4

/**
 * Undefined where SQLite would take all that was acknowledged, as far as can be told: of the last
 * transaction it cannot, nor where the WAL was cut off at the end of one. Reads the WAL in pieces,
 * beside a server, too. Throws what `node:fs` throws.
 */
export function findWalDamage(path: string): WalDamage | undefined {
  const data = realpathSync(path)
  const walPath = data + WAL
  // SQLite removes a WAL beside an empty file.
  if (sizeOf(data) === 0 || sizeOf(walPath) === 0) return undefined
  const wal = openSync(walPath, 'r')
  try {
    let seen: { readonly start: Buffer; readonly from: number } | undefined
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const start = readAt(wal, 0, WAL_HEADER_BYTES)
      const header = readWalHeader(start)
      const damage =
        header === undefined ? findUnderBrokenHeader(data, wal) : find(data, wal, header)
      if (damage === undefined) return undefined
      if (seen?.from === damage.from && seen.start.equals(start)) return damage
      seen = { start, from: damage.from }
    }
    return undefined
  } finally {
    closeSync(wal)
  }
}

/** The refusal of a file whose WAL is damaged. */
export function damagedWal(path: string, damage: WalDamage): StorageError {
  const wayOut = damage.isInFile
    ? `All of the WAL is in the file already: move ${path}-wal away, and start again`
    : 'Restore a backup; or start the server once with relaxed durability, which takes the WAL ' +
      'up to that place and drops the rest'
  const found = describeWalDamage(path, damage)
  return new StorageError(
    'damaged',
    `Cannot open ${path}: ${found}; nothing was changed. ${wayOut}`,
    damage.isInFile ? undefined : { hint: 'relax_durability' },
  )
}

/** The loss, in words. */
export function describeWalDamage(path: string, { from, frames, transactions }: WalDamage): string {
  return (
    `the WAL beside it, ${path}-wal, is damaged from frame ${from} on, and what was acknowledged ` +
    `after that would be undone, log-outs too (${frames} frames, ${transactions} transactions)`
  )
}

/**
 * A frame that the next one may continue: its checksum, and whether it is a commit frame, so that the
 * next one is of a later transaction.
 */
type Link = { readonly checksum: Checksum; readonly isCommit: boolean }

function find(path: string, wal: number, header: WalHeader): WalDamage | undefined {
  const frames = framesOf(wal, header)
  const valid = readValid(frames, header)
  const { pages, broken } = valid
  if (broken === undefined) return undefined
  const later = readFromBroken(frames, header, broken, valid.checksum)
  const rest = [...valid.pending, ...later.frames]
  const isInFile = isCheckpointed(path, wal, {
    header,
    pages,
    rest,
    broken,
    before: valid.checksum,
  })
  const isMixed = isInFile && rest.some(isCommit) && rest.some(({ page }) => pages.has(page))
  if (!later.isProven && !isMixed) return undefined
  const { end, transactions } = later
  return { from: valid.taken, frames: end - valid.taken, transactions, isInFile }
}

/** The part of a WAL that is as it was written. */
type Valid = {
  /** The number of frames that SQLite takes: those up to the last commit frame. */
  readonly taken: number
  /** Of each page in these, the last frame. */
  readonly pages: ReadonlyMap<number, number>
  /** The valid frames after the last commit frame. */
  readonly pending: readonly Frame[]
  /** The checksum of the last valid frame. */
  readonly checksum: Checksum
  /** The first frame that is not valid, if any: where SQLite stops. */
  readonly broken: Frame | undefined
}

function readValid(frames: Iterator<Frame>, header: WalHeader): Valid {
  const pages = new Map<number, number>()
  let { checksum } = header
  let taken = 0
  let pending: Frame[] = []
  let broken: Frame | undefined
  for (let next = frames.next(); next.done !== true; next = frames.next()) {
    const frame = next.value
    if (!isValid(frame, checksum, header)) {
      broken = frame
      break
    }
    checksum = frame.stored
    pending.push(frame)
    if (!isCommit(frame)) continue
    for (const { page, index } of pending) pages.set(page, index)
    pending = []
    taken = frame.index + 1
  }
  return { taken, pages, pending, checksum, broken }
}

/** The contents of a WAL from the broken frame on. */
type FromBroken = {
  /** The frames of this WAL. */
  readonly frames: readonly Frame[]
  /** The index after the last of them, and how many of them are commit frames; by their salts. */
  readonly end: number
  readonly transactions: number
  /** A frame of a transaction after the broken one's is there: what is broken was acknowledged. */
  readonly isProven: boolean
}

function readFromBroken(
  frames: Iterator<Frame>,
  header: WalHeader,
  broken: Frame,
  before: Checksum,
): FromBroken {
  const isOwn = ({ salts }: Frame): boolean => salts === header.salts
  // A frame with other salts was left from before a reset; or only its salts are damaged.
  const isBrokenOwn = isOwn(broken) || sameChecksum(broken.checksumAfter(before), broken.stored)
  const own = isBrokenOwn ? [broken] : []
  let links = linksOfBroken(broken, before, header)
  /** The broken frame was a commit frame, and the head of the next frame is lost. */
  let isGap = false
  let isProven = false
  for (let next = frames.next(); next.done !== true; next = frames.next()) {
    const frame = next.value
    if (frame.index === broken.index + 1) isGap = !isOwn(frame) && isSureCommit(broken, header)
    if (!isOwn(frame)) {
      links = []
      continue
    }
    const link = links.find(({ checksum }) =>
      sameChecksum(frame.checksumAfter(checksum), frame.stored),
    )
    if (link?.isCommit === true || (isGap && isCommit(frame))) isProven = true
    const isSure = link !== undefined || isHeadInOneSector(frame, header)
    links = [{ checksum: frame.stored, isCommit: isCommit(frame) && isSure }]
    own.push(frame)
  }
  const counted = own.filter(isOwn)
  const end = (counted.at(-1)?.index ?? -1) + 1
  return { frames: own, end, transactions: counted.filter(isCommit).length, isProven }
}

type Broken = {
  readonly header: WalHeader
  readonly pages: ReadonlyMap<number, number>
  readonly rest: readonly Frame[]
  readonly broken: Frame
  readonly before: Checksum
}

/**
 * Whether all of the WAL is in the file already, also what SQLite would not take of it. A checkpoint
 * begins once the WAL is on disk, so a crash during one leaves no frame broken.
 */
function isCheckpointed(
  path: string,
  wal: number,
  { header, pages, rest, broken, before }: Broken,
): boolean {
  const { pageBytes, littleEndian } = header
  if (broken.page === 0 || !rest.includes(broken)) return false
  const data = openSync(path, 'r')
  try {
    const after = new Map(rest.map(({ page, index }) => [page, index]))
    const others = new Map(pages.entries().filter(([page]) => !after.has(page)))
    const inFile = readAt(data, (broken.page - 1) * pageBytes, pageBytes)
    if (inFile.length < pageBytes) return false
    const isLast = after.get(broken.page) === broken.index
    if (isLast) after.delete(broken.page)
    const isBrokenInFile =
      !isLast ||
      inFile.equals(readFramePage(wal, broken.index, pageBytes)) ||
      sameChecksum(checksumWithPage(broken, inFile, before, littleEndian), broken.stored)
    return (
      isBrokenInFile &&
      areInFile(data, wal, after, pageBytes) &&
      areInFile(data, wal, others, pageBytes)
    )
  } finally {
    closeSync(data)
  }
}

/** Either the checksum of the broken frame is damaged and the rest is not, or the other way round. */
function linksOfBroken(frame: Frame, before: Checksum, form: WalForm): readonly Link[] {
  const { stored } = frame
  const computed = frame.checksumAfter(before)
  // With a damaged salt alone, the frame is otherwise as it was written.
  const isWhole = sameChecksum(computed, stored)
  const isCommitByHead = isCommit(frame)
    ? isWhole || isHeadInOneSector(frame, form)
    : BITS.some((bit) => sameChecksum(frame.checksumAfter(before, 2 ** bit), stored))
  return [
    { checksum: stored, isCommit: isCommitByHead },
    { checksum: computed, isCommit: isCommit(frame) },
  ]
}

/** The size in a commit frame may have had one bit only, and lost it. */
const BITS = Array.from({ length: 32 }, (_, bit) => bit)

function isSureCommit(frame: Frame, header: WalHeader): boolean {
  return frame.salts === header.salts && isCommit(frame) && isHeadInOneSector(frame, header)
}

/** Otherwise a write that was cut off may leave an older frame's size beside a newer checksum. */
function isHeadInOneSector({ index }: Frame, { pageBytes }: WalForm): boolean {
  const at = WAL_HEADER_BYTES + index * (FRAME_HEADER_BYTES + pageBytes)
  return Math.floor(at / SECTOR_BYTES) === Math.floor((at + FRAME_HEADER_BYTES - 1) / SECTOR_BYTES)
}

/**
 * The header is on disk before any frame that comes after it. So where it was cut off, all that is
 * in the WAL is from before: it is in the file already, and that has not changed since.
 */
function findUnderBrokenHeader(path: string, wal: number): WalDamage | undefined {
  const data = openSync(path, 'r')
  try {
    const pageBytes = readPageBytes(data)
    if (pageBytes === undefined) return undefined
    for (const littleEndian of [true, false]) {
      const run = firstRun(wal, { pageBytes, littleEndian })
      if (run.frames === 0) continue
      const { frames, transactions, pages } = run
      if (areInFile(data, wal, pages, pageBytes)) return undefined
      return { from: 0, frames, transactions, isInFile: false }
    }
    return undefined
  } finally {
    closeSync(data)
  }
}

type Run = {
  /** Up to the end of a transaction. */
  readonly frames: number
  readonly transactions: number
  /** Of each page, the last frame that holds it. */
  readonly pages: ReadonlyMap<number, number>
}

/** The first frames that follow each other, each with the checksum that it must have after the one before. */
function firstRun(wal: number, form: WalForm): Run {
  const pages = new Map<number, number>()
  let pending: Frame[] = []
  let frames = 0
  let transactions = 0
  let before: Frame | undefined
  for (const frame of framesOf(wal, form)) {
    const follows =
      before?.salts === frame.salts &&
      sameChecksum(frame.checksumAfter(before.stored), frame.stored)
    if (!follows) {
      if (frames > 0) break
      pending = []
    }
    pending.push(frame)
    if (frame.sizeAfter > 0 && follows) {
      for (const { page, index } of pending) pages.set(page, index)
      transactions += pending.filter(({ sizeAfter }) => sizeAfter > 0).length
      pending = []
      frames = frame.index + 1
      for (const page of pages.keys()) if (page > frame.sizeAfter) pages.delete(page)
    }
    before = frame
  }
  return { frames, transactions, pages }
}

function areInFile(
  data: number,
  wal: number,
  pages: ReadonlyMap<number, number>,
  pageBytes: number,
): boolean {
  return pages.entries().every(([page, index]) => {
    // A damaged head: no database has a page 0.
    if (page === 0) return false
    const inFile = readAt(data, (page - 1) * pageBytes, pageBytes)
    return inFile.equals(readFramePage(wal, index, pageBytes))
  })
}

/** As the header of the database says; undefined where it is none. */
export function readPageBytes(data: number): number | undefined {
  const start = readAt(data, 0, 18)
  const written = start.length < 18 ? 0 : start.readUInt16BE(16)
  const bytes = written === 1 ? 65_536 : written
  return isPageSize(bytes) ? bytes : undefined
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

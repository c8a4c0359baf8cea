/**
 * Damage in the write-ahead WAL, looked for before SQLite opens it. SQLite stops at the first frame
 * that is not as it was written and passes over all that comes after it: so it has to, since the last
 * transaction may have been cut off by a crash. But each transaction is on disk before a frame of the
 * next is written: where one of a later transaction is there, what came before was damaged since, and
 * it was acknowledged. The format: https://sqlite.org/fileformat2.html#walformat
 */
import { closeSync, openSync, realpathSync, statSync } from 'node:fs'
import {
  type Frame,
  FRAME_HEADER_BYTES,
  framesOf,
  isPageSize,
  WAL_HEADER_BYTES,
  type WalForm,
  type WalHeader,
  readAt,
  readFramePage,
  readWalHeader,
  sameSum,
  type Sum,
  sumWithPage,
} from './wal-frames.ts'
import { WAL } from '../database/beside-files.ts'
import { StorageError } from '../database/storage-error.ts'

/** What SQLite would pass over. */
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

/** What is lost, in words. */
export function describeWalDamage(path: string, { from, frames, transactions }: WalDamage): string {
  return (
    `the WAL beside it, ${path}-wal, is damaged from frame ${from} on, and what was acknowledged ` +
    `after that would be undone, log-outs too (${frames} frames, ${transactions} transactions)`
  )
}

/** A checksum that the next frame's can be computed from, and whether its frame ends a transaction. */
type Link = { readonly sum: Sum; readonly isEnd: boolean }

function find(path: string, wal: number, header: WalHeader): WalDamage | undefined {
  let sum = header.sum
  /** How many frames SQLite takes. */
  let taken = 0
  let broken: Frame | undefined
  /** What the next frame can come after. */
  let links: readonly Link[] = []
  /** The broken frame ends a transaction, and of the head of the next frame nothing is left. */
  let isGap = false
  let isProven = false
  let end = 0
  let transactions = 0
  /** Of each page, the last frame that SQLite takes. */
  const pages = new Map<number, number>()
  /** Those that it does not take. */
  let rest: Frame[] = []

  for (const frame of framesOf(wal, header)) {
    const { index, sizeAfter, stored } = frame
    const isOwn = frame.salts === header.salts
    if (broken === undefined) {
      if (isOwn && frame.page > 0 && sameSum(frame.sumFrom(sum), stored)) {
        sum = stored
        rest.push(frame)
        if (sizeAfter === 0) continue
        for (const { page, index } of rest) pages.set(page, index)
        rest = []
        taken = index + 1
        continue
      }
      broken = frame
      links = linksOfBroken(frame, sum, header)
      // Of other salts it is another WAL's, but for the one that the salts of have changed.
      if (!isOwn && sameSum(frame.sumFrom(sum), stored)) rest.push(frame)
    } else {
      if (index === broken.index + 1) isGap = !isOwn && isEndFor(broken, header)
      const before = isOwn
        ? links.find((link) => sameSum(frame.sumFrom(link.sum), stored))
        : undefined
      const isEnd = isOwn && sizeAfter > 0
      if (before?.isEnd === true || (isGap && isEnd)) isProven = true
      const isSure = before !== undefined || isHeadInOnePiece(frame, header)
      links = isOwn ? [{ sum: stored, isEnd: isEnd && isSure }] : []
    }
    if (!isOwn) continue
    rest.push(frame)
    end = index + 1
    if (sizeAfter > 0) transactions++
  }
  if (broken === undefined) return undefined
  const isInFile = isMoved(path, wal, { header, pages, rest, broken, before: sum })
  const isWhole = rest.some(({ sizeAfter }) => sizeAfter > 0)
  const isMixed = isInFile && isWhole && rest.some(({ page }) => pages.has(page))
  if (!isProven && !isMixed) return undefined
  return { from: taken, frames: end - taken, transactions, isInFile }
}

type Broken = {
  readonly header: WalHeader
  readonly pages: ReadonlyMap<number, number>
  readonly rest: readonly Frame[]
  readonly broken: Frame
  readonly before: Sum
}

/**
 * Whether all of the WAL is in the file already, what SQLite would not take of it, too. The WAL is on
 * disk before any of it is moved, so a crash leaves no such WAL broken.
 */
function isMoved(
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
      sameSum(sumWithPage(broken, inFile, before, littleEndian), broken.stored)
    return (
      isBrokenInFile &&
      areInFile(data, wal, after, pageBytes) &&
      areInFile(data, wal, others, pageBytes)
    )
  } finally {
    closeSync(data)
  }
}

/** Its checksum may be what is damaged, and all else as it was; or anything but that. */
function linksOfBroken(frame: Frame, before: Sum, form: WalForm): readonly Link[] {
  const { sizeAfter, stored } = frame
  const computed = frame.sumFrom(before)
  // Of another salt alone it is still the frame that was written.
  const isWhole = sameSum(computed, stored)
  const isEnd =
    sizeAfter > 0
      ? isWhole || isHeadInOnePiece(frame, form)
      : BITS.some((bit) => sameSum(frame.sumFrom(before, 2 ** bit), stored))
  return [
    { sum: stored, isEnd },
    { sum: computed, isEnd: sizeAfter > 0 },
  ]
}

/** That was the size of the database: it may have lost its only bit. */
const BITS = Array.from({ length: 32 }, (_, bit) => bit)

function isEndFor(frame: Frame, header: WalHeader): boolean {
  return frame.salts === header.salts && frame.sizeAfter > 0 && isHeadInOnePiece(frame, header)
}

/** Else, of a write that was cut off, an older frame's size may stand beside a newer checksum. */
function isHeadInOnePiece({ index }: Frame, { pageBytes }: WalForm): boolean {
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
      before?.salts === frame.salts && sameSum(frame.sumFrom(before.stored), frame.stored)
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

/**
 * Compares the open files with what SQLite has written to them, once a second: other programs may cut
 * them short or write into them, which SQLite does not notice.
 */
import { endianness } from 'node:os'
import { fstatSync, lstatSync, openSync, realpathSync, statSync } from 'node:fs'
import { codeOf } from '../../base/errors.ts'
import { LOCK, WAL, WAL_INDEX } from './beside-files.ts'
import {
  FRAME_HEADER_BYTES,
  isPageSize,
  WAL_HEADER_BYTES,
  readAt,
  readFrameHead,
} from '../wal/wal-frames.ts'
import { CHANGE_COUNTER_AT, FILE_HEADER_BYTES, firstMissingPage } from '../wal/strange-wal.ts'

/** A file of the store, and what must be found under its name. */
export type NamedFile = {
  readonly role: 'file' | 'wal' | 'wal-index' | 'lock'
  readonly path: string
  readonly dev: bigint
  readonly ino: bigint
  /** Whether the name itself is a symbolic link. */
  readonly isLink: boolean
}

export type OpenFiles = {
  readonly named: readonly NamedFile[]
  /**
   * Throws, with what is wrong, where something that was written is gone, or the disk cannot read it.
   */
  check(): void
}

/**
 * The header of the WAL index, which all connections share. SQLite keeps two copies, and writes the
 * second one first: https://sqlite.org/walformat.html#the_wal_index_header
 */
type WalIndex = {
  readonly bytes: Buffer
  readonly frames: number
  /** Of the database after the last transaction, in pages. */
  readonly size: number
  readonly pageBytes: number
  readonly salts: bigint
  readonly lastSum: bigint
}

const STATE_BYTES = 48
/** After both copies: how many frames have been checkpointed. */
const MOVED_AT = 2 * STATE_BYTES
const VERSIONS_AT = 18
/** The read and the write version of a file that has a WAL. */
const WITH_WAL = 0x0202

/** The files change all the time: a finding counts if the WAL index is the same before and after. */
const ATTEMPTS = 4

/**
 * Opens the files of a database that this process has open. They stay open, because SQLite loses its
 * locks on a file when any descriptor of it is closed. Throws what `node:fs` throws.
 */
export function watchOpenFiles(path: string): OpenFiles {
  const name = realpathSync(path)
  const file = openSync(name, 'r')
  const wal = openSync(name + WAL, 'r')
  const index = openSync(name + WAL_INDEX, 'r')
  const named = [
    ...(name === path ? [] : [name]).map((path) => identify('file', path)),
    identify('file', path),
    identify('wal', name + WAL),
    identify('wal-index', name + WAL_INDEX),
    identify('lock', name + LOCK),
  ]
  let start = readAt(file, 0, FILE_HEADER_BYTES)
  let startSalts = readWalIndex(index)?.salts
  /** The number of frames checkpointed when the start of the file was read. */
  let startMoved = 0
  let fileBytes = fstatSync(file).size
  let seen: WalIndex | undefined

  /** The fault of the WAL, which must hold all frames that are in its index. */
  function findWalLoss(state: WalIndex): string | undefined {
    if (state.frames === 0) return undefined
    const header = readAt(wal, 0, WAL_HEADER_BYTES)
    const last = readFrameHead(wal, state.frames - 1, state.pageBytes)
    const isWhole =
      header.length === WAL_HEADER_BYTES &&
      header.readBigUInt64BE(16) === state.salts &&
      last?.salts === state.salts &&
      last.sum === state.lastSum &&
      fstatSync(wal).size >= WAL_HEADER_BYTES + state.frames * frameBytesOf(state)
    // A WAL that was cut short, and then written on, has a hole.
    const isJoined =
      seen === undefined ||
      seen.salts !== state.salts ||
      seen.frames === 0 ||
      readFrameHead(wal, seen.frames - 1, seen.pageBytes)?.sum === seen.lastSum
    if (isWhole && isJoined) return undefined
    return `The WAL ${name}-wal was cut short or overwritten by another program`
  }

  function findFileLoss(state: WalIndex): string | undefined {
    const bytes = fstatSync(file).size
    const now = readAt(file, 0, FILE_HEADER_BYTES)
    if (bytes < fileBytes) {
      const pages = new Set(pagesInWal(state))
      const size = state.size > 0 ? state.size : start.readUInt32BE(28)
      if (firstMissingPage(bytes, state.pageBytes, size, pages) !== undefined) {
        return `The data file ${name} was cut short by another program`
      }
    }
    if (!now.equals(start) && !isOurs(now, state)) {
      return `The data file ${name} was overwritten by another program`
    }
    return undefined
  }

  /** Whether the new start of the file comes from the WAL: only a checkpoint, of any program, writes it. */
  function isOurs(now: Buffer, state: WalIndex): boolean {
    if (now.length < FILE_HEADER_BYTES || now.readUInt16BE(VERSIONS_AT) !== WITH_WAL) return false
    const isSameWal = state.salts === startSalts
    // It came from a WAL that has been reset since, with which it cannot be compared: it must not be older.
    const isNotOlder = now.readUInt32BE(CHANGE_COUNTER_AT) >= start.readUInt32BE(CHANGE_COUNTER_AT)
    if (!isSameWal && isNotOlder) return true
    // From the end, since it is nearly always one of the last frames.
    for (let frame = state.frames - 1; frame >= (isSameWal ? startMoved : 0); frame--) {
      if (readFrameHead(wal, frame, state.pageBytes)?.page !== 1) continue
      const at = WAL_HEADER_BYTES + frame * frameBytesOf(state) + FRAME_HEADER_BYTES
      if (readAt(wal, at, FILE_HEADER_BYTES).equals(now)) return true
    }
    return false
  }

  function* pagesInWal(state: WalIndex): Generator<number> {
    for (let frame = 0; frame < state.frames; frame++) {
      yield readFrameHead(wal, frame, state.pageBytes)?.page ?? 0
    }
  }

  function note(state: WalIndex): void {
    seen = state
    fileBytes = fstatSync(file).size
    // Read before the start: frames checkpointed in between are searched once more.
    startMoved = readMoved(index)
    start = readAt(file, 0, FILE_HEADER_BYTES)
    startSalts = state.salts
  }

  function check(): void {
    if (fstatSync(file).nlink === 0) throw new Error('The data file was removed from its folder')
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const state = readWalIndex(index)
      if (state === undefined) continue
      const loss = findWalLoss(state) ?? findFileLoss(state)
      const isSure = readWalIndex(index)?.bytes.equals(state.bytes) === true
      if (loss === undefined) return note(state)
      if (isSure) throw new Error(loss)
    }
  }

  return {
    named,
    check() {
      try {
        check()
      } catch (error) {
        if (codeOf(error) === '') throw error
        throw new Error(`The disk of the data file fails (${codeOf(error)})`, { cause: error })
      }
    },
  }
}

/** Undefined while it is being written, or where it was cut short. */
function readWalIndex(index: number): WalIndex | undefined {
  const both = readAt(index, 0, 2 * STATE_BYTES)
  const bytes = both.subarray(0, STATE_BYTES)
  if (both.length < 2 * STATE_BYTES || !bytes.equals(both.subarray(STATE_BYTES))) return undefined
  const isLittle = endianness() === 'LE'
  const number = (at: number): number =>
    isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
  const written = isLittle ? bytes.readUInt16LE(14) : bytes.readUInt16BE(14)
  const pageBytes = written === 1 ? 65_536 : written
  if (!isPageSize(pageBytes)) return undefined
  return {
    bytes,
    frames: number(16),
    size: number(20),
    pageBytes,
    salts: bytes.readBigUInt64BE(32),
    lastSum: (BigInt(number(24)) << 32n) | BigInt(number(28)),
  }
}

function readMoved(index: number): number {
  const bytes = readAt(index, MOVED_AT, 4)
  if (bytes.length < 4) return 0
  return endianness() === 'LE' ? bytes.readUInt32LE(0) : bytes.readUInt32BE(0)
}

function frameBytesOf({ pageBytes }: WalIndex): number {
  return FRAME_HEADER_BYTES + pageBytes
}

function identify(role: NamedFile['role'], path: string): NamedFile {
  const { dev, ino } = statSync(path, { bigint: true })
  return { role, path, dev, ino, isLink: lstatSync(path).isSymbolicLink() }
}

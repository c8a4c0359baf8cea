/**
 * Disk space that is held back: once the disk is full, it is freed, so that log-outs and the sweep can
 * still be written.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../../base/errors.ts'
import { RESERVE } from '../database/beside-files.ts'
import { DATA_PATH, StorageError } from '../database/storage-error.ts'

export type SpaceReserve = {
  /** The size of the whole reserve. */
  readonly bytes: number
  /** Takes the space, unless it is taken already; false, and nothing taken, where the disk has too little. */
  hold(): boolean
  /** Frees the space, for whoever writes next. */
  release(): void
  close(): void
}

/** A part of what is free on a small disk, but at least what some log-outs and a sweep need. */
const MOST_BYTES = 8 * 1024 * 1024
const LEAST_BYTES = 512 * 1024
const PART = 16

const ZEROS = Buffer.alloc(64 * 1024)

/** No links followed, no waiting for a writer of a pipe: others may have put one there. */
const FLAGS = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens `<path>.reserve`; throws what `node:fs` throws where there can be no such file, and a
 * `StorageError` where something else has that name.
 */
export function openSpaceReserve(path: string): SpaceReserve {
  const { bavail, bsize } = statfsSync(dirname(path))
  const bytes = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, Math.floor((bavail * bsize) / PART)))
  const file = openReserve(path, FLAGS | constants.O_CREAT)
  let held = 0

  function keep(length: number): void {
    ftruncateSync(file, length)
    held = length
  }

  return {
    bytes,
    hold() {
      if (held > 0) return true
      try {
        // Written, because a file that is only made longer takes no space.
        // control: space-reserve
        while (held < bytes) {
          held += writeSync(file, ZEROS, 0, Math.min(ZEROS.length, bytes - held), held)
        }
      } catch (error) {
        if (!isFull(error)) throw error
        // The rest is left for the writes of now.
        keep(held < LEAST_BYTES ? 0 : LEAST_BYTES)
      }
      return held > 0
    },
    release: () => keep(0),
    close: () => closeSync(file),
  }
}

/**
 * Frees the reserve before the database is opened, which needs space itself. Throws as
 * `openSpaceReserve` does.
 */
export function releaseReserve(path: string): void {
  try {
    const file = openReserve(path, FLAGS)
    ftruncateSync(file, 0)
    closeSync(file)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** Refuses a file that may not be a reserve, because a reserve is emptied and overwritten. */
function openReserve(path: string, flags: number): number {
  let file
  try {
    file = openSync(reservePathOf(path), flags, 0o600)
  } catch (error) {
    // ELOOP, on FreeBSD EMLINK, for a symbolic link; the others for a folder, a pipe or a socket.
    if (!/^(ELOOP|EMLINK|EISDIR|ENXIO|EOPNOTSUPP)$/.test(codeOf(error))) throw error
    throw noReserve(path, 'a link, a folder, a pipe or a device')
  }
  const other = findOther(file)
  if (other === undefined) return file
  closeSync(file)
  throw noReserve(path, other)
}

function findOther(file: number): string | undefined {
  const found = fstatSync(file)
  const { size, nlink, uid } = found
  const user = process.geteuid?.() ?? uid
  if (!found.isFile()) return 'a pipe or a device'
  if (nlink > 1) return 'a file that has another name, too (a hard link)'
  if (user !== 0 && user !== uid) return 'a file of another user'
  return size > MOST_BYTES || !holdsZeros(file, size) ? 'a file that holds something' : undefined
}

function holdsZeros(file: number, size: number): boolean {
  const piece = Buffer.alloc(ZEROS.length)
  for (let at = 0; at < size;) {
    const length = readSync(file, piece, 0, piece.length, at)
    if (length === 0 || !piece.subarray(0, length).equals(ZEROS.subarray(0, length))) return false
    at += length
  }
  return true
}

function noReserve(path: string, found: string): StorageError {
  return new StorageError(
    'unwritable',
    `Cannot open ${path}: ${reservePathOf(path)}, by which space on the disk is kept for later, must ` +
      `be a file of zeros of Coatcheck's own, it is ${found}; nothing was changed. Move it away, ` +
      'or give Coatcheck another file',
    DATA_PATH,
  )
}

function reservePathOf(path: string): string {
  return path + RESERVE
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
}

/**
 * Space on the disk that is kept for later: once the disk is full, it is what log-outs and the sweep
 * are written with.
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
  /** How much it is when it is whole. */
  readonly bytes: number
  /** Takes the space from the disk, if it is not taken; false, and nothing is, where there is too little. */
  hold(): boolean
  /** Gives it to the disk, and so to whoever writes next. */
  release(): void
  close(): void
}

/** On a small disk a part of what is free; the least is what some log-outs and a sweep take. */
const MOST_BYTES = 8 * 1024 * 1024
const LEAST_BYTES = 512 * 1024
const PART = 16

const ZEROS = Buffer.alloc(64 * 1024)

/** Whoever follows a link, or waits for who writes into a pipe, is at the mercy of who put it there. */
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
        // Written, not only made longer: a hole takes no space.
        while (held < bytes) {
          held += writeSync(file, ZEROS, 0, Math.min(ZEROS.length, bytes - held), held)
        }
      } catch (error) {
        if (!isFull(error)) throw error
        // The rest is for those who write now.
        keep(held < LEAST_BYTES ? 0 : LEAST_BYTES)
      }
      return held > 0
    },
    release: () => keep(0),
    close: () => closeSync(file),
  }
}

/**
 * Gives the space back before the database is opened, which takes some itself. Throws as
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

/** It is emptied and written over: so whatever is not surely a reserve is left alone. */
function openReserve(path: string, flags: number): number {
  let file
  try {
    file = openSync(reservePathOf(path), flags, 0o600)
  } catch (error) {
    // Of a symbolic link, FreeBSD says EMLINK; of a pipe or a socket, one of the others is said.
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

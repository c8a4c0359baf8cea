/**
 * Space on the disk that is kept for later: once the disk is full, it is what log-outs and the sweep
 * are written with.
 */
import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  statfsSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../errors.ts'

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

/** Opens `<path>.reserve`; throws what `node:fs` throws where there can be no such file. */
export function openSpaceReserve(path: string): SpaceReserve {
  const { bavail, bsize } = statfsSync(dirname(path))
  const bytes = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, Math.floor((bavail * bsize) / PART)))
  const file = openSync(reservePathOf(path), constants.O_RDWR | constants.O_CREAT, 0o600)
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

/** Gives the space back before the database is opened, which takes some itself. */
export function releaseReserve(path: string): void {
  try {
    truncateSync(reservePathOf(path), 0)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function reservePathOf(path: string): string {
  return `${path}.reserve`
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
}

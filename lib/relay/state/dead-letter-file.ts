/** The file of dead letters: a relay adds lines to it, a replay marks lines in their place. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { SyncFolder } from './cursor-file.ts'
import {
  type DeadLetter,
  type DeadLetterLine,
  readDeadLetters,
  renderDeadLetter,
  SENT,
} from './dead-letter.ts'
import { cannotOpen, cannotWrite } from './file-fault.ts'

const SYNCED = constants.O_SYNC ?? 0

/** What a disk does that is nearly full. */
const PARTLY = Object.assign(new Error('A part of a line was written'), { code: 'ENOSPC' })

export type DeadLetters = {
  /** On disk when it returns. Throws a `RelayError` where the disk fails. */
  add(letter: DeadLetter): void
  close(): void
}

/** Makes the file where there is none. */
export function openDeadLetters(path: string, syncFolder: SyncFolder): DeadLetters {
  const file = openForAppend(path)
  syncFolder(dirname(path))
  return {
    add(letter) {
      // One call, so that the lines of two relays never mix.
      const bytes = Buffer.from(renderDeadLetter(letter))
      const length = guarded(path, () => writeSync(file, bytes))
      if (length < bytes.length) throw cannotWrite(path, PARTLY)
    },
    close: () => closeSync(file),
  }
}

function openForAppend(path: string): number {
  const { O_APPEND, O_CREAT, O_RDWR } = constants
  try {
    const file = openSync(path, O_RDWR | O_CREAT | O_APPEND | SYNCED, 0o600)
    const { size } = fstatSync(file)
    const last = Buffer.alloc(1)
    // A line that a crash has cut off is to stay alone.
    if (size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 10) {
      writeSync(file, '\n')
    }
    return file
  } catch (error) {
    throw cannotOpen(path, error)
  }
}

export type DeadLetterMarks = {
  readonly letters: readonly DeadLetterLine[]
  /** The numbers of the lines that are no dead letters, and stay as they are. */
  readonly otherLines: readonly number[]
  /** Marks the letter as sent; on disk when it returns. A relay may add letters meanwhile. */
  markSent(letter: DeadLetterLine): void
  close(): void
}

/** Of a file that is there. Throws a `RelayError` where it cannot be read or written. */
export function openDeadLettersToMark(path: string): DeadLetterMarks {
  const { file, bytes } = openToMark(path)
  return {
    ...readDeadLetters(bytes),
    markSent({ stateAt }) {
      guarded(path, () => writeSync(file, SENT, stateAt))
    },
    close: () => closeSync(file),
  }
}

function openToMark(path: string): { file: number; bytes: Buffer } {
  try {
    const bytes = readFileSync(path)
    return { file: openSync(path, constants.O_RDWR | SYNCED), bytes }
  } catch (error) {
    throw cannotOpen(path, error)
  }
}

function guarded<T>(path: string, write: () => T): T {
  try {
    return write()
  } catch (error) {
    throw cannotWrite(path, error)
  }
}

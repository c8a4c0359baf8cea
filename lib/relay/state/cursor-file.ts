/** The file that says how far a relay has come. It stays open: rights to open files are dropped. */
import { closeSync, constants, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../../base/errors.ts'
import { RelayError } from '../relay-error.ts'
import {
  type CursorState,
  FILE_BYTES,
  readNewestSlot,
  renderSlot,
  type Slot,
  SLOT_BYTES,
} from './cursor-slots.ts'
import { cannotOpen, cannotWrite } from './file-fault.ts'

export type CursorFile = {
  /** As of the last write, of this process or of one before. */
  state(): CursorState
  /** On disk when it returns. Throws a `RelayError` where the disk fails; the state before holds then. */
  write(state: CursorState): void
  close(): void
}

/** Puts the names of a folder on disk. */
export type SyncFolder = (folder: string) => void

/** Each write is on disk when it returns: Node's permission model refuses `fsync`, whatever the rights. */
const SYNCED = constants.O_SYNC ?? 0

/** Makes the file where there is none. Throws a `RelayError` for one that is something else. */
export function openCursorFile(path: string, syncFolder: SyncFolder): CursorFile {
  const file = openFile(path) ?? makeFile(path, syncFolder)
  let slot = readFile(path, file)

  return {
    state: () => slot.state,
    write(state) {
      const next = { turn: slot.turn + 1, state }
      // control: cursor-slots-in-turn
      const at = (next.turn % 2) * SLOT_BYTES
      // Before the attempt: where a state does not fit, no disk has failed.
      const bytes = renderSlot(next)
      try {
        writeWhole(file, bytes, at)
      } catch (error) {
        throw cannotWrite(path, error)
      }
      slot = next
    },
    close: () => closeSync(file),
  }
}

function openFile(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | SYNCED)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw cannotOpen(path, error)
  }
}

/** Under its name only when it is whole. */
function makeFile(path: string, syncFolder: SyncFolder): number {
  const unfinished = `${path}.new`
  try {
    const file = openSync(
      unfinished,
      constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | SYNCED,
      0o600,
    )
    const first = renderSlot({ turn: 0, state: { after: undefined, failing: undefined } })
    const blank = `${' '.repeat(SLOT_BYTES - 1)}\n`
    writeWhole(file, Buffer.concat([first, Buffer.from(blank)]), 0)
    renameSync(unfinished, path)
    syncFolder(dirname(path))
    return file
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw cannotOpen(path, error)
  }
}

function readFile(path: string, file: number): Slot {
  const bytes = Buffer.alloc(FILE_BYTES)
  const length = readBytes(path, file, bytes)
  const slot = length === FILE_BYTES ? readNewestSlot(bytes) : undefined
  if (slot !== undefined) return slot
  throw new RelayError(
    'damaged',
    `Cannot read ${path}: it must be the cursor file of a relay, it is something else or damaged; ` +
      'name another file, or move it away: a relay without one begins anew',
  )
}

function readBytes(path: string, file: number, bytes: Buffer): number {
  try {
    return readSync(file, bytes, 0, bytes.length, 0)
  } catch (error) {
    throw cannotOpen(path, error)
  }
}

function writeWhole(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done)
  }
}

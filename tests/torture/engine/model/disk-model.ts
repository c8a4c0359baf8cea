/**
 * A folder on a disk that may lose its power at any moment: what is on it for sure, which is what a
 * completed sync covered, and what may or may not be.
 *
 * A sync covers what was written before it began. A file's name is on disk only once its folder was
 * synced after the file was made, and is off it only once the folder was synced after the file was
 * removed. What no sync has covered may be there, or not, in any order and in pieces of a sector;
 * what a piece would have replaced is as it was. The folder itself is taken to be there.
 */
import { basename, dirname } from 'node:path'
import type { Random } from '../random.ts'
import { bytesIn, fileNameIn, lastNumberIn, stringsIn, type TracedCall } from '../trace.ts'

export type Disk = {
  /** Takes note of a call to the files of the folder; passes over any other. */
  follow(call: TracedCall): void
  /** The folder after a power cut now: the bytes of each file by its name. */
  cutPower(what: Survival): Map<string, Buffer>
}

/** `synced`: nothing but what must be there. `written`: all of it. Else it is left to chance. */
export type Survival = 'synced' | 'written' | Random

/** What to trace for it: also what it cannot follow, and then says so. */
export const DISK_CALLS: readonly string[] = [
  ...['openat', 'open', 'creat', 'pwrite64', 'pwritev', 'write', 'writev', 'ftruncate', 'truncate'],
  ...['fallocate', 'fsync', 'fdatasync', 'sync_file_range', 'unlink', 'unlinkat', 'link', 'linkat'],
  ...['rename', 'renameat', 'renameat2'],
]

/** `ignore`: names of files in the folder whose loss loses nothing. */
export function createDisk(folder: string, ignore: (name: string) => boolean): Disk {
  const entries = { synced: new Map<string, File>(), written: new Map<string, File>() }
  let renames: Pending<Rename>[] = []
  /** Of each sync that has begun: what it will have covered when it ends. */
  const syncs = new Map<number, () => void>()

  /** The file behind an open descriptor; undefined for one that is none of ours. */
  function fileOf(args: string): File | undefined {
    const path = fileNameIn(args)
    return dirname(path) === folder ? entries.written.get(basename(path)) : undefined
  }

  function nameIn(path: string): string | undefined {
    const name = basename(path)
    return dirname(path) === folder && !ignore(name) ? name : undefined
  }

  function isOurs(path: string): boolean {
    return nameIn(path) !== undefined
  }

  function rename(change: Rename): void {
    renames.push({ change, isDone: true })
    apply(entries.written, change)
  }

  function beginSync({ number, args }: TracedCall): void {
    if (fileNameIn(args) === folder) {
      const covered = new Set(renames)
      syncs.set(number, () => {
        for (const { change } of covered) apply(entries.synced, change)
        renames = renames.filter((one) => !covered.has(one))
      })
      return
    }
    const file = fileOf(args)
    if (file === undefined) return
    const covered = new Set(file.pending.filter(({ isDone }) => isDone))
    syncs.set(number, () => {
      for (const { change } of covered) write(file, change)
      file.pending = file.pending.filter((one) => !covered.has(one))
    })
  }

  /** A write that has begun may be on disk already; one that has failed is not. */
  function followWrite(call: TracedCall, change: Write): void {
    const file = fileOf(call.args)
    if (file === undefined) return
    if (call.phase === 'begin') {
      file.pending.push({ change, isDone: false, number: call.number })
    } else {
      const pending = file.pending.find(({ number }) => number === call.number)
      if (pending === undefined) return
      if (call.result === -1) file.pending.splice(file.pending.indexOf(pending), 1)
      else pending.isDone = true
    }
  }

  return {
    follow(call) {
      const { phase, name, args, result } = call
      switch (name) {
        case 'openat': {
          if (phase === 'begin' || result === -1 || !args.includes('O_CREAT')) return
          const made = nameIn(bytesIn(args).toString())
          if (made !== undefined && !entries.written.has(made)) {
            rename({ name: made, file: { synced: Buffer.alloc(0), length: 0, pending: [] } })
          }
          return
        }
        case 'unlink': {
          const gone = nameIn(bytesIn(args).toString())
          if (phase === 'end' && result === 0 && gone !== undefined) rename({ name: gone })
          return
        }
        case 'pwrite64':
          if (fileOf(args) === undefined) return
          return followWrite(call, { offset: lastNumberIn(args), bytes: bytesIn(args) })
        case 'ftruncate':
          return followWrite(call, { length: lastNumberIn(args) })
        case 'fsync':
        case 'fdatasync':
          if (phase === 'begin') return beginSync(call)
          if (result === 0) syncs.get(call.number)?.()
          syncs.delete(call.number)
          return
        default:
          if (fileOf(args) === undefined && !stringsIn(args).some(isOurs)) return
          throw new Error(`Cannot follow the disk: the model does not know ${name}`)
      }
    },

    cutPower(what) {
      const names = new Map(entries.synced)
      for (const { change } of renames) if (survives(what)) apply(names, change)
      return new Map([...names].map(([name, file]) => [name, bytesOf(file, what)]))
    },
  }
}

const SECTOR_BYTES = 512

type File = { synced: Buffer; length: number; pending: Pending<Write>[] }
type Pending<Change> = { readonly change: Change; isDone: boolean; readonly number?: number }
type Write = { readonly offset: number; readonly bytes: Buffer } | { readonly length: number }
/** Without a file the name is gone. */
type Rename = { readonly name: string; readonly file?: File }

function apply(names: Map<string, File>, { name, file }: Rename): void {
  if (file === undefined) names.delete(name)
  else names.set(name, file)
}

function survives(what: Survival): boolean {
  return typeof what === 'string' ? what === 'written' : what.oneIn(2)
}

function bytesOf(file: File, what: Survival): Buffer {
  const copy: File = { synced: Buffer.from(file.synced), length: file.length, pending: [] }
  // Half of the time the disk kept the order, and only the end is missing.
  const inOrder = typeof what !== 'string' && what.oneIn(2)
  const last = inOrder ? what.below(file.pending.length + 1) : 0
  for (const [index, { change }] of file.pending.entries()) {
    if (inOrder ? index > last : !survives(what)) continue
    const isTorn = typeof what !== 'string' && (inOrder ? index === last : what.oneIn(4))
    if (isTorn) for (const piece of tear(change, what)) write(copy, piece)
    else write(copy, change)
  }
  return copy.synced.subarray(0, copy.length)
}

/** Some of its sectors; a new length is there or not. */
function tear(change: Write, random: Random): Write[] {
  if (!('bytes' in change)) return []
  const { offset, bytes } = change
  const pieces: Write[] = []
  for (let start = 0; start < bytes.length;) {
    const end = Math.min(bytes.length, start + SECTOR_BYTES - ((offset + start) % SECTOR_BYTES))
    if (random.oneIn(2)) {
      pieces.push({ offset: offset + start, bytes: bytes.subarray(start, end) })
    }
    start = end
  }
  return pieces
}

function write(file: File, change: Write): void {
  if ('length' in change) {
    reserve(file, change.length)
    if (change.length < file.length) file.synced.fill(0, change.length, file.length)
    file.length = change.length
  } else {
    const end = change.offset + change.bytes.length
    reserve(file, end)
    change.bytes.copy(file.synced, change.offset)
    file.length = Math.max(file.length, end)
  }
}

/** More than is needed: a file grows by a page at a time. */
function reserve(file: File, length: number): void {
  if (length <= file.synced.length) return
  const larger = Buffer.alloc(length * 2)
  file.synced.copy(larger)
  file.synced = larger
}

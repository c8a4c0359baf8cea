/**
 * better-sqlite3's addon in the one binary: the operating system loads code from a file only, so it
 * is unpacked once, beside the data, for a server. In the repository better-sqlite3 finds its addon by itself,
 * and nothing here loads one.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { isBinary, listAssets, readBinaryAsset } from '../../base/assets.ts'
import type { WayOut } from '../../base/errors.ts'
import { addonName } from './beside-files.ts'
import { createFolder } from './data-path.ts'

/** The addon cannot be loaded: the message says what the operator can do. */
export class AddonError extends Error {
  override readonly name = 'AddonError'
  readonly way: WayOut | undefined

  constructor(message: string, way?: WayOut) {
    super(message)
    this.way = way
  }
}

/** In this folder of the assets is the addon, under a name that tells its content. */
export const ADDON_FOLDER = 'addon/'

// A pipe in its place must not make the program wait. Windows has neither.
const READ_NO_LINK = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

let dataFile: string | undefined
let isKept = true
let addon: object | undefined
/** What this process has put beside the data. */
let placed: string | undefined

/**
 * Says beside which data file the addon is, should this be the binary. A server keeps it there; a
 * command takes it from there where it is, and leaves nothing of its own.
 */
export function placeAddon(dataPath: string, given: { readonly keep: boolean }): void {
  dataFile = dataPath
  isKept = given.keep
}

/**
 * Stands in for better-sqlite3's own search, in the bundle. Throws an `AddonError`, or what
 * `node:fs` throws for a folder that cannot be written.
 */
export function loadAddon(): object {
  if (addon !== undefined) return addon
  const [asset] = isBinary ? listAssets(ADDON_FOLDER) : []
  if (asset === undefined || dataFile === undefined) {
    throw new Error('Cannot load SQLite: there is no addon inside, or no data file was named')
  }
  const folder = dirname(existsSync(dataFile) ? realpathSync(dataFile) : dataFile)
  const name = asset.slice(ADDON_FOLDER.length)
  const bytes = readBinaryAsset(asset)
  addon = isKept ? loadFrom(folder, name, bytes) : loadAndLeaveNothing(folder, name, bytes)
  return addon
}

/** A start that was refused leaves nothing: takes away the addon that it has put beside the data. */
export function discardAddon(): void {
  if (placed !== undefined) removeQuietly(placed)
}

function loadFrom(folder: string, name: string, bytes: Uint8Array): object {
  const wasThere = existsSync(pathIn(folder, name))
  const { path, file } = unpackAddon(name, bytes, folder)
  if (!wasThere) placed = path
  try {
    return load(path, file)
  } finally {
    closeSync(file)
  }
}

function loadAndLeaveNothing(folder: string, name: string, bytes: Uint8Array): object {
  const kept = pathIn(folder, name)
  const file = openSound(kept, bytes)
  if (file !== undefined) {
    try {
      return load(kept, file)
    } finally {
      closeSync(file)
    }
  }
  try {
    return withFolderOfItsOwn((temporary) => loadFrom(temporary, name, bytes))
  } catch (error) {
    // Where programs may not be started from there: a place that is this user's, or the data's.
    for (const other of [makeCacheFolder(), folder]) {
      try {
        if (other !== undefined) return loadFrom(other, name, bytes)
      } catch {
        continue
      }
    }
    throw error
  }
}

/** Of this user alone, and gone again: what is loaded needs its file no more. */
export function withFolderOfItsOwn<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-'))
  try {
    return use(folder)
  } finally {
    removeQuietly(folder)
  }
}

function removeQuietly(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    // Windows keeps the file of what is loaded.
    return
  }
}

/** Undefined where there can be none. */
function makeCacheFolder(): string | undefined {
  try {
    const folder = join(homedir(), '.cache', 'coatcheck')
    createFolder(folder)
    return folder
  } catch {
    return undefined
  }
}

/**
 * Makes sure that the folder has these bytes in a file that is this user's alone, and opens it for
 * reading. Each user has a file of its own: root must not run what a service could have written.
 */
export function unpackAddon(
  name: string,
  bytes: Uint8Array,
  folder: string,
): { readonly path: string; readonly file: number } {
  const path = pathIn(folder, name)
  let file = openSound(path, bytes)
  if (file !== undefined) return { path, file }
  writeInOneStep(path, bytes)
  file = openSound(path, bytes)
  if (file !== undefined) return { path, file }
  throw new AddonError(
    `Cannot load SQLite: ${path} must be a file of this user alone (mode 0700), and does not stay ` +
      'so; give a data file on a file system that keeps owners and modes',
    { setting: 'dataPath' },
  )
}

/** Why the operating system would not load it, in words that help. */
export function addonError(path: string, reason: string): AddonError {
  if (/GLIBC_[\d.]+' not found/.test(reason)) {
    return new AddonError(
      'Cannot load SQLite: it needs the C library glibc 2.34 or newer (Debian 12, Ubuntu 22.04, ' +
        `RHEL 9), and this system has an older one (${reason})`,
    )
  }
  if (/failed to map segment|Operation not permitted|Permission denied/.test(reason)) {
    return new AddonError(
      `Cannot load SQLite: ${dirname(path)} must not be mounted "noexec", since a part of the ` +
        `program is loaded from there (${path}); mount it without, or give a data file elsewhere`,
      { setting: 'dataPath' },
    )
  }
  return new AddonError(`Cannot load SQLite from ${path}: ${reason}`)
}

function pathIn(folder: string, name: string): string {
  return join(folder, addonName(process.getuid?.() ?? 'user', name))
}

function writeInOneStep(path: string, bytes: Uint8Array): void {
  const partial = `${path}.${randomUUID()}`
  try {
    const file = openSync(partial, 'wx', 0o700)
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
    } finally {
      closeSync(file)
    }
    // Another process may be about to load what is there: it sees the old file or the new one.
    renameSync(partial, path)
  } finally {
    rmSync(partial, { force: true })
  }
}

/** Opens the file where it is no link, this user's alone, and has these bytes. */
function openSound(path: string, bytes: Uint8Array): number | undefined {
  let file
  try {
    file = openSync(path, READ_NO_LINK)
  } catch {
    return undefined
  }
  const { mode, uid, size } = fstatSync(file)
  const isOwn =
    process.getuid === undefined || (uid === process.getuid() && mode % 0o1000 === 0o700)
  if (isOwn && size === bytes.length && readFileSync(file).equals(bytes)) return file
  closeSync(file)
  return undefined
}

function load(path: string, file: number): object {
  // The very file that was checked, whatever its name means by now.
  const checked = `/proc/self/fd/${file}`
  const module = { exports: {} }
  try {
    process.dlopen(module, existsSync(checked) ? checked : path)
  } catch (error) {
    throw addonError(path, error instanceof Error ? error.message : String(error))
  }
  return module.exports
}

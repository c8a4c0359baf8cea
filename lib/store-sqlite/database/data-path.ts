/** The name of the data file, and of what stands beside it. */
import { existsSync, lstatSync, mkdirSync, readlinkSync, realpathSync, type Stats } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { codeOf } from '../../base/errors.ts'

/** The longest chain of symbolic links that Linux follows. */
const MOST_LINKS = 40

/**
 * The name without symbolic links in it, also of a file that is not there yet: SQLite puts the WAL,
 * and Coatcheck the lock, beside that one. Throws what `node:fs` throws.
 */
export function realNameOf(path: string): string {
  return followLinks(path).name
}

/** Each symbolic link on the way to the file, by its name in a real folder. */
export function symbolicNamesOf(path: string): readonly string[] {
  return followLinks(path).links
}

function followLinks(path: string): { name: string; links: readonly string[] } {
  const links: string[] = []
  let name = path
  while (links.length < MOST_LINKS) {
    const folder = realFolderOf(name)
    if (folder === undefined) return { name: resolve(name), links }
    name = join(folder, basename(name))
    if (lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() !== true) break
    links.push(name)
    name = resolve(folder, readlinkSync(name))
  }
  return { name, links }
}

/**
 * Creates a folder for this user alone, and the missing ones above it. Throws what `node:fs` throws.
 * Not Node's recursive `mkdirSync`, which never returns under /proc.
 */
export function createFolder(folder: string): void {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) createFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process has created it, or the name ends with "..".
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

/** The thing found in place of a file, for the end of a message. */
export function kindOf(found: Stats | undefined): string {
  if (found === undefined) return 'there is no such file'
  if (found.isDirectory()) return 'it is a folder; name a file in it'
  return found.isFile() ? 'it is a file' : 'it must be a file, it is a pipe, a socket or a device'
}

function realFolderOf(name: string): string | undefined {
  try {
    return realpathSync(dirname(name))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return undefined
  }
}

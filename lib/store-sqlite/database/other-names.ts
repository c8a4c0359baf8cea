/**
 * Other names of the data file than the one beside which its WAL and its lock are. Who opens the file
 * by another name finds neither: two servers could open it, or one miss the writes in the WAL.
 */
import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs'
import { dirname, join, parse } from 'node:path'
import { codeOf } from '../../base/errors.ts'
import { ASIDE_MARK, LOCK, WITH_WRITES } from './beside-files.ts'
import { realNameOf, symbolicNamesOf } from './data-path.ts'
import { isHeld } from './lock.ts'
import { StorageError } from './storage-error.ts'

/**
 * Throws a `StorageError` where the file has hard links; and where a symbolic link to it, on the way or
 * in its folder, has a WAL or a held lock of its own, as when an open file was renamed and linked to.
 */
export function refuseOtherNames(path: string): void {
  const name = realNameOf(path)
  for (const link of new Set([...symbolicNamesOf(path), ...linksBeside(name)])) {
    for (const end of WITH_WRITES) refuseWalOfLink(path, link, name, end)
    refuseLockOfLink(path, link, name)
  }
  refuseHardLinks(path, name)
}

/** Symbolic links in the folder of the file that lead to it and have a WAL or a lock of their own. */
function linksBeside(name: string): string[] {
  const folder = dirname(name)
  const linked = namesIn(folder).flatMap((other) => {
    const end = [...WITH_WRITES, LOCK].find((end) => other.endsWith(end))
    return end === undefined ? [] : [join(folder, other.slice(0, -end.length))]
  })
  return linked.filter((link) => isLink(link) && realNameOf(link) === name)
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

/** Empty for a folder that does not exist, or that this user may not list. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (/^(ENOENT|EACCES|EPERM)$/.test(codeOf(error))) return []
    throw error
  }
}

function refuseWalOfLink(path: string, link: string, name: string, end: string): void {
  const wal = look(link + end)
  if (wal === undefined || wal.size === 0 || isSame(wal, look(name + end))) return
  throw new StorageError(
    'damaged',
    `Cannot open ${path}: ${link} is a symbolic link to ${name}, and the WAL ${link}${end} beside ` +
      'the link holds writes for the file that had that name; nothing was changed. If that file ' +
      'was renamed, remove the link and give the file its name back; or move that WAL away, and ' +
      'do without these writes',
  )
}

function refuseLockOfLink(path: string, link: string, name: string): void {
  const lock = look(link + LOCK)
  if (lock === undefined || isSame(lock, look(name + LOCK)) || !isHeld(path, link + LOCK)) {
    return
  }
  throw new StorageError(
    'in_use',
    `Cannot open ${path}: ${link} is a symbolic link to ${name}, and another Coatcheck server has ` +
      'it open by the name of the link; stop that one, remove the link and give the file its name back',
  )
}

/** Does not count the second name that an interrupted restore leaves behind: nobody opens the file by it. */
function refuseHardLinks(path: string, name: string): void {
  const found = look(name)
  if (found === undefined || !found.isFile() || found.nlink === 1) return
  const { dir, base } = parse(name)
  const leftBehind = namesIn(dir).filter((other) => {
    return other.startsWith(`${base}${ASIDE_MARK}`) && isSame(found, look(join(dir, other)))
  })
  const others = found.nlink - 1 - leftBehind.length
  if (others === 0) return
  throw new StorageError(
    'in_use',
    `Cannot open ${path}: it must have one name, it has ${others} more (hard links), and another ` +
      'server could have it open by one of them; remove the others, or use a copy',
  )
}

function look(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

function isSame(one: Stats, other: Stats | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino
}

/**
 * A file that is mounted by itself, as by a container with `-v sessions.db:/data/sessions.db`. Its WAL
 * and its lock are then in another folder at each place where it is mounted: writes in the WAL are
 * missing at the next place, and two servers can open one file.
 */
import { readFileSync } from 'node:fs'
import { codeOf } from '../../base/errors.ts'
import { LOCK, OF_SQLITE } from './beside-files.ts'
import { realNameOf } from './data-path.ts'
import { StorageError } from './storage-error.ts'

const MOUNTS = '/proc/self/mountinfo'

/** These belong together, and so in one folder. */
const FILES = ['', ...OF_SQLITE, LOCK]

/** Throws a `StorageError` where the data file, its WAL or its lock is a mount of its own. */
export function refuseMountedFiles(path: string): void {
  const mounts = readMountPoints()
  if (mounts.size === 0) return
  const name = realNameOf(path)
  const mounted = FILES.map((end) => name + end).find((file) => mounts.has(file))
  if (mounted === undefined) return
  throw new StorageError(
    'unwritable',
    `Cannot open ${path}: ${mounted === path ? 'it' : mounted} is mounted by itself, so that the ` +
      'file, its WAL and its lock would not stay together, and writes would be lost; ' +
      'mount the folder that they are in instead',
  )
}

/** Empty on systems without this file, such as macOS. */
function readMountPoints(): ReadonlySet<string> {
  try {
    return parseMountPoints(readFileSync(MOUNTS, 'utf8'))
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(codeOf(error))) return new Set()
    throw error
  }
}

/** The fifth field of each line, https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
export function parseMountPoints(mountinfo: string): ReadonlySet<string> {
  const points = mountinfo.split('\n').map((line) => line.split(' ')[4] ?? '')
  return new Set(points.filter((point) => point !== '').map(unescape))
}

/** The kernel writes a space, a tab, a line feed and a backslash as the octal number of the byte. */
function unescape(point: string): string {
  return point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}

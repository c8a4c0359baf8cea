/**
 * A thread that asks the operating system what the names of the open files lead to. It is the one
 * that keeps the right to read files, and so it does nothing else: no request and no session comes
 * here.
 */
import { lstatSync, realpathSync, statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { codeOf } from '../../base/errors.ts'
import { dropPermissions } from '../../base/permissions.ts'
import { LOCK, WAL, WAL_INDEX } from './beside-files.ts'
import type { NamedFile } from './open-files.ts'

/** `isWalOnly`: only the name of the WAL is gone. */
export type Strayed = { readonly reason: string; readonly isWalOnly: boolean }

/** To each message. */
export type Looked = {
  /** The fault; undefined where all names lead to the open files. */
  readonly strayed: Strayed | undefined
  /** The number of the data file's hard links, if more than at the look before. */
  readonly newNames: number | undefined
}

const files: readonly NamedFile[] = workerData
dropPermissions({ except: 'fs.read' })
let names = countNames()
parentPort?.on('message', () => {
  const looked: Looked = { strayed: look(), newNames: findNewNames() }
  parentPort?.postMessage(looked)
})

/** Harmless as long as nobody opens the file by them, which is refused. */
function findNewNames(): number | undefined {
  const before = names
  names = countNames()
  return names > Math.max(before, 1) ? names : undefined
}

/** 0 where it cannot be told, which `find` says. */
function countNames(): number {
  const file = files.find(({ role }) => role === 'file')
  try {
    return file === undefined ? 0 : statSync(file.path).nlink
  } catch {
    return 0
  }
}

function look(): Strayed | undefined {
  const strayed = [...files, ...namesOfStart()].flatMap((file) => {
    const finding = find(file)
    return finding === undefined ? [] : [{ ...finding, role: file.role }]
  })
  const [first] = strayed
  if (first === undefined) return undefined
  const isWalOnly = strayed.every(({ role, isGone }) => role === 'wal' && isGone)
  return { reason: first.reason, isWalOnly }
}

/**
 * What the next start would take for the WAL, the index and the lock, where it is not what is open: of
 * a file that was renamed and linked to, the name still leads there, and they were left behind.
 */
function namesOfStart(): NamedFile[] {
  const names = new Set(files.filter(({ role }) => role === 'file').flatMap(realNameOf))
  const beside = files.filter(({ role }) => role !== 'file')
  const known = new Set(beside.map(({ path }) => path))
  return [...names].flatMap((name) =>
    beside
      .map((file) => ({ ...file, path: name + ENDS[file.role] }))
      .filter(({ path }) => !known.has(path)),
  )
}

/** None where it cannot be told, which `find` says. */
function realNameOf({ path }: NamedFile): string[] {
  try {
    return [realpathSync(path)]
  } catch {
    return []
  }
}

function find({
  role,
  path,
  dev,
  ino,
  isLink,
}: NamedFile): { reason: string; isGone: boolean } | undefined {
  try {
    const found = statSync(path, { bigint: true })
    if (found.dev === dev && found.ino === ino) {
      if (lstatSync(path).isSymbolicLink() === isLink) return undefined
      const now = isLink
        ? 'no symbolic link any more'
        : 'a symbolic link now, to where it was moved'
      return { reason: `${capitalize(NAMES[role])} ${path} is ${now}`, isGone: false }
    }
    return {
      reason: `Another file is in the place of ${NAMES[role]} ${path}`,
      isGone: found.isFile() && found.size === 0n,
    }
  } catch (error) {
    const code = codeOf(error)
    if (/^(ENOENT|ENOTDIR|ELOOP)$/.test(code)) {
      const reason = `${capitalize(NAMES[role])} ${path} was moved or removed`
      return { reason, isGone: true }
    }
    // Without the right to look, or when interrupted, nothing is known.
    if (/^(EACCES|EPERM|EINTR)$/.test(code)) return undefined
    return { reason: `${capitalize(NAMES[role])} ${path} cannot be found (${code})`, isGone: false }
  }
}

const NAMES: Readonly<Record<NamedFile['role'], string>> = {
  file: 'the data file',
  wal: 'the WAL',
  'wal-index': 'the index of the WAL',
  lock: 'the lock',
}

const ENDS: Readonly<Record<NamedFile['role'], string>> = {
  file: '',
  wal: WAL,
  'wal-index': WAL_INDEX,
  lock: LOCK,
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

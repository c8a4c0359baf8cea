import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { codeOf } from '../../base/errors.ts'
import { RelayError } from '../../relay/relay-error.ts'
import { placeAddon } from '../../store-sqlite/database/addon.ts'
import { makeAndLockFile } from '../../store-sqlite/database/file-lock.ts'

/**
 * Locks a file for this process, by another file beside it; returns what releases it. A crash releases
 * it by itself. Throws a `RelayError`, with the reason `held`, where another process has it.
 */
export function lockForRelay(path: string, held: string): () => void {
  placeAddon(path, { keep: false })
  try {
    const release = makeAndLockFile(lockPathOf(path))
    if (release !== undefined) return release
  } catch (error) {
    throw new RelayError(
      'unwritable',
      `Cannot lock ${path}: ${codeOf(error)}; its folder must be there and writable for this user`,
    )
  }
  throw new RelayError('inUse', `Cannot use ${path}: ${held}`)
}

/** The same by whatever name the file is reached. */
function lockPathOf(path: string): string {
  const real = existsSync(path)
    ? realpathSync(path)
    : join(realpathSync(dirname(path)), basename(path))
  return `${real}.lock`
}

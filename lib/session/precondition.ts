import { CoatcheckError } from '../base/errors.ts'

/** The versions of which a write requires one, and those that it excludes (RFC 9110 section 13.1). */
export type Precondition = {
  readonly required?: Versions
  readonly excluded?: Versions
}

/** `*`: whatever exists; else the versions listed. */
export type Versions = '*' | readonly string[]

/**
 * Throws `precondition_failed` unless the precondition holds. `exists` tells whether the target is
 * there: the key for operations on a key, the session itself for the others.
 */
export function checkPrecondition(asked: Precondition, version: number, exists: boolean): void {
  if (asked.required !== undefined && !matches(asked.required, version, exists)) {
    throw new CoatcheckError(
      'precondition_failed',
      `Cannot write: the session is at version ${version}${exists ? '' : ' and has no such key'}, ` +
        'which is not what the write requires',
      {},
      { hint: 'version_required' },
    )
  }
  if (asked.excluded !== undefined && matches(asked.excluded, version, exists)) {
    throw new CoatcheckError(
      'precondition_failed',
      asked.excluded === '*'
        ? 'Cannot write: it is there already, and the write requires that it is not'
        : `Cannot write: the session is at version ${version}, which the write excludes`,
      {},
      { hint: 'version_excluded' },
    )
  }
}

function matches(versions: Versions, version: number, exists: boolean): boolean {
  return versions === '*' ? exists : versions.includes(String(version))
}

import { CoatcheckError } from '../base/errors.ts'

/** What `If-Match` and `If-None-Match` ask of a session, RFC 9110 section 13.1. */
export type Precondition = {
  readonly ifMatch?: EntityTags
  readonly ifNoneMatch?: EntityTags
}

/** `*` stands for any state that exists, else for one of the versions named. */
export type EntityTags = '*' | readonly string[]

/**
 * Throws `precondition_failed` unless what was asked holds. `exists` tells whether the thing under
 * change is there: a key for the operations on a key, the session itself for the others.
 */
export function checkPrecondition(asked: Precondition, version: number, exists: boolean): void {
  if (asked.ifMatch !== undefined && !matches(asked.ifMatch, version, exists)) {
    throw new CoatcheckError(
      'precondition_failed',
      `Cannot write: the session is at version ${version}${exists ? '' : ' and has no such key'}, ` +
        'which is not what was asked for',
      {},
      { hint: 'version_required' },
    )
  }
  if (asked.ifNoneMatch !== undefined && matches(asked.ifNoneMatch, version, exists)) {
    throw new CoatcheckError(
      'precondition_failed',
      asked.ifNoneMatch === '*'
        ? 'Cannot write: it is there already, and what was asked for is that it is not'
        : `Cannot write: the session is at version ${version}, which was excluded`,
      {},
      { hint: 'version_excluded' },
    )
  }
}

function matches(tags: EntityTags, version: number, exists: boolean): boolean {
  return tags === '*' ? exists : tags.includes(String(version))
}

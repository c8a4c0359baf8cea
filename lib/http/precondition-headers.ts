import { CoatcheckError } from '../errors.ts'
import type { EntityTags, Precondition } from '../session/precondition.ts'
import type { AppContext } from './app-env.ts'
import { readHeader } from './request-header.ts'

/** `If-Match` and `If-None-Match` of a write, RFC 9110 section 13.1; undefined where none is given. */
export function readPrecondition(c: AppContext): Precondition | undefined {
  const ifMatch = readHeader(c, 'if-match')
  const ifNoneMatch = readHeader(c, 'if-none-match')
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined
  return {
    // If-Match compares strongly, and no weak tag is the same as another; If-None-Match does not.
    ...(ifMatch === undefined ? {} : { ifMatch: parseTags('If-Match', ifMatch, false) }),
    ...(ifNoneMatch === undefined
      ? {}
      : { ifNoneMatch: parseTags('If-None-Match', ifNoneMatch, true) }),
  }
}

const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g
/** A version may hold commas, and a list may have empty items: RFC 9110 sections 8.8.3 and 5.6.1. */
const TAGS = new RegExp(`^[ \\t,]*${TAG.source}(?:[ \\t]*,[ \\t,]*${TAG.source})*[ \\t,]*$`)

function parseTags(header: string, text: string, weakly: boolean): EntityTags {
  if (text.trim() === '*') return '*'
  if (!TAGS.test(text)) {
    throw new CoatcheckError(
      'bad_request',
      `Cannot read ${header}: it must be * or versions in quotes, as an ETag gives them: ${header}: "3"`,
    )
  }
  return [...text.matchAll(TAG)]
    .filter(([, weak]) => weak === undefined || weakly)
    .map(([, , version = '']) => version)
}

import { HttpError } from '../answer/problem.ts'
import type { Precondition, Versions } from '../../session/precondition.ts'
import type { AppContext } from '../app-env.ts'
import { readHeader } from './request.ts'

/**
 * `If-Match` and `If-None-Match` of a write (RFC 9110 section 13.1); undefined where none is given.
 */
export function readPrecondition(c: AppContext): Precondition | undefined {
  const ifMatch = readHeader(c, 'if-match')
  const ifNoneMatch = readHeader(c, 'if-none-match')
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined
  return {
    ...(ifMatch === undefined ? {} : { required: parseVersions('If-Match', ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { excluded: parseVersions('If-None-Match', ifNoneMatch) }),
  }
}

/**
 * Whether `If-None-Match` of a read names this tag (RFC 9110 section 13.1.2). A malformed header is
 * ignored.
 */
export function isUnchanged(c: AppContext, tag: string): boolean {
  const ifNoneMatch = readHeader(c, 'if-none-match')
  if (ifNoneMatch === undefined) return false
  const tags = findTags(ifNoneMatch)
  return tags === '*' || tags?.includes(tag.slice(1, -1)) === true
}

// control: weak-tag
const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g
/**
 * A version may hold commas, and a list may have empty items: RFC 9110 sections 8.8.3 and 5.6.1.
 */
const TAGS = new RegExp(`^[ \\t,]*${TAG.source}(?:[ \\t]*,[ \\t,]*${TAG.source})*[ \\t,]*$`)

/** The versions that the tags name, of JSON or of a bare value. */
function parseVersions(header: string, text: string): Versions {
  const tags = findTags(text)
  if (tags === '*') return tags
  if (tags !== undefined) return tags.map((tag) => tag.replace(/-text$/, ''))
  throw new HttpError(
    'bad_request',
    `Cannot read ${header}: it must be * or versions in quotes, as an ETag gives them: ${header}: "3"`,
  )
}

/**
 * Suffixes of proxies that compress responses: Apache and Caddy append the coding, Jetty with two
 * dashes, and nginx makes a tag weak. A tag is a version here, the same in every coding, weak or
 * strong, also for If-Match.
 */
const CODING = /--?(?:gzip|br|zstd|deflate)$/

/** The tags without what a proxy has added; undefined where they are malformed. */
function findTags(text: string): Versions | undefined {
  if (text.trim() === '*') return '*'
  if (!TAGS.test(text)) return undefined
  return [...text.matchAll(TAG)].map(([, , tag = '']) => tag.replace(CODING, ''))
}

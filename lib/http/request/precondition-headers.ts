import { HttpError } from '../answer/problem.ts'
import type { Precondition, Versions } from '../../session/precondition.ts'
import type { AppContext } from '../app-env.ts'
import { readHeader } from './request-header.ts'

/** `If-Match` and `If-None-Match` of a write, RFC 9110 section 13.1; undefined where none is given. */
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
 * Whether the caller of a read has what bears this tag: `If-None-Match`, RFC 9110 section 13.1.2. A
 * header that is malformed says nothing.
 */
export function isUnchanged(c: AppContext, tag: string): boolean {
  const ifNoneMatch = readHeader(c, 'if-none-match')
  if (ifNoneMatch === undefined) return false
  const tags = findTags(ifNoneMatch)
  return tags === '*' || tags?.includes(tag.slice(1, -1)) === true
}

const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g
/** A version may hold commas, and a list may have empty items: RFC 9110 sections 8.8.3 and 5.6.1. */
const TAGS = new RegExp(`^[ \\t,]*${TAG.source}(?:[ \\t]*,[ \\t,]*${TAG.source})*[ \\t,]*$`)

/** What the tags name, be they of JSON or of a bare value. */
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
 * As a proxy that compresses answers has them: nginx makes a tag weak, Apache and Caddy put the coding
 * behind it, Jetty with two dashes. A tag is a version here: it is the same in every coding, and as
 * good weak as strong, also for If-Match.
 */
const CODING = /--?(?:gzip|br|zstd|deflate)$/

/** The tags without what a proxy has made of them; undefined where they are malformed. */
function findTags(text: string): Versions | undefined {
  if (text.trim() === '*') return '*'
  if (!TAGS.test(text)) return undefined
  return [...text.matchAll(TAG)].map(([, , tag = '']) => tag.replace(CODING, ''))
}

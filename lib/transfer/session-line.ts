/** A session as one line of JSON: what `export` writes and `import` reads. */
import type { Input } from '../json/syntax.ts'
import { type JsonText, kindOf, parseJson, parseObject, renderObject } from '../json/json.ts'
import { checkClaims } from '../session/claims.ts'
import { DEEPEST } from '../session/limits.ts'
import { isReservedName, RESERVED_SHAPE } from '../session/reserved-id.ts'
import { END_OF_TIME_MS, lifetimeEndsAt, type Session } from '../session/session.ts'
import { FULL_ID_SHAPE, isFullId } from '../session/session-id.ts'
import { LONGEST_KEEP_ENDED_MS } from '../session/retention.ts'
import { LONGEST_IDLE_TIMEOUT_MS } from '../session/time-limits.ts'
import { isHash } from '../session/token.ts'
import { invalidSession } from './invalid-session.ts'
import { readMembers } from './line-members.ts'

/** Above 2^53 a version could not be counted up; this leaves room for as many changes. */
const LAST_VERSION = 2 ** 52

/** A token has the id in it, and stands in headers. */
const MINTED = /^[\w~-]+$/

const UNKNOWN_KIND =
  'it has no "id", and is neither an end ("ended") nor an API key ("apiKey"); a newer Coatcheck may have written it'

/** Messages about it begin with the number of its line. */
export const LINE: Input = { name: 'line', isNumbered: true }

/** Data and claims byte for byte, times in ISO 8601, time limits in milliseconds. */
export function renderSessionLine(session: Session, withSecretHash: boolean): JsonText {
  const { id, secretHash, permanent, idleTimeoutMs, lifetimeMs, version } = session
  const { ownIdleTimeout, ownLifetime } = session
  const facts = JSON.stringify({
    permanent,
    createdAt: new Date(session.createdAt),
    lastSeenAt: new Date(session.lastSeenAt),
    idleTimeoutMs,
    lifetimeMs,
    // In old sessions it may exceed the lifetime, which is refused today.
    ownIdleTimeout: ownIdleTimeout && idleTimeoutMs <= lifetimeMs,
    ownLifetime,
    keepEndedMs: session.keepEndedMs,
    version,
    ...(withSecretHash && secretHash !== null ? { secretHash } : {}),
  })
  return (
    `{"id":${JSON.stringify(id)},"data":${oneLine(session.data)},` +
    `"claims":${oneLine(session.claims)},${facts.slice(1, -1)},"device":${session.device}}`
  )
}

/**
 * Throws `invalid_json`, `too_deep`, `invalid_claims` or `invalid_argument`; the message quotes none
 * of the text. Optional members default to those of a session that begins at `now`.
 */
export function parseSessionLine(text: string, now: number): Session {
  if (kindOf(parseJson(text, DEEPEST, LINE)) !== 'object')
    throw invalidSession('it must be an object')
  const members = readMembers(text, invalidSession, ['device'])
  const { take, time, count } = members
  if (!members.has('id') && !members.isEmpty()) throw invalidSession(UNKNOWN_KIND)
  const id = members.text('id')
  if (!isFullId(id)) throw invalidSession(`"id" must be ${FULL_ID_SHAPE}`)
  // control: reserved-import
  if (isReservedName(id)) throw invalidSession(`"id" must not ${RESERVED_SHAPE}`)
  const claims = renderObject(parseObject(take('claims', 'object') ?? '{}'))
  checkClaims(claims)
  const secretHash = members.has('secretHash') ? members.text('secretHash') : null
  if (secretHash !== null && !isHash(secretHash)) {
    throw invalidSession('"secretHash" must be a SHA-256 in base64url')
  }
  if (secretHash !== null && !MINTED.test(id)) {
    throw invalidSession('a session with a "secretHash" must have an id that a server has minted')
  }
  const timeLimits = {
    idleTimeoutMs: count('idleTimeoutMs', LONGEST_IDLE_TIMEOUT_MS),
    lifetimeMs: count('lifetimeMs', END_OF_TIME_MS),
  }
  const isTooLong = timeLimits.idleTimeoutMs > timeLimits.lifetimeMs
  const ownIdleTimeout = take('ownIdleTimeout', 'boolean')
  if (isTooLong && ownIdleTimeout === 'true') {
    throw invalidSession(
      '"idleTimeoutMs" of its own ("ownIdleTimeout") must not be over "lifetimeMs"',
    )
  }
  const session = {
    id,
    secretHash,
    data: renderObject(parseObject(take('data', 'object') ?? '{}')),
    claims,
    permanent: take('permanent', 'boolean') === 'true',
    createdAt: time('createdAt', now),
    lastSeenAt: time('lastSeenAt', now),
    ...timeLimits,
    // An old export does not say who set the limits. They count as the session's own: else its
    // holder could lengthen by `permanent` what a back end made short.
    ownIdleTimeout: ownIdleTimeout !== 'false' && !isTooLong,
    ownLifetime: take('ownLifetime', 'boolean') !== 'false',
    ...(members.has('keepEndedMs') && {
      keepEndedMs: count('keepEndedMs', LONGEST_KEEP_ENDED_MS, 0),
    }),
    version: members.has('version') ? count('version', LAST_VERSION) : 1,
    device: take('device', 'object') ?? null,
  }
  if (lifetimeEndsAt(session) > END_OF_TIME_MS) {
    throw invalidSession('"lifetimeMs" must not end the session after the year 9999')
  }
  members.refuseOthers('session')
  return session
}

/** Line ends can be only between values: within strings they are escapes. */
export function oneLine(text: JsonText): JsonText {
  return text.replaceAll(/[\r\n]/g, ' ')
}

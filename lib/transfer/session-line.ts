/** A session as one line of JSON: what `export` writes and `import` reads. */
import { CoatcheckError } from '../base/errors.ts'
import type { Input } from '../json/syntax.ts'
import {
  type JsonKind,
  type JsonText,
  kindOf,
  parseJson,
  parseObject,
  renderObject,
} from '../json/json.ts'
import { checkClaims } from '../session/claims.ts'
import { DEEPEST } from '../session/limits.ts'
import type { Session } from '../session/session.ts'
import { LONGEST_IDLE_TIMEOUT_MS, LONGEST_LIFETIME_MS } from '../session/time-limits.ts'
import { ID_SHAPE, isHash, isId } from '../session/token.ts'

/** The last moment of the year 9999. */
const LATEST_MS = 253_402_300_799_999
/** From here on adding one to a version may not change it. */
const LAST_VERSION = 2 ** 52

/** Of an input whose lines are numbered. */
export const LINE: Input = { name: 'line', isNumbered: true }

/** Data and claims as they are, byte for byte; times in ISO 8601, limits in milliseconds. */
export function renderSessionLine(session: Session, withSecretHash: boolean): JsonText {
  const { id, secretHash, permanent, idleTimeoutMs, lifetimeMs, version } = session
  const { ownIdleTimeout, ownLifetime } = session
  const facts = JSON.stringify({
    permanent,
    createdAt: new Date(session.createdAt),
    lastSeenAt: new Date(session.lastSeenAt),
    idleTimeoutMs,
    lifetimeMs,
    // One of a server of before may be over its lifetime; none that is given today may.
    ownIdleTimeout: ownIdleTimeout && idleTimeoutMs <= lifetimeMs,
    ownLifetime,
    version,
    ...(withSecretHash && secretHash !== null ? { secretHash } : {}),
  })
  return (
    `{"id":${JSON.stringify(id)},"data":${oneLine(session.data)},` +
    `"claims":${oneLine(session.claims)},${facts.slice(1, -1)},"device":${session.device}}`
  )
}

/**
 * Throws `invalid_json`, `too_deep`, `invalid_claims` or `invalid_argument`, with the reason and none
 * of the text. What a line may leave out is as in a session that begins at `now`.
 */
export function parseSessionLine(text: string, now: number): Session {
  if (kindOf(parseJson(text, DEEPEST, LINE)) !== 'object') throw invalid('it must be an object')
  const members = parseObject(text)
  const take = (name: string, kind: JsonKind): JsonText | undefined => {
    const value = members.get(name)?.trim()
    members.delete(name)
    if (value === undefined || kindOf(value) === kind) return value
    throw invalid(`"${name}" must be a JSON ${kind}, it is of type ${kindOf(value)}`)
  }
  const time = (name: string): number => {
    const value = take(name, 'string')
    const ms = value === undefined ? now : Date.parse(String(JSON.parse(value)))
    if (ms >= 0 && ms <= LATEST_MS) return ms
    throw invalid(`"${name}" must be a time such as "2026-01-01T00:00:00.000Z"`)
  }
  const count = (name: string, most: number): number => {
    const value = Number(take(name, 'number') ?? NaN)
    if (Number.isInteger(value) && value >= 1 && value <= most) return value
    throw invalid(`"${name}" must be an integer from 1 to ${most}`)
  }

  const id = String(JSON.parse(take('id', 'string') ?? '""'))
  if (!isId(id)) throw invalid(`"id" must be ${ID_SHAPE}`)
  const claims = renderObject(parseObject(take('claims', 'object') ?? '{}'))
  checkClaims(claims)
  const secretHash = members.has('secretHash')
    ? String(JSON.parse(take('secretHash', 'string') ?? '""'))
    : null
  if (secretHash !== null && !isHash(secretHash)) {
    throw invalid('"secretHash" must be a SHA-256 in base64url')
  }
  if (members.get('device')?.trim() === 'null') members.delete('device')
  const timeLimits = {
    idleTimeoutMs: count('idleTimeoutMs', LONGEST_IDLE_TIMEOUT_MS),
    lifetimeMs: count('lifetimeMs', LONGEST_LIFETIME_MS),
  }
  const isTooLong = timeLimits.idleTimeoutMs > timeLimits.lifetimeMs
  const ownIdleTimeout = take('ownIdleTimeout', 'boolean')
  if (isTooLong && ownIdleTimeout === 'true') {
    throw invalid('"idleTimeoutMs" of its own ("ownIdleTimeout") must not be over "lifetimeMs"')
  }
  const session = {
    id,
    secretHash,
    data: renderObject(parseObject(take('data', 'object') ?? '{}')),
    claims,
    permanent: take('permanent', 'boolean') === 'true',
    createdAt: time('createdAt'),
    lastSeenAt: time('lastSeenAt'),
    ...timeLimits,
    // A line of before tells limits and not where they came from: a flag of the holder's must not
    // lengthen what a back end has made short.
    ownIdleTimeout: ownIdleTimeout !== 'false' && !isTooLong,
    ownLifetime: take('ownLifetime', 'boolean') !== 'false',
    version: members.has('version') ? count('version', LAST_VERSION) : 1,
    device: take('device', 'object') ?? null,
  }
  if (members.size > 0) throw invalid('it has a member that no session has')
  return session
}

/** White space between values may be a line end; within strings it is written as an escape. */
export function oneLine(text: JsonText): JsonText {
  return text.replaceAll(/[\r\n]/g, ' ')
}

function invalid(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the session: ${reason}`)
}

/** Makes a session from the key and value of another store. */
import { findMember, type JsonText, kindOf, renderObject } from '../../json/json.ts'
import { checkClaims } from '../../session/claims.ts'
import { checkLimits, checkMembers, type SessionLimits } from '../../session/limits.ts'
import { isReservedName, RESERVED_SHAPE } from '../../session/reserved-id.ts'
import type { Session } from '../../session/session.ts'
import { LONGEST_IDLE_TIMEOUT_MS, LONGEST_LIFETIME_MS } from '../../session/time-limits.ts'
import { invalidSession } from '../invalid-session.ts'
import { checkType, type DumpEntry } from './dump-entry.ts'
import { findMoment, leftMs } from './dump-time.ts'
import { parseDumpValue } from './dump-value.ts'
import { type ForeignStore, traitsOf } from './stores.ts'
import { findUser, type UserPath } from './user-path.ts'

export type ForeignOptions = {
  readonly store: ForeignStore
  readonly prefix: string
  /** The member that names the user; undefined if none is asked for. */
  readonly sub: UserPath | undefined
  /** Limits of the sessions; also their time limits if the dump has none. */
  readonly limits: SessionLimits
}

type Members = Map<string, JsonText>

/** What those stores mint: a dump has other keys, which must not become sessions. */
const KEY = /^[\w-]{16,128}$/
const KEY_SHAPE = '16 to 128 of A-Z a-z 0-9 _ -'

/**
 * Throws `invalid_argument` if the entry is not a session of that store or its user is invalid, and
 * what the limits throw.
 */
export function readForeignSession(
  entry: DumpEntry,
  { store, prefix, sub, limits }: ForeignOptions,
  now: number,
): Session {
  const id = entry.key.startsWith(prefix) ? entry.key.slice(prefix.length) : ''
  if (!KEY.test(id)) {
    throw invalidSession(`its key must be ${prefix === '' ? '' : `${prefix} and `}${KEY_SHAPE}`, {
      hint: 'key_prefix',
    })
  }
  if (isReservedName(id)) throw invalidSession(`its key must not ${RESERVED_SHAPE}`)
  checkType(entry.type)
  const traits = traitsOf(store)
  const members = parseDumpValue(entry.value, traits.framework === 'flask')
  const left = leftMs(entry.time(), now)
  const session =
    traits.framework === 'flask'
      ? fromFlask(id, members, left, now, limits)
      : fromExpress(id, members, left, now, { store, ttlMs: traits.ttlMs, limits })
  const user = sub === undefined ? undefined : findUser(session.data, sub)
  const claims = user === undefined ? '{}' : `{"sub":${JSON.stringify(user)}}`
  checkClaims(claims)
  checkMembers(members, limits)
  const whole = { ...session, claims }
  checkLimits(whole, limits)
  return whole
}

/** The `cookie` holds the idle timeout, `originalMaxAge` in ms, and the end, `expires`. */
function fromExpress(
  id: string,
  members: Members,
  given: number | undefined,
  now: number,
  { store, ttlMs, limits }: { store: ForeignStore; ttlMs: number; limits: SessionLimits },
): Session {
  const cookie = members.get('cookie')
  if (cookie === undefined || kindOf(cookie) !== 'object') {
    throw invalidSession('its value is no session of express-session: that has an object "cookie"')
  }
  const maxAge = Number(findMember(cookie, 'originalMaxAge'))
  const expires = findMoment(findMember(cookie, 'expires') ?? 'null') ?? NaN
  members.delete('cookie')
  const lastAccess = takeLastAccess(members, store)
  const counted = lastAccess > 0 ? lastAccess + (maxAge > 0 ? maxAge : ttlMs) : expires
  const left = given ?? (Number.isNaN(counted) ? undefined : counted - now)
  const idleTimeoutMs = maxAge > 0 ? Math.ceil(maxAge) : Math.max(1, left ?? ttlMs)
  return {
    ...withTimes(blank(id, members), idleTimeoutMs, left ?? idleTimeoutMs, now, limits),
    // Without either, the browser forgets the cookie when it closes.
    permanent: maxAge > 0 || !Number.isNaN(expires),
  }
}

/** session-file-store keeps the time of the last request in the session and counts from it. */
function takeLastAccess(members: Members, store: ForeignStore): number {
  if (store !== 'session-file-store') return NaN
  const lastAccess = Number(members.get('__lastAccess') ?? NaN)
  members.delete('__lastAccess')
  return lastAccess
}

/** `_permanent` is the flag of Flask. Without times in the dump the limits of the settings apply. */
function fromFlask(
  id: string,
  members: Members,
  left: number | undefined,
  now: number,
  limits: SessionLimits,
): Session {
  const isPermanent = members.get('_permanent')?.trim() === 'true'
  members.delete('_permanent')
  const timeLimits = isPermanent ? limits.permanent : limits.ordinary
  const session = { ...blank(id, members), permanent: isPermanent }
  return left === undefined
    ? { ...session, ...timeLimits, createdAt: now, lastSeenAt: now }
    : withTimes(session, Math.max(1, left), left, now, limits)
}

/** Neither store has a lifetime: it becomes the default, or the idle timeout if that is longer. */
function withTimes(
  session: Session,
  idleMs: number,
  left: number,
  now: number,
  { permanent }: SessionLimits,
): Session {
  const idleTimeoutMs = Math.min(Math.max(idleMs, left), LONGEST_IDLE_TIMEOUT_MS)
  const seenAt = Math.max(0, Math.min(now, now + left - idleTimeoutMs))
  return {
    ...session,
    // The lifetime begins now: the age is unknown.
    createdAt: now,
    lastSeenAt: Math.floor(seenAt),
    idleTimeoutMs: Math.ceil(idleTimeoutMs),
    lifetimeMs: Math.min(
      Math.max(permanent.lifetimeMs, Math.ceil(idleTimeoutMs)),
      LONGEST_LIFETIME_MS,
    ),
  }
}

/** Without a secret: only back ends open it, by its id. */
function blank(id: string, members: Members): Session {
  return {
    id,
    secretHash: null,
    data: renderObject(members),
    claims: '{}',
    permanent: false,
    createdAt: 0,
    lastSeenAt: 0,
    idleTimeoutMs: 0,
    lifetimeMs: 0,
    ownIdleTimeout: true,
    ownLifetime: true,
    version: 1,
    device: null,
  }
}

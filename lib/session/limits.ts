import { CoatcheckError, type WayOut } from '../base/errors.ts'
import { checkDepth, type JsonText, parseObject } from '../json/json.ts'
import type { Session, TimeLimits } from './session.ts'

/** More than the maximum of `maxDepth`: for input that may come from any server. */
export const DEEPEST = 1_100

export const MAX_DEPTH: WayOut = { setting: 'maxDepth' }

/** The limits of every session. */
export type SessionLimits = {
  readonly ordinary: TimeLimits
  readonly permanent: TimeLimits
  /** Maximum bytes of `data` and `claims` together, as UTF-8; `claims` alone may take as many. */
  readonly sessionLimitBytes: number
  /** Maximum bytes of a key, as UTF-8. */
  readonly keyLimitBytes: number
  readonly maxKeys: number
  /** Maximum nesting of a value: 0 for a string, 1 for a flat list. */
  readonly maxDepth: number
  /** Maximum live sessions of one `sub`; undefined for no limit. */
  readonly maxSessionsPerSub: number | undefined
  /** Whether one session too many evicts the oldest or is refused. */
  readonly onSessionLimit: 'evict' | 'refuse'
}

/** The settings that make the limits. */
export type LimitSettings = Omit<SessionLimits, 'ordinary' | 'permanent'> &
  TimeLimits & {
    readonly permanentIdleTimeoutMs: number
    readonly permanentLifetimeMs: number
  }

/** Takes the limits out of settings that may hold more. */
export function createLimits(settings: LimitSettings): SessionLimits {
  return {
    ordinary: { idleTimeoutMs: settings.idleTimeoutMs, lifetimeMs: settings.lifetimeMs },
    permanent: {
      idleTimeoutMs: settings.permanentIdleTimeoutMs,
      lifetimeMs: settings.permanentLifetimeMs,
    },
    sessionLimitBytes: settings.sessionLimitBytes,
    keyLimitBytes: settings.keyLimitBytes,
    maxKeys: settings.maxKeys,
    maxDepth: settings.maxDepth,
    maxSessionsPerSub: settings.maxSessionsPerSub,
    onSessionLimit: settings.onSessionLimit,
  }
}

/** Throws `invalid_key` for a key that no session may hold. */
export function checkKey(key: string, limits: SessionLimits): void {
  if (key === '') throw emptyKey()
  // A UTF-16 unit takes at most three bytes.
  if (key.length * 3 <= limits.keyLimitBytes) return
  const bytes = Buffer.byteLength(key)
  // control: key-limit
  if (bytes > limits.keyLimitBytes) {
    throw new CoatcheckError(
      'invalid_key',
      `Cannot use a key of ${bytes} bytes: the limit is ${limits.keyLimitBytes}`,
      {},
      { setting: 'keyLimitBytes' },
    )
  }
}

export function emptyKey(): CoatcheckError {
  return new CoatcheckError(
    'invalid_key',
    'Cannot use the key "": a key has at least one character',
    {},
    { hint: 'name_key' },
  )
}

/** Returns the members; throws `invalid_key` or `too_many_keys` if no session may hold them. */
export function checkMembers<T>(
  members: ReadonlyMap<string, T>,
  limits: SessionLimits,
): ReadonlyMap<string, T> {
  for (const key of members.keys()) checkKey(key, limits)
  // control: max-keys
  if (members.size > limits.maxKeys) {
    throw new CoatcheckError(
      'too_many_keys',
      `Cannot hold ${members.size} keys: the limit of a session is ${limits.maxKeys}`,
      {},
      { setting: 'maxKeys' },
    )
  }
  return members
}

/**
 * Throws `session_too_large`. A session that exceeds the limit already may change as long as it does
 * not grow. Claims count alone when data is unchanged: a holder must not be able to keep a back end
 * from writing claims by filling the data.
 */
export function checkSize(before: Session, after: Session, limits: SessionLimits): void {
  if (after.data === before.data && Buffer.byteLength(after.claims) <= limits.sessionLimitBytes)
    return
  const bytes = sizeOf(after)
  // control: session-limit
  if (bytes > limits.sessionLimitBytes && bytes > sizeOf(before)) {
    throw tooLarge(bytes, limits)
  }
}

/**
 * Throws `session_too_large` for data, or a part of it, that is far too large, before it is parsed.
 * Twice the limit is left, since white space and repeated members are not stored.
 */
export function checkRoom(before: Session, data: JsonText, limits: SessionLimits): void {
  if (data.length <= 2 * limits.sessionLimitBytes || data.length <= 2 * sizeOf(before)) return
  throw tooLarge(Buffer.byteLength(data), limits)
}

/**
 * Runs all checks on a session from another server. Data and claims may each take the whole limit, as
 * in `checkSize`.
 */
export function checkLimits({ data, claims }: Session, limits: SessionLimits): void {
  const members = parseObject(data)
  // An empty key comes from an older server; no limit forbids it.
  members.delete('')
  checkMembers(members, limits)
  for (const value of members.values())
    checkDepth(value, limits.maxDepth, 'a value of it', MAX_DEPTH)
  checkDepth(claims, limits.maxDepth + 1, 'claims', MAX_DEPTH)
  for (const text of [data, claims]) {
    const bytes = Buffer.byteLength(text)
    if (bytes > limits.sessionLimitBytes) throw tooLarge(bytes, limits)
  }
}

function tooLarge(bytes: number, limits: SessionLimits): CoatcheckError {
  return new CoatcheckError(
    'session_too_large',
    `Cannot store this: the session would be ${group(bytes)} bytes, ` +
      `its limit is ${group(limits.sessionLimitBytes)}`,
    {},
    { setting: 'sessionLimitBytes' },
  )
}

function sizeOf(session: Session): number {
  return Buffer.byteLength(session.data) + Buffer.byteLength(session.claims)
}

function group(count: number): string {
  return count.toLocaleString('en-US')
}

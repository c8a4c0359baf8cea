import { CoatcheckError, type WayOut } from '../base/errors.ts'
import { checkDepth, type JsonText, parseObject } from '../json/json.ts'
import type { Session, TimeLimits } from './session.ts'

/** Deeper than any server lets a value nest. */
export const DEEPEST = 1_100

export const MAX_DEPTH: WayOut = { setting: 'maxDepth' }

/** What every session is held to. */
export type SessionLimits = {
  readonly ordinary: TimeLimits
  readonly permanent: TimeLimits
  /** Most bytes of `data` and `claims` together, as UTF-8; of `claims`, whatever `data` takes. */
  readonly sessionLimitBytes: number
  /** Most bytes of a key, as UTF-8. */
  readonly keyLimitBytes: number
  readonly maxKeys: number
  /** How deep a value may nest: 0 for a string, 1 for a flat list. */
  readonly maxDepth: number
  /** Most live sessions of one `sub`; undefined for no limit. */
  readonly maxSessionsPerSub: number | undefined
  /** What becomes of the one too many: it ends the oldest, or is refused. */
  readonly onSessionLimit: 'evict' | 'refuse'
}

/** The settings that the limits are made of. */
export type LimitSettings = Omit<SessionLimits, 'ordinary' | 'permanent'> &
  TimeLimits & {
    readonly permanentIdleTimeoutMs: number
    readonly permanentLifetimeMs: number
  }

/** The limits of these settings; whatever else `settings` holds is left out. */
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
  // A character takes at most three bytes.
  if (key.length * 3 <= limits.keyLimitBytes) return
  const bytes = Buffer.byteLength(key)
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

/** The same members; throws `invalid_key` or `too_many_keys` where no session may hold them. */
export function checkMembers(
  members: ReadonlyMap<string, JsonText>,
  limits: SessionLimits,
): ReadonlyMap<string, JsonText> {
  for (const key of members.keys()) checkKey(key, limits)
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
 * Throws `session_too_large`; a session that is over the limit already may do all but grow. Claims
 * by themselves may take as much, or a holder could fill the data to keep them from being written.
 */
export function checkSize(before: Session, after: Session, limits: SessionLimits): void {
  if (after.data === before.data && Buffer.byteLength(after.claims) <= limits.sessionLimitBytes)
    return
  const bytes = sizeOf(after)
  if (bytes > limits.sessionLimitBytes && bytes > sizeOf(before)) {
    throw tooLarge(bytes, limits)
  }
}

/**
 * Throws `session_too_large` for data, or a part of it, so much larger that it is, without a look at
 * its members: as they are stored, without the space between them and repeated ones, they take less.
 */
export function checkRoom(before: Session, data: JsonText, limits: SessionLimits): void {
  if (data.length <= 2 * limits.sessionLimitBytes || data.length <= 2 * sizeOf(before)) return
  throw tooLarge(Buffer.byteLength(data), limits)
}

/**
 * Throws what the checks of these limits throw for a session that no server of these limits could hold.
 * Claims may be written when the data are as long as they may be: each counts by itself.
 */
export function checkLimits({ data, claims }: Session, limits: SessionLimits): void {
  const members = parseObject(data)
  // No limit forbids it, and what holds one has it from a server of before.
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

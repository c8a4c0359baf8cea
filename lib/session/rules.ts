import { CoatcheckError } from '../errors.ts'
import { checkDepth, type JsonText, parseObject } from '../json/text.ts'
import type { Session, TimeLimits } from './session.ts'

/** What every session is held to. */
export type SessionRules = {
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

/** The settings that the rules are made of. */
export type RuleSettings = Omit<SessionRules, 'ordinary' | 'permanent'> &
  TimeLimits & {
    readonly permanentIdleTimeoutMs: number
    readonly permanentLifetimeMs: number
  }

/** The rules of these settings; whatever else `settings` holds is left out. */
export function createRules(settings: RuleSettings): SessionRules {
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
export function checkKey(key: string, rules: SessionRules): void {
  if (key === '') throw emptyKey()
  // A character takes at most three bytes.
  if (key.length * 3 <= rules.keyLimitBytes) return
  const bytes = Buffer.byteLength(key)
  if (bytes > rules.keyLimitBytes) {
    throw new CoatcheckError(
      'invalid_key',
      `Cannot use a key of ${bytes} bytes: the limit is ${rules.keyLimitBytes} (--key-limit)`,
    )
  }
}

export function emptyKey(): CoatcheckError {
  return new CoatcheckError(
    'invalid_key',
    'Cannot use the key "": a key has at least one character, as in /session/user',
  )
}

/** The same members; throws `invalid_key` or `too_many_keys` where no session may hold them. */
export function checkMembers(
  members: ReadonlyMap<string, JsonText>,
  rules: SessionRules,
): ReadonlyMap<string, JsonText> {
  for (const key of members.keys()) checkKey(key, rules)
  if (members.size > rules.maxKeys) {
    throw new CoatcheckError(
      'too_many_keys',
      `Cannot hold ${members.size} keys: the limit of a session is ${rules.maxKeys} (--max-keys)`,
    )
  }
  return members
}

/**
 * Throws `session_too_large`; a session that is over the limit already may do all but grow. Claims
 * by themselves may take as much, or a holder could fill the data to keep them from being written.
 */
export function checkSize(before: Session, after: Session, rules: SessionRules): void {
  if (after.data === before.data && Buffer.byteLength(after.claims) <= rules.sessionLimitBytes)
    return
  const bytes = sizeOf(after)
  if (bytes > rules.sessionLimitBytes && bytes > sizeOf(before)) {
    throw tooLarge(bytes, rules)
  }
}

/**
 * Throws `session_too_large` for data, or a part of it, so much larger that it is, without a look at
 * its members: as they are stored, without the space between them and repeated ones, they take less.
 */
export function checkRoom(before: Session, data: JsonText, rules: SessionRules): void {
  if (data.length <= 2 * rules.sessionLimitBytes || data.length <= 2 * sizeOf(before)) return
  throw tooLarge(Buffer.byteLength(data), rules)
}

/**
 * Throws what the checks of these limits throw for a session that no server of these rules could hold.
 * Claims may be written when the data are as long as they may be: each counts by itself.
 */
export function checkLimits({ data, claims }: Session, rules: SessionRules): void {
  const members = parseObject(data)
  // No limit forbids it, and what holds one has it from a server of before.
  members.delete('')
  checkMembers(members, rules)
  for (const value of members.values()) checkDepth(value, rules.maxDepth, 'a value of it')
  checkDepth(claims, rules.maxDepth + 1, 'claims')
  for (const text of [data, claims]) {
    const bytes = Buffer.byteLength(text)
    if (bytes > rules.sessionLimitBytes) throw tooLarge(bytes, rules)
  }
}

function tooLarge(bytes: number, rules: SessionRules): CoatcheckError {
  return new CoatcheckError(
    'session_too_large',
    `Cannot store this: the session would be ${group(bytes)} bytes, ` +
      `its limit is ${group(rules.sessionLimitBytes)} (--session-limit)`,
  )
}

function sizeOf(session: Session): number {
  return Buffer.byteLength(session.data) + Buffer.byteLength(session.claims)
}

function group(count: number): string {
  return count.toLocaleString('en-US')
}

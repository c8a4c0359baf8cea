/** What holds of each session and tombstone in any storage, for a check of all of them. */
import { kindOf, parseJson } from '../json/json.ts'
import { checkClaims, findSub } from './claims.ts'
import { DEEPEST } from './limits.ts'
import { END_REASONS, expiresAt, type Session, type Tombstone } from './session.ts'
import { FULL_ID_SHAPE, isFullId } from './session-id.ts'
import { isHash } from './token.ts'

/** What a row has beside the session, and derives from it. */
export type BesideSession = { readonly sub: string | null; readonly sweepAt: number }

/** A line for each rule that does not hold; none has anything of the data. */
export function* brokenSessionRules(session: Session, beside: BesideSession): Generator<string> {
  if (!isFullId(session.id)) yield MALFORMED_ID
  if (!isHashOrNone(session.secretHash)) yield MALFORMED_HASH
  if (beside.sweepAt > expiresAt(session))
    yield 'sweep_at must not be later than the session expires'
  if (session.version < 1) yield 'version must be at least 1'
  if (session.idleTimeoutMs < 1 || session.lifetimeMs < 1) yield 'both time limits must be positive'
  if (session.keepEndedMs !== undefined && session.keepEndedMs < 0) {
    yield 'keep_ended_ms must not be negative'
  }
  if (!isObject(session.data)) yield 'data must be a JSON object'
  if (session.device !== null && !isObject(session.device)) yield 'device must be a JSON object'
  if (!isObject(session.claims)) {
    yield 'claims must be a JSON object'
  } else if (!hasValidSub(session.claims)) {
    yield 'claims.sub must be a string that can stand in a header'
  } else if ((findSub(session.claims) ?? null) !== beside.sub) {
    yield 'the column sub must be claims.sub'
  }
}

export function* brokenTombstoneRules(tombstone: Tombstone): Generator<string> {
  if (!isFullId(tombstone.id)) yield MALFORMED_ID
  if (!isHashOrNone(tombstone.secretHash)) yield MALFORMED_HASH
  if (!END_REASONS.includes(tombstone.reason)) {
    yield `reason must be one of ${END_REASONS.join(', ')}`
  }
}

export function* brokenKeyRules({ hash }: { readonly hash: string }): Generator<string> {
  if (!isHash(hash)) yield MALFORMED_HASH
}

const MALFORMED_ID = `id must be ${FULL_ID_SHAPE}`
const MALFORMED_HASH = 'the hash must be a SHA-256 in base64url'

function isObject(text: string): boolean {
  if (text === '{}') return true
  try {
    return kindOf(parseJson(text, DEEPEST, { name: 'it' })) === 'object'
  } catch {
    return false
  }
}

function hasValidSub(claims: string): boolean {
  if (claims === '{}') return true
  try {
    checkClaims(claims)
    return true
  } catch {
    return false
  }
}

function isHashOrNone(hash: string | null): boolean {
  return hash === null || isHash(hash)
}

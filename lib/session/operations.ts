/**
 * What can be done to a session. Operations are plain data and pure functions of a session, so they
 * cross to the writer by name and run inside its transaction. No store, no HTTP, no clock.
 */
import { CoatcheckError } from '../base/errors.ts'
import { quoteStart } from '../base/quote.ts'
import {
  appendItem,
  checkDepth,
  findOnlyMember,
  type JsonKind,
  type JsonText,
  kindOf,
  parseObject,
  renderObject,
  replaceMember,
} from '../json/json.ts'
import { applyEdits, type Edit } from '../json/edits.ts'
import type { PatchStep } from '../json/json-patch.ts'
import { mergePatch } from '../json/merge-patch.ts'
import { addNumbers } from '../json/number.ts'
import { allowWork, type Work } from '../json/work.ts'
import { checkClaims, findSub } from './claims.ts'
import { checkMembers, checkRoom, checkSize, MAX_DEPTH, type SessionLimits } from './limits.ts'
import { checkPrecondition, type Precondition } from './precondition.ts'
import { differsInDataAlone, type Session, type SessionKey } from './session.ts'
import { patchSession } from './session-patch.ts'
import { limitSession, type OwnLimits } from './time-limits.ts'

export type Operation = (
  | { readonly name: 'set'; readonly key: string; readonly value: JsonText }
  | { readonly name: 'pop'; readonly key: string }
  | { readonly name: 'increment'; readonly key: string; readonly by: JsonText }
  | { readonly name: 'append'; readonly key: string; readonly item: JsonText }
  | { readonly name: 'merge'; readonly key: string; readonly patch: JsonText }
  | { readonly name: 'clear' }
  | { readonly name: 'overwrite'; readonly data: JsonText }
  | ({ readonly name: 'update' } & SessionUpdate & ClaimsWrite)
  | ({
      readonly name: 'patch'
      readonly steps: readonly PatchStep[]
      readonly mayWriteClaims: boolean
    } & ClaimsWrite)
  | ({ readonly name: 'replace' } & SessionDraft & ClaimsWrite)
  | { readonly name: 'renew'; readonly renewal: SessionKey }
) & { readonly when?: Precondition }

/**
 * `data` and `claims` are merge patches (RFC 7396), `edits` change data by keys; only a back end may set
 * time limits. `isLogin`: somebody logs in. `claims` are then all that the session has of them, limits and
 * `permanent` that are absent come from the settings and not from who had the session before, its lifetime
 * begins anew, and the token changes, whoever it is; the data stay.
 */
export type SessionUpdate = {
  readonly data?: JsonText
  readonly edits?: readonly Edit[]
  readonly claims?: JsonText
  readonly isLogin?: true
  readonly permanent?: boolean
  /** null: as the setting says. */
  readonly keepEndedMs?: number | null
} & OwnLimits

/**
 * All that a back end may set of a session. Time limits that are absent come from the settings; claims
 * that are absent stay as they are.
 */
export type SessionDraft = {
  readonly data: JsonText
  readonly claims?: JsonText
  readonly permanent: boolean
  /** null, or absent: as the setting says. */
  readonly keepEndedMs?: number | null
} & OwnLimits

/** `renewal`: the new id and secret, taken if the write changes `claims.sub` or is a log-in. */
type ClaimsWrite = { readonly renewal?: SessionKey }

export type ClaimsOperation = Extract<Operation, { name: 'update' | 'patch' | 'replace' }>

/** Whether the operation could change the session's `sub`. */
export function mayWriteClaims(operation: Operation): operation is ClaimsOperation {
  switch (operation.name) {
    case 'update':
      return operation.claims !== undefined
    case 'patch':
      return operation.mayWriteClaims
    case 'replace':
      return operation.claims !== undefined
    default:
      return false
  }
}

/** `value`: the value popped, or the new value of the key; absent for the other operations. */
export type Applied = { readonly session: Session; readonly value?: JsonText }

/**
 * Returns the session after the operation, with its version one higher. Where the operation leaves
 * everything as it is and requires no version, returns the very session that was given: of several writes
 * that require one version only one succeeds, whatever they write. Throws a `CoatcheckError` if
 * the precondition fails, the key or its type is not what the operation needs, or the session would
 * exceed a limit.
 */
export function applyOperation(
  session: Session,
  operation: Operation,
  limits: SessionLimits,
): Applied {
  if (operation.when !== undefined) {
    const exists =
      'key' in operation ? findOnlyMember(session.data, operation.key) !== undefined : true
    checkPrecondition(operation.when, session.version, exists)
  }
  const applied = applyUnconditionally(session, operation, limits)
  if (operation.when?.required !== undefined) return applied
  // control: unchanged-version
  return isUnchanged(session, applied.session) ? { ...applied, session } : applied
}

function isUnchanged(before: Session, after: Session): boolean {
  return after.id === before.id && after.data === before.data && differsInDataAlone(before, after)
}

/** The same without the precondition, and always with a new version. */
export function applyUnconditionally(
  session: Session,
  operation: Operation,
  limits: SessionLimits,
): Applied {
  const { session: after, value } = run(session, operation, limits)
  checkSize(session, after, limits)
  const changed = { ...settleClaims(session, after, operation), version: session.version + 1 }
  return value === undefined ? { session: changed } : { session: changed, value }
}

/**
 * Checks new claims, and renews the session if its `sub` changes or somebody logs in: a token from before the log-in must
 * not open it afterwards (session fixation). A session without a token keeps the id that a back end
 * chose.
 */
function settleClaims(before: Session, after: Session, operation: Operation): Session {
  const isLogin = operation.name === 'update' && operation.isLogin === true
  if (after.claims === before.claims && !isLogin) return after
  checkClaims(after.claims)
  // Rendering drops repeated members, so no reader can find another `sub`.
  const claims = renderObject(parseObject(after.claims))
  // control: login-renews
  const isSameUser = !isLogin && findSub(claims) === findSub(before.claims)
  const mayRenew = before.secretHash !== null && 'renewal' in operation
  return { ...after, claims, ...(mayRenew && !isSameUser ? operation.renewal : {}) }
}

function run(session: Session, operation: Operation, limits: SessionLimits): Applied {
  switch (operation.name) {
    case 'set':
      return { session: set(session, operation.key, operation.value, limits) }
    case 'pop':
      return pop(session, operation.key)
    case 'increment':
      return changeKey(session, operation.key, limits, (value) => increment(value, operation))
    case 'append':
      checkRoom(session, operation.item, limits)
      return changeKey(session, operation.key, limits, (value) => append(value, operation, limits))
    case 'merge':
      return changeKey(session, operation.key, limits, (value) =>
        mergePatch(value, operation.patch, workOf(limits)),
      )
    case 'clear':
      // control: clear-empties
      return { session: { ...session, data: '{}' } }
    case 'overwrite':
      return { session: { ...session, data: parseData(session, operation.data, limits) } }
    case 'update':
      return { session: update(session, operation, limits) }
    case 'patch':
      return { session: patch(session, operation.steps, operation.mayWriteClaims, limits) }
    case 'replace':
      return { session: replace(session, operation, limits) }
    case 'renew':
      return { session: { ...session, ...operation.renewal } }
  }
}

function set(session: Session, key: string, value: JsonText, limits: SessionLimits): Session {
  checkRoom(session, value, limits)
  // A key that exists has passed the checks already.
  // control: set-replaces
  const replaced = replaceMember(session.data, key, value)
  if (replaced !== undefined) return { ...session, data: replaced }
  const members = parseObject(session.data).set(key, value)
  checkMembers(members, limits)
  return { ...session, data: renderObject(members) }
}

function pop(session: Session, key: string): Applied {
  const members = parseObject(session.data)
  const value = members.get(key)
  // control: pop-needs-value
  if (value === undefined) throw keyNotFound(key)
  // control: pop-removes
  members.delete(key)
  return { session: { ...session, data: renderObject(members) }, value }
}

/** Sets a key to what `next` makes of its value, and returns that as well. */
function changeKey(
  session: Session,
  key: string,
  limits: SessionLimits,
  next: (value: JsonText | undefined) => JsonText,
): Applied {
  const value = next(findOnlyMember(session.data, key))
  return { session: set(session, key, value, limits), value }
}

function increment(value: JsonText = '0', { key, by }: { key: string; by: JsonText }): JsonText {
  requireKind(value, 'number', `increment ${quoteStart(key)}`)
  return addNumbers(value.trim(), by)
}

function append(
  value: JsonText = '[]',
  { key, item }: { key: string; item: JsonText },
  limits: SessionLimits,
): JsonText {
  requireKind(value, 'array', `append to ${quoteStart(key)}`)
  // The items that are there have passed the check already.
  checkDepth(item, limits.maxDepth - 1, 'list', MAX_DEPTH)
  return appendItem(value, item)
}

function update(session: Session, changes: SessionUpdate, limits: SessionLimits): Session {
  const { data, edits, isLogin = false, permanent = !isLogin && session.permanent } = changes
  const work = workOf(limits)
  const begun = isLogin ? withSettings(session, permanent, limits) : session
  const merged = data === undefined ? session.data : mergePatch(session.data, data, work)
  const edited = edits === undefined ? { text: merged } : applyEdits(merged, edits, work)
  const after = {
    ...keepEnded(limitSession(begun, permanent, changes, limits), changes.keepEndedMs),
    data: edited.text,
    claims: claimsAfter(session, changes, work),
  }
  // Before the members are parsed: data that is far too large is not worth it.
  checkSize(session, after, limits)
  if (data !== undefined) checkMembers(parseObject(after.data), limits)
  else if (edited.members !== undefined) checkMembers(edited.members, limits)
  return after
}

function claimsAfter(session: Session, { claims, isLogin }: SessionUpdate, work: Work): JsonText {
  if (claims === undefined) return session.claims
  // control: login-replaces-claims
  return isLogin === true ? claims : mergePatch(session.claims, claims, work)
}

/** With the limits of the settings, and a lifetime that begins with its last activity, which is this write. */
function withSettings(session: Session, permanent: boolean, limits: SessionLimits): Session {
  const { idleTimeoutMs, lifetimeMs } = permanent ? limits.permanent : limits.ordinary
  return {
    ...session,
    permanent,
    idleTimeoutMs,
    // Else a visitor of yesterday who logs in today would be logged out by it.
    lifetimeMs: Math.max(0, session.lastSeenAt - session.createdAt) + lifetimeMs,
    ownIdleTimeout: false,
    ownLifetime: false,
  }
}

function patch(
  session: Session,
  steps: readonly PatchStep[],
  mayWriteClaims: boolean,
  limits: SessionLimits,
): Session {
  const patched = patchSession(session, steps, mayWriteClaims, limits, workOf(limits))
  const { data, claims, permanent } = patched
  checkDepth(data, limits.maxDepth + 1, 'data', MAX_DEPTH)
  checkDepth(claims, limits.maxDepth + 1, 'claims', MAX_DEPTH)
  return {
    ...limitSession(session, permanent, {}, limits),
    data: parseData(session, data, limits),
    claims,
  }
}

function replace(session: Session, draft: SessionDraft, limits: SessionLimits): Session {
  const { data, permanent } = draft
  const settings = permanent ? limits.permanent : limits.ordinary
  const fresh = { ...session, ...settings, permanent, ownIdleTimeout: false, ownLifetime: false }
  return {
    ...keepEnded(limitSession(fresh, permanent, draft, limits), draft.keepEndedMs ?? null),
    data: parseData(session, data, limits),
    // control: put-keeps-claims
    claims: draft.claims ?? session.claims,
  }
}

/** `keepEndedMs`: null for the time of the setting, undefined for no change. */
function keepEnded(session: Session, keepEndedMs: number | null | undefined): Session {
  if (keepEndedMs === undefined || (session.keepEndedMs ?? null) === keepEndedMs) return session
  const { keepEndedMs: _, ...others } = session
  return keepEndedMs === null ? others : { ...others, keepEndedMs }
}

/** Checks the members; the text returned has no repeated ones. */
function parseData(before: Session, data: JsonText, limits: SessionLimits): JsonText {
  checkRoom(before, data, limits)
  return renderObject(checkMembers(parseObject(data), limits))
}

/** A smaller session limit does not lower the budget further. */
const LEAST_BYTES = 65_536
/** For each byte that a session may have: about a dozen times parsing and rendering it. */
const WORK_PER_BYTE = 48

/** The budget of an operation that goes through a session's values, in nanoseconds. */
function workOf({ sessionLimitBytes }: SessionLimits): Work {
  return allowWork(WORK_PER_BYTE * Math.max(sessionLimitBytes, LEAST_BYTES))
}

function requireKind(value: JsonText, kind: JsonKind, action: string): void {
  const given = kindOf(value)
  if (given === kind) return
  throw new CoatcheckError(
    'wrong_type',
    `Cannot ${action}: its value must be a JSON ${kind}, it is of type ${given}`,
  )
}

export function keyNotFound(key: string): CoatcheckError {
  return new CoatcheckError(
    'key_not_found',
    `Cannot find ${quoteStart(key)}: the session has no such key`,
    {},
    { hint: 'give_default' },
  )
}

/**
 * What can be done to a session: pure functions of the session and plain data, so that they can
 * cross to the writer's thread by name and run inside its transaction. No store, no HTTP, no clock.
 */
import { CoatcheckError } from '../base/errors.ts'
import { applyJsonPatch, type PatchStep } from '../json/json-patch.ts'
import { quotePointer, renderPointer } from '../json/pointer.ts'
import { mergePatch } from '../json/merge-patch.ts'
import { addNumbers } from '../json/number.ts'
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
} from '../json/text.ts'
import { allowWork, type Work } from '../json/work.ts'
import { checkClaims, findSub } from './claims.ts'
import { checkPrecondition, type Precondition } from './precondition.ts'
import { checkMembers, checkRoom, checkSize, MAX_DEPTH, type SessionLimits } from './limits.ts'
import type { Session, SessionKey, TimeLimits } from './session.ts'
import { limitSession } from './time-limits.ts'

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

/** `data` and `claims` are merge patches (RFC 7396); limits are a back end's to give. */
export type SessionUpdate = {
  readonly data?: JsonText
  readonly claims?: JsonText
  readonly permanent?: boolean
} & Partial<TimeLimits>

/** All that a back end may say of a session; the limits that it does not give are the settings'. */
export type SessionDraft = {
  readonly data: JsonText
  readonly claims: JsonText
  readonly permanent: boolean
} & Partial<TimeLimits>

/** `renewal`: what opens the session from then on, should the write change `claims.sub`. */
type ClaimsWrite = { readonly renewal?: SessionKey }

export type ClaimsOperation = Extract<Operation, { name: 'update' | 'patch' | 'replace' }>

/** Whether the operation could leave the session with another `sub`. */
export function mayWriteClaims(operation: Operation): operation is ClaimsOperation {
  switch (operation.name) {
    case 'update':
      return operation.claims !== undefined
    case 'patch':
      return operation.mayWriteClaims
    case 'replace':
      return true
    default:
      return false
  }
}

/** `value`: what the operation answers, where it answers one: the value popped, or the new value. */
export type Applied = { readonly session: Session; readonly value?: JsonText }

/**
 * The session after the operation, one version on. Throws a `CoatcheckError` and changes nothing
 * where a precondition fails, the key or its type is not what the operation needs, or the session
 * would break one of the limits.
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
  return applyUnconditionally(session, operation, limits)
}

/** The same, whatever its precondition says. */
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
 * A token that somebody knew before the session was a user's must not open it afterwards (session
 * fixation). Where no token opens it, a back end chose the id, and keeps it.
 */
function settleClaims(before: Session, after: Session, operation: Operation): Session {
  if (after.claims === before.claims) return after
  checkClaims(after.claims)
  // Rendered anew, a repeated member is gone: whoever reads the first cannot read another `sub`.
  const claims = renderObject(parseObject(after.claims))
  const isSameUser = findSub(claims) === findSub(before.claims)
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
      return replace(session, operation.key, limits, (value) => increment(value, operation))
    case 'append':
      checkRoom(session, operation.item, limits)
      return replace(session, operation.key, limits, (value) => append(value, operation, limits))
    case 'merge':
      return replace(session, operation.key, limits, (value) =>
        mergePatch(value, operation.patch, workOf(limits)),
      )
    case 'clear':
      return { session: { ...session, data: '{}' } }
    case 'overwrite':
      return { session: { ...session, data: parseData(session, operation.data, limits) } }
    case 'update':
      return { session: update(session, operation, limits) }
    case 'patch':
      return { session: patch(session, operation.steps, operation.mayWriteClaims, limits) }
    case 'replace':
      return { session: replaceWhole(session, operation, limits) }
    case 'renew':
      return { session: { ...session, ...operation.renewal } }
  }
}

function set(session: Session, key: string, value: JsonText, limits: SessionLimits): Session {
  checkRoom(session, value, limits)
  // A key that is there was checked when it came.
  const replaced = replaceMember(session.data, key, value)
  if (replaced !== undefined) return { ...session, data: replaced }
  const members = parseObject(session.data).set(key, value)
  checkMembers(members, limits)
  return { ...session, data: renderObject(members) }
}

function pop(session: Session, key: string): Applied {
  const members = parseObject(session.data)
  const value = members.get(key)
  if (value === undefined) throw keyNotFound(key)
  members.delete(key)
  return { session: { ...session, data: renderObject(members) }, value }
}

function replace(
  session: Session,
  key: string,
  limits: SessionLimits,
  next: (value: JsonText | undefined) => JsonText,
): Applied {
  const value = next(findOnlyMember(session.data, key))
  return { session: set(session, key, value, limits), value }
}

function increment(value: JsonText = '0', { key, by }: { key: string; by: JsonText }): JsonText {
  requireKind(value, 'number', `increment ${quoteKey(key)}`)
  return addNumbers(value.trim(), by)
}

function append(
  value: JsonText = '[]',
  { key, item }: { key: string; item: JsonText },
  limits: SessionLimits,
): JsonText {
  requireKind(value, 'array', `append to ${quoteKey(key)}`)
  // What is in the list was checked when it came.
  checkDepth(item, limits.maxDepth - 1, 'list', MAX_DEPTH)
  return appendItem(value, item)
}

function update(session: Session, changes: SessionUpdate, limits: SessionLimits): Session {
  const { data, claims, permanent = session.permanent } = changes
  const work = workOf(limits)
  const after = {
    ...limitSession(session, permanent, changes, limits),
    data: data === undefined ? session.data : mergePatch(session.data, data, work),
    claims: claims === undefined ? session.claims : mergePatch(session.claims, claims, work),
  }
  // What is far too large is not even looked at.
  checkSize(session, after, limits)
  if (data !== undefined) checkMembers(parseObject(after.data), limits)
  return after
}

function replaceWhole(session: Session, draft: SessionDraft, limits: SessionLimits): Session {
  const { data, claims, permanent } = draft
  const settings = permanent ? limits.permanent : limits.ordinary
  const fresh = { ...session, ...settings, permanent, ownIdleTimeout: false, ownLifetime: false }
  return {
    ...limitSession(fresh, permanent, draft, limits),
    data: parseData(session, data, limits),
    claims,
  }
}

/** Rendered anew, a repeated member is gone. */
function parseData(before: Session, data: JsonText, limits: SessionLimits): JsonText {
  checkRoom(before, data, limits)
  return renderObject(checkMembers(parseObject(data), limits))
}

/** The smallest limit of a session that less work is not allowed for. */
const LEAST_BYTES = 65_536
/** For each byte that a session may have: what to read it, and to render it, some dozen times takes. */
const WORK_PER_BYTE = 48

/** What an operation that goes through a session's values may cost, in nanoseconds. */
function workOf({ sessionLimitBytes }: SessionLimits): Work {
  return allowWork(WORK_PER_BYTE * Math.max(sessionLimitBytes, LEAST_BYTES))
}

/** RFC 6902 on `{"data":…,"claims":…,"permanent":…}`, the parts of a session that can change. */
function patch(
  session: Session,
  steps: readonly PatchStep[],
  mayWriteClaims: boolean,
  limits: SessionLimits,
): Session {
  if (!mayWriteClaims && steps.some(writesClaims)) throw claimsReadOnly()
  refuseOtherPaths(steps)
  const document = renderObject(
    new Map([
      ['data', session.data],
      ['claims', session.claims],
      ['permanent', String(session.permanent)],
    ]),
  )
  // Steps may pass through a document that is too large, so long as they end in one that is not.
  const roomBytes = Buffer.byteLength(document) + 2 * limits.sessionLimitBytes
  const members = parseObject(applyJsonPatch(document, steps, roomBytes, workOf(limits)))
  const data = takeMember(members, 'data', 'object')
  const claims = takeMember(members, 'claims', 'object')
  const permanent = takeMember(members, 'permanent', 'boolean')
  if (members.size > 0) {
    throw new CoatcheckError(
      'invalid_patch',
      'Cannot patch the session: a path starts with /data, /claims or /permanent, ' +
        'as in /data/user; the rest of a session cannot be patched',
    )
  }
  checkDepth(data, limits.maxDepth + 1, 'data', MAX_DEPTH)
  checkDepth(claims, limits.maxDepth + 1, 'claims', MAX_DEPTH)
  return {
    ...limitSession(session, permanent === 'true', {}, limits),
    data: parseData(session, data, limits),
    claims,
  }
}

/** Whatever the step does: that such a path does not exist, or has another value, would mislead. */
function refuseOtherPaths(steps: readonly PatchStep[]): void {
  for (const [index, step] of steps.entries()) {
    const paths = 'from' in step ? [step.from, step.path] : [step.path]
    const wrong = paths.find(([first]) => first !== undefined && !PATCHED.includes(first))
    if (wrong === undefined) continue
    throw new CoatcheckError(
      'invalid_patch',
      `Cannot apply step ${index} of the patch: a path starts with /data, /claims or /permanent, ` +
        `as in /data/user, got ${quotePointer(renderPointer(wrong))}`,
    )
  }
}

const PATCHED = ['data', 'claims', 'permanent']

/** Every step whose effect could reach the claims: at them, below them, or at the whole session. */
function writesClaims(step: PatchStep): boolean {
  if (step.op === 'test') return false
  const written = step.op === 'move' ? [step.path, step.from] : [step.path]
  return written.some(([first]) => first === undefined || first === 'claims')
}

function takeMember(members: Map<string, JsonText>, name: string, kind: JsonKind): JsonText {
  const value = members.get(name)?.trim()
  members.delete(name)
  if (value !== undefined && kindOf(value) === kind) return value
  const given = value === undefined ? 'nothing' : kindOf(value)
  throw new CoatcheckError(
    'invalid_patch',
    `Cannot patch the session: /${name} must stay a JSON ${kind}, the patch leaves ${given}`,
  )
}

function requireKind(value: JsonText, kind: JsonKind, action: string): void {
  const given = kindOf(value)
  if (given === kind) return
  throw new CoatcheckError(
    'wrong_type',
    `Cannot ${action}: its value must be a JSON ${kind}, it is of type ${given}`,
  )
}

export function claimsReadOnly(): CoatcheckError {
  return new CoatcheckError(
    'claims_read_only',
    'Cannot write claims: only a back end may, with its API key; the holder of a session reads them',
  )
}

export function keyNotFound(key: string): CoatcheckError {
  return new CoatcheckError(
    'key_not_found',
    `Cannot find ${quoteKey(key)}: the session has no such key`,
    {},
    { hint: 'give_default' },
  )
}

/** A key as a message may show it: on one line and not too long. */
function quoteKey(key: string): string {
  return JSON.stringify(key.length > 64 ? `${key.slice(0, 63)}…` : key)
}

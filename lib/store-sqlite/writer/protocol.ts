/**
 * What crosses between the main thread and the writer's: requests, their answers, and how both are
 * packed into messages.
 */
import type { ErrorCode, ErrorFacts, WayOut } from '../../base/errors.ts'
import type { Edit } from '../../json/edits.ts'
import type { PatchStep } from '../../json/json-patch.ts'
import type { JsonText } from '../../json/json.ts'
import type { Operation } from '../../session/operations.ts'
import type { Precondition } from '../../session/precondition.ts'
import type { EndReason, Found, Session } from '../../session/session.ts'
import type { ApiKey, KeyUse } from '../../store/key-store.ts'
import type { Changed, EndSelection, Inserted, StoreHealth, Swept } from '../../store/store.ts'
import type { Strayed } from '../database/name-watch-thread.ts'
import type { NamedFile } from '../database/open-files.ts'
import { fieldsOf, parseSession, type SessionFields } from '../tables/rows.ts'

/** The requests by their kind. */
type Requests = {
  /** `isImport`: the session has begun elsewhere, which is no event here. */
  insert: Pick<Named, 'seenAt'> & { readonly session: Session; readonly isImport?: true }
  change: Named & { readonly operation: Operation }
  end: Named & Grace & { readonly reason: EndReason; readonly when: Precondition | undefined }
  end_many: EndSelection &
    Grace & { readonly now: number; readonly reason: EndReason; readonly limit: number }
  touch: { readonly seen: readonly Seen[] }
  add_api_key: { readonly key: ApiKey }
  revoke_api_key: { readonly name: string; readonly revokedAt: number }
  note_key_uses: { readonly uses: readonly KeyUse[] }
  /** By a command: this batch ends sessions that a running server may keep in memory. */
  change_outside: object
  /** By the server: it has taken note of so many of these batches. */
  see_outside: { readonly made: number }
}

/** The answers by the kind of the request, as in the contract of the store. */
type Answers = {
  insert: Inserted
  change: ChangedByWriter
  end: Found
  end_many: EndedMany
  touch: undefined
  add_api_key: boolean
  revoke_api_key: boolean
  note_key_uses: undefined
  change_outside: undefined
  see_outside: undefined
}

/** `isUnwritten`: nothing was changed, and the activity is still to be noted. */
export type ChangedByWriter = Changed & { readonly isUnwritten?: true }

/** `seenAt`: activity of this session that the file does not know of yet, 0 for none. */
type Named = { readonly id: string; readonly now: number; readonly seenAt: number }

/**
 * For a command beside a server, which may know of activity that is not in the file yet: a session that
 * expired less than this ago, by the file, may be live, and is ended as a live one.
 */
type Grace = { readonly graceMs?: number }

/**
 * The `seenAt` of an insert whose id has just been minted: such an id replaces an older session only
 * where that one's lifetime is over and its end forgotten, whatever its activity was.
 */
export const MINTED = Infinity

/** A session and the moment of its activity. */
export type Seen = readonly [id: string, seenAt: number]

/** `more`: some may be left, because the limit was reached or others wait. */
export type EndedMany = { readonly ids: readonly string[]; readonly more: boolean }

export type RequestKind = keyof Requests

export type WriteRequest<Kind extends RequestKind = RequestKind> = {
  [K in Kind]: { readonly kind: K } & Requests[K]
}[Kind]

export type WriteAnswer<Kind extends RequestKind = RequestKind> = Answers[Kind]

export type WriteOutcome =
  | { readonly ok: true; readonly answer: WriteAnswer }
  | { readonly ok: false; readonly refusal: Refusal }

/** A `CoatcheckError` as plain data. */
export type Refusal = {
  readonly code: ErrorCode
  readonly message: string
  readonly facts: ErrorFacts
  readonly way?: WayOut | undefined
}

export type ToWriter =
  | { readonly kind: 'write'; readonly requests: readonly PackedRequest[] }
  | { readonly kind: 'sweep'; readonly now: number }
  /** About once a second; `isDoubtful`: a read has failed, so the disk is to be probed. */
  | { readonly kind: 'tick'; readonly isDoubtful: boolean }
  /** Before a close: are the files still there and whole? */
  | { readonly kind: 'check' }
  /** The names of the files do not lead to them any more: the writer must die. */
  | { readonly kind: 'strayed'; readonly strayed: Strayed }
  | { readonly kind: 'close' }

export type FromWriter =
  | { readonly kind: 'ready'; readonly files: readonly NamedFile[] }
  /** To the writes in the order they were sent, as many as were committed together. */
  | { readonly kind: 'written'; readonly outcomes: readonly PackedOutcome[] }
  | { readonly kind: 'swept'; readonly swept: Swept }
  | { readonly kind: 'not_swept'; readonly refusal: Refusal }
  | { readonly kind: 'health'; readonly health: StoreHealth }
  | { readonly kind: 'checked' }
  | { readonly kind: 'closed' }

/**
 * The frequent requests as arrays, all others as they are: structured cloning writes the name of each
 * property of an object and looks it up again, which takes three times as long.
 */
export type PackedRequest = PackedSet | PackedInsert | PackedPatch | PackedEdits | WriteRequest

/** As `PackedRequest`; `inserted` is the outcome of nearly every insert. */
export type PackedOutcome = PackedChanged | 'inserted' | WriteOutcome

type PackedInsert = readonly [kind: 'insert', seenAt: number, session: SessionFields]

type PackedSet = readonly [
  kind: 'set',
  id: string,
  now: number,
  seenAt: number,
  key: string,
  value: JsonText,
]

type PackedPatch = readonly [
  kind: 'patch',
  id: string,
  now: number,
  seenAt: number,
  operation: Omit<PatchOperation, 'name' | 'steps'>,
  steps: readonly StepPart[],
]

type PatchOperation = Extract<Operation, { name: 'patch' }>

type PackedEdits = readonly [
  kind: 'edits',
  id: string,
  now: number,
  seenAt: number,
  operation: Omit<UpdateOperation, 'edits'>,
  edits: readonly StepPart[],
]

type UpdateOperation = Extract<Operation, { name: 'update' }>

/** Of each step, or edit, its name, its paths, each after its length, and its value. */
type StepPart = string | number

type PackedChanged = readonly [
  session: SessionFields,
  value: JsonText | undefined,
  isUnwritten?: true,
]

export function packRequest(request: WriteRequest): PackedRequest {
  if (request.kind === 'insert') return ['insert', request.seenAt, fieldsOf(request.session)]
  if (request.kind !== 'change') return request
  const { id, now, seenAt, operation } = request
  if (operation.name === 'patch') {
    const { name: _, steps, ...others } = operation
    return ['patch', id, now, seenAt, others, packSteps(steps)]
  }
  if (operation.name === 'update' && operation.edits !== undefined) {
    const { edits, ...others } = operation
    return ['edits', id, now, seenAt, others, packSteps(edits)]
  }
  if (operation.name !== 'set' || operation.when !== undefined) return request
  return ['set', id, now, seenAt, operation.key, operation.value]
}

export function unpackRequest(packed: PackedRequest): WriteRequest {
  if ('kind' in packed) return packed
  if (packed[0] === 'insert') {
    return { kind: 'insert', seenAt: packed[1], session: parseSession(packed[2]) }
  }
  if (packed[0] === 'patch') {
    const [, id, now, seenAt, others, parts] = packed
    const operation: PatchOperation = { name: 'patch', steps: unpackSteps(parts), ...others }
    return { kind: 'change', id, now, seenAt, operation }
  }
  if (packed[0] === 'edits') {
    const [, id, now, seenAt, others, parts] = packed
    const operation: UpdateOperation = { ...others, edits: unpackEdits(parts) }
    return { kind: 'change', id, now, seenAt, operation }
  }
  const [, id, now, seenAt, key, value] = packed
  return { kind: 'change', id, now, seenAt, operation: { name: 'set', key, value } }
}

/** The kind of a request that is still packed. */
export function kindOf(packed: PackedRequest): RequestKind {
  if ('kind' in packed) return packed.kind
  return packed[0] === 'insert' ? 'insert' : 'change'
}

export function packOutcome(outcome: WriteOutcome): PackedOutcome {
  const answer = outcome.ok ? outcome.answer : undefined
  if (typeof answer !== 'object') return outcome
  if ('inserted' in answer) {
    return answer.inserted && answer.evicted.length === 0 ? 'inserted' : outcome
  }
  if (!('state' in answer) || answer.state !== 'live' || 'evicted' in answer) return outcome
  const fields = fieldsOf(answer.session)
  const value = 'value' in answer ? answer.value : undefined
  return 'isUnwritten' in answer ? [fields, value, true] : [fields, value]
}

export function unpackOutcome(packed: PackedOutcome): WriteOutcome {
  if (packed === 'inserted') return { ok: true, answer: { inserted: true, evicted: [] } }
  if ('ok' in packed) return packed
  const [fields, value, isUnwritten] = packed
  const session = parseSession(fields)
  const changed = { state: 'live', session, ...(value !== undefined && { value }) } as const
  return { ok: true, answer: isUnwritten ? { ...changed, isUnwritten } : changed }
}

function packSteps(steps: readonly (PatchStep | Edit)[]): StepPart[] {
  const parts: StepPart[] = []
  for (const step of steps) {
    parts.push(step.op, step.path.length, ...step.path)
    if ('value' in step) parts.push(step.value)
    if ('from' in step) parts.push(step.from.length, ...step.from)
  }
  return parts
}

function unpackSteps(parts: readonly StepPart[]): PatchStep[] {
  const steps: PatchStep[] = []
  let at = 0
  const takeText = () => String(parts[at++])
  const takePath = () => {
    const start = at + 1
    at = start + Number(parts[at])
    return parts.slice(start, at).map(String)
  }
  while (at < parts.length) {
    const op = takeText() as PatchStep['op']
    const path = takePath()
    if (op === 'remove') steps.push({ op, path })
    else if (op === 'move' || op === 'copy') steps.push({ op, path, from: takePath() })
    else steps.push({ op, path, value: takeText() })
  }
  return steps
}

function unpackEdits(parts: readonly StepPart[]): Edit[] {
  const edits: Edit[] = []
  let at = 0
  while (at < parts.length) {
    const op = String(parts[at]) as Edit['op']
    const start = at + 2
    const end = start + Number(parts[at + 1])
    const path = parts.slice(start, end).map(String)
    const hasValue = op !== 'remove' && op !== 'enter'
    edits.push(hasValue ? { op, path, value: String(parts[end]) } : { op, path })
    at = hasValue ? end + 1 : end
  }
  return edits
}

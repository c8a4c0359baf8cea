/**
 * How requests and outcomes cross between the threads. What nearly every write is made of crosses as
 * arrays, for of an object each property's name is written out and looked up again, and that takes
 * three times as long; whatever is rare crosses as it is.
 */
import type { PatchStep } from '../../json/json-patch.ts'
import type { JsonText } from '../../json/text.ts'
import type { Operation } from '../../session/operations.ts'
import type { Session } from '../../session/session.ts'
import type { WriteOutcome, WriteRequest } from './write-request.ts'

export type RequestMessage = SetMessage | InsertMessage | PatchMessage | WriteRequest

export type OutcomeMessage = ChangedMessage | 'inserted' | WriteOutcome

type SetMessage = readonly [
  kind: 'set',
  id: string,
  now: number,
  seenAt: number,
  key: string,
  value: JsonText,
]

type InsertMessage = readonly [kind: 'insert', seenAt: number, session: SessionMessage]

type PatchMessage = readonly [
  kind: 'patch',
  id: string,
  now: number,
  seenAt: number,
  operation: Omit<PatchOperation, 'name' | 'steps'>,
  steps: readonly StepPart[],
]

type PatchOperation = Extract<Operation, { name: 'patch' }>

/** Of each step its name, its paths, each with its length before it, and its value. */
type StepPart = string | number

type ChangedMessage = readonly [session: SessionMessage, value: JsonText | undefined]

type SessionMessage = readonly [
  id: string,
  secretHash: string | null,
  data: JsonText,
  claims: JsonText,
  permanent: boolean,
  createdAt: number,
  lastSeenAt: number,
  idleTimeoutMs: number,
  lifetimeMs: number,
  version: number,
  device: JsonText | null,
  ownIdleTimeout: boolean,
  ownLifetime: boolean,
]

export function packRequest(request: WriteRequest): RequestMessage {
  if (request.kind === 'insert') return ['insert', request.seenAt, packSession(request.session)]
  if (request.kind !== 'change') return request
  const { id, now, seenAt, operation } = request
  if (operation.name === 'patch') {
    const { name: _, steps, ...others } = operation
    return ['patch', id, now, seenAt, others, packSteps(steps)]
  }
  if (operation.name !== 'set' || operation.when !== undefined) return request
  return ['set', id, now, seenAt, operation.key, operation.value]
}

export function unpackRequest(message: RequestMessage): WriteRequest {
  if ('kind' in message) return message
  if (message[0] === 'insert') {
    return { kind: 'insert', seenAt: message[1], session: unpackSession(message[2]) }
  }
  if (message[0] === 'patch') {
    const [, id, now, seenAt, others, parts] = message
    const operation: PatchOperation = { name: 'patch', steps: unpackSteps(parts), ...others }
    return { kind: 'change', id, now, seenAt, operation }
  }
  const [, id, now, seenAt, key, value] = message
  return { kind: 'change', id, now, seenAt, operation: { name: 'set', key, value } }
}

function packSteps(steps: readonly PatchStep[]): StepPart[] {
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

export function packOutcome(outcome: WriteOutcome): OutcomeMessage {
  const answer = outcome.ok ? outcome.answer : undefined
  if (typeof answer !== 'object') return outcome
  if ('inserted' in answer) {
    return answer.inserted && answer.evicted.length === 0 ? 'inserted' : outcome
  }
  if (!('state' in answer) || answer.state !== 'live' || 'evicted' in answer) return outcome
  return [packSession(answer.session), 'value' in answer ? answer.value : undefined]
}

export function unpackOutcome(message: OutcomeMessage): WriteOutcome {
  if (message === 'inserted') return { ok: true, answer: { inserted: true, evicted: [] } }
  if ('ok' in message) return message
  const [packed, value] = message
  const session = unpackSession(packed)
  const answer = { state: 'live', session, ...(value !== undefined && { value }) } as const
  return { ok: true, answer }
}

function packSession(session: Session): SessionMessage {
  return [
    session.id,
    session.secretHash,
    session.data,
    session.claims,
    session.permanent,
    session.createdAt,
    session.lastSeenAt,
    session.idleTimeoutMs,
    session.lifetimeMs,
    session.version,
    session.device,
    session.ownIdleTimeout,
    session.ownLifetime,
  ]
}

function unpackSession(message: SessionMessage): Session {
  return {
    id: message[0],
    secretHash: message[1],
    data: message[2],
    claims: message[3],
    permanent: message[4],
    createdAt: message[5],
    lastSeenAt: message[6],
    idleTimeoutMs: message[7],
    lifetimeMs: message[8],
    version: message[9],
    device: message[10],
    ownIdleTimeout: message[11],
    ownLifetime: message[12],
  }
}

/**
 * What a write may cost the writer at most, about, told from its shape and from the size of its session:
 * so that those that may be dear keep the others waiting no longer than one of them takes.
 */
import type { JsonText } from '../../json/json.ts'
import type { PatchStep } from '../../json/json-patch.ts'
import type { Operation } from '../../session/operations.ts'
import type { WriteRequest } from './protocol.ts'

/** In microseconds, as all here. */
const LEAST = 25
/** The most that an operation may cost: it is refused beyond that. */
const DEAREST = 4_000
const ENDED = 50
const STEP = 1

/** For a character that is copied, one that is checked, and one that is taken apart. */
const COPIED = 0.005
const CHECKED = 0.02
const TAKEN_APART = 0.06

/** `sizeOf`: the characters of a session's data and claims; as many as there may be, where unknown. */
export function costOf(request: WriteRequest, sizeOf: (id: string) => number): number {
  switch (request.kind) {
    case 'insert':
      return LEAST + COPIED * (request.session.data.length + request.session.claims.length)
    case 'change':
      return LEAST + Math.min(DEAREST, costOfOperation(request.operation, sizeOf(request.id)))
    case 'end_many':
      return LEAST + ENDED * request.limit
    default:
      return LEAST
  }
}

function costOfOperation(operation: Operation, size: number): number {
  switch (operation.name) {
    case 'set':
      return COPIED * (size + operation.value.length)
    case 'increment':
      return COPIED * (size + operation.by.length)
    case 'append':
      return COPIED * (size + operation.item.length)
    case 'merge':
      return TAKEN_APART * (size + operation.patch.length)
    case 'update':
      return TAKEN_APART * (size + lengthOf(operation.data) + lengthOf(operation.claims))
    case 'patch':
      return costOfSteps(operation.steps, size)
    case 'overwrite':
      return CHECKED * operation.data.length
    case 'replace':
      return CHECKED * (operation.data.length + operation.claims.length)
    case 'pop':
    case 'clear':
    case 'renew':
      return COPIED * size
  }
}

/** Each step may go through all that there is, what the steps before it have added included. */
function costOfSteps(steps: readonly PatchStep[], size: number): number {
  let length = size
  for (const step of steps) if ('value' in step) length += step.value.length
  return steps.length * (STEP + TAKEN_APART * length)
}

function lengthOf(text: JsonText | undefined): number {
  return text?.length ?? 0
}

/**
 * An estimate of the most that a write may cost the writer, from its shape and the size of its session.
 * The queue keeps expensive writes apart by it, so that the others wait for one of them at most.
 */
import type { Edit } from '../../json/edits.ts'
import type { JsonText } from '../../json/json.ts'
import type { PatchStep } from '../../json/json-patch.ts'
import type { Operation } from '../../session/operations.ts'
import type { WriteRequest } from './protocol.ts'

/** In microseconds, as all here. */
const LEAST = 25
/** The most that an operation may cost; beyond that it is refused. */
const DEAREST = 4_000
const ENDED = 50
const STEP = 1

/** For each character that is copied, checked, or parsed. */
const COPIED = 0.005
const CHECKED = 0.02
const TAKEN_APART = 0.06

/** `sizeOf` returns the characters of a session's data and claims, or the most there may be. */
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
      if (operation.data === undefined && operation.claims === undefined) {
        return costOfEdits(operation.edits, size)
      }
      return (
        TAKEN_APART * (size + lengthOf(operation.data) + lengthOf(operation.claims)) +
        costOfEdits(operation.edits, 0)
      )
    case 'patch':
      return costOfSteps(operation.steps, size)
    case 'overwrite':
      return CHECKED * operation.data.length
    case 'replace':
      return CHECKED * (operation.data.length + lengthOf(operation.claims))
    case 'pop':
    case 'clear':
    case 'renew':
      return COPIED * size
  }
}

/** Each step may go through the whole document, with all that earlier steps have added. */
function costOfSteps(steps: readonly PatchStep[], size: number): number {
  let length = size
  for (const step of steps) if ('value' in step) length += step.value.length
  return steps.length * (STEP + TAKEN_APART * length)
}

/** They go through the session once together, and take apart what they enter. */
function costOfEdits(edits: readonly Edit[] = [], size: number): number {
  let length = 0
  let isDeep = false
  for (const edit of edits) {
    if ('value' in edit) length += edit.value.length
    if (edit.path.length > 1) isDeep = true
  }
  return edits.length * STEP + COPIED * length + (isDeep ? TAKEN_APART : CHECKED) * size
}

function lengthOf(text: JsonText | undefined): number {
  return text?.length ?? 0
}

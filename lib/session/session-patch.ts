/** A JSON Patch (RFC 6902) on `{"data":…,"claims":…,"permanent":…}`, what can change of a session. */
import { CoatcheckError } from '../base/errors.ts'
import { quoteStart } from '../base/quote.ts'
import { type JsonKind, type JsonText, kindOf, parseObject, renderObject } from '../json/json.ts'
import { applyJsonPatch, type PatchStep } from '../json/json-patch.ts'
import { renderPointer } from '../json/pointer.ts'
import type { Work } from '../json/work.ts'
import type { SessionLimits } from './limits.ts'
import type { Session } from './session.ts'

type Patched = { readonly data: JsonText; readonly claims: JsonText; readonly permanent: boolean }

const MEMBERS = ['data', 'claims', 'permanent']

/**
 * The members after all steps. Throws `claims_read_only` if a step could write claims and
 * `mayWriteClaims` is false, `invalid_patch` for other paths, and what `applyJsonPatch` throws.
 */
export function patchSession(
  session: Session,
  steps: readonly PatchStep[],
  mayWriteClaims: boolean,
  limits: SessionLimits,
  work: Work,
): Patched {
  if (!mayWriteClaims && steps.some(writesClaims)) throw claimsReadOnly()
  refuseOtherPaths(steps)
  const document = renderObject(
    new Map([
      ['data', session.data],
      ['claims', session.claims],
      ['permanent', String(session.permanent)],
    ]),
  )
  // Steps may pass through a document that is too large as long as they end in one that is not.
  const roomBytes = Buffer.byteLength(document) + 2 * limits.sessionLimitBytes
  const members = parseObject(applyJsonPatch(document, steps, roomBytes, work))
  const data = takeMember(members, 'data', 'object')
  const claims = takeMember(members, 'claims', 'object')
  const permanent = takeMember(members, 'permanent', 'boolean') === 'true'
  if (members.size > 0) {
    throw new CoatcheckError(
      'invalid_patch',
      'Cannot patch the session: a path starts with /data, /claims or /permanent, ' +
        'as in /data/user; the rest of a session cannot be patched',
    )
  }
  return { data, claims, permanent }
}

export function claimsReadOnly(): CoatcheckError {
  return new CoatcheckError(
    'claims_read_only',
    'Cannot write claims: only a back end may, with its API key; the holder of a session reads them',
  )
}

/** Whether the step could reach the claims: at them, below them, or as part of the whole session. */
function writesClaims(step: PatchStep): boolean {
  if (step.op === 'test') return false
  const written = step.op === 'move' ? [step.path, step.from] : [step.path]
  return written.some(([first]) => first === undefined || first === 'claims')
}

/** Before any step is applied: "does not exist" would be misleading for such a path. */
function refuseOtherPaths(steps: readonly PatchStep[]): void {
  for (const [index, step] of steps.entries()) {
    const paths = 'from' in step ? [step.from, step.path] : [step.path]
    const wrong = paths.find(([first]) => first !== undefined && !MEMBERS.includes(first))
    if (wrong === undefined) continue
    throw new CoatcheckError(
      'invalid_patch',
      `Cannot apply step ${index} of the patch: a path starts with /data, /claims or /permanent, ` +
        `as in /data/user, got ${quoteStart(renderPointer(wrong))}`,
    )
  }
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

/** JSON Patch (RFC 6902) on JSON text. Steps are counted from 0, as the patch itself would. */
import { CoatcheckError, type ErrorCode } from '../errors.ts'
import {
  addValue,
  type Draft,
  findValue,
  openDraft,
  removeValue,
  replaceValue,
  spend,
} from './draft.ts'
import { parsePointer, quotePointer, renderPointer } from './pointer.ts'
import { depthOf } from './scan.ts'
import { equalJson, type JsonText, kindOf, parseArray, parseObject } from './text.ts'

/** A path is a JSON pointer's tokens, decoded; the empty path is the whole document. */
export type PatchStep =
  | {
      readonly op: 'add' | 'replace' | 'test'
      readonly path: readonly string[]
      readonly value: JsonText
    }
  | { readonly op: 'remove'; readonly path: readonly string[] }
  | {
      readonly op: 'move' | 'copy'
      readonly from: readonly string[]
      readonly path: readonly string[]
    }

/** The steps as plain data. Throws `invalid_patch`. */
export function parseJsonPatch(text: JsonText): PatchStep[] {
  if (kindOf(text) !== 'array') {
    throw new CoatcheckError(
      'invalid_patch',
      'Cannot read the patch: expected an array of steps, ' +
        `as in [{"op":"remove","path":"/data/user"}], got ${describe(text)}`,
    )
  }
  return parseArray(text).map(parseStep)
}

/**
 * The document after all steps; a step that fails undoes the ones before it, for nothing is
 * changed in place. Throws `test_failed`, `session_too_large` where the document, after any step,
 * is larger than `maxBytes`, and `invalid_patch` for anything else. Levels that no path enters keep
 * their exact text.
 */
export function applyJsonPatch(
  document: JsonText,
  steps: readonly PatchStep[],
  maxBytes: number,
): JsonText {
  // Each level of a path reads the value it enters, so a short patch could ask for hours of work.
  const draft = openDraft(document, 256 * maxBytes)
  // Never less than the draft has; counted anew only when it says that there might be too much.
  let bytes = Buffer.byteLength(document)
  for (const [index, step] of steps.entries()) {
    const added = applyStep(draft, step, index)
    bytes += added
    if (added > 0 && bytes > maxBytes) {
      bytes = Buffer.byteLength(renderDraft(draft))
      if (bytes > maxBytes) {
        const reason = `the document would be larger than ${maxBytes} bytes`
        throw refusal(index, reason, 'session_too_large')
      }
    }
  }
  return renderDraft(draft)
}

function parseStep(text: JsonText, index: number): PatchStep {
  if (kindOf(text) !== 'object') {
    throw unreadable(index, `expected an object, got ${describe(text)}`)
  }
  const members = parseObject(text)
  const op = parseString(members, 'op', index)
  switch (op) {
    case 'add':
    case 'replace':
    case 'test': {
      const path = parsePath(members, 'path', index)
      const value = members.get('value')
      if (value === undefined) throw unreadable(index, `${op} needs "value", got none`)
      return { op, path, value: value.trim() }
    }
    case 'remove':
      return { op, path: parsePath(members, 'path', index) }
    case 'move':
    case 'copy':
      return {
        op,
        from: parsePath(members, 'from', index),
        path: parsePath(members, 'path', index),
      }
    default:
      throw unreadable(
        index,
        '"op" must be add, remove, replace, move, copy or test, got another string',
      )
  }
}

function parsePath(members: Map<string, JsonText>, name: string, index: number): string[] {
  const path = parsePointer(parseString(members, name, index))
  if ('fault' in path) throw unreadable(index, `"${name}" ${path.fault}`)
  return path
}

function parseString(members: Map<string, JsonText>, name: string, index: number): string {
  const value = members.get(name)
  if (value === undefined) throw unreadable(index, `"${name}" must be a string, got none`)
  const decoded: unknown = kindOf(value) === 'string' ? JSON.parse(value) : undefined
  if (typeof decoded !== 'string') {
    throw unreadable(index, `"${name}" must be a string, got ${describe(value)}`)
  }
  return decoded
}

/** Returns how many bytes the document has grown by at most. */
function applyStep(draft: Draft, step: PatchStep, index: number): number {
  switch (step.op) {
    case 'test':
      test(draft, step.path, step.value, index)
      return 0
    case 'remove':
      remove(draft, step.path, index)
      return 0
    case 'replace':
      if (!replaceValue(draft, step.path, step.value)) throw missing(step.path, index)
      return Buffer.byteLength(step.value)
    case 'add':
      return add(draft, step.path, step.value, index)
    case 'copy':
      return add(draft, step.path, read(draft, step.from, index), index)
    case 'move':
      return move(draft, step.from, step.path, index)
  }
}

function test(draft: Draft, path: readonly string[], expected: JsonText, index: number): void {
  const value = findValue(draft, path)
  if (value !== undefined) {
    // A comparison reads the value again for each level that both have.
    spend(draft, value.length * depthOf(expected))
    if (equalJson(value, expected)) return
  }
  throw refusal(index, `${quotePath(path)} does not have the value tested for`, 'test_failed')
}

function remove(draft: Draft, path: readonly string[], index: number): void {
  if (path.length === 0) throw refusal(index, 'the whole document cannot be removed')
  if (!removeValue(draft, path)) throw missing(path, index)
}

function add(draft: Draft, path: readonly string[], value: JsonText, index: number): number {
  if (!addValue(draft, path, value)) throw missing(path, index)
  // The quotes, the colon and the comma, and a key in which each character may be escaped.
  return Buffer.byteLength(value) + 6 * (path.at(-1)?.length ?? 0) + 4
}

function move(
  draft: Draft,
  from: readonly string[],
  path: readonly string[],
  index: number,
): number {
  const value = read(draft, from, index)
  if (from.every((token, level) => token === path[level])) {
    if (from.length === path.length) return 0
    throw refusal(index, `${quotePath(from)} cannot move into itself, to ${quotePath(path)}`)
  }
  remove(draft, from, index)
  return add(draft, path, value, index)
}

function read(draft: Draft, path: readonly string[], index: number): JsonText {
  const value = findValue(draft, path)
  if (value === undefined) throw missing(path, index)
  return value
}

function renderDraft(draft: Draft): JsonText {
  return findValue(draft, []) ?? ''
}

function unreadable(index: number, reason: string): CoatcheckError {
  return new CoatcheckError('invalid_patch', `Cannot read step ${index} of the patch: ${reason}`)
}

function missing(path: readonly string[], index: number): CoatcheckError {
  return refusal(index, `${quotePath(path)} does not exist`)
}

function refusal(index: number, reason: string, code: ErrorCode = 'invalid_patch'): CoatcheckError {
  return new CoatcheckError(code, `Cannot apply step ${index} of the patch: ${reason}`)
}

function quotePath(path: readonly string[]): string {
  return quotePointer(renderPointer(path))
}

function describe(text: JsonText): string {
  const kind = kindOf(text)
  if (kind === 'null') return 'null'
  return `${kind === 'object' || kind === 'array' ? 'an' : 'a'} ${kind}`
}

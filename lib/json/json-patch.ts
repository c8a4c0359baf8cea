/** JSON Patch (RFC 6902) on JSON text. Steps are counted from 0, as the patch itself would. */
import { CoatcheckError, type ErrorCode } from '../base/errors.ts'
import {
  addNode,
  copyNode,
  type Draft,
  findNode,
  openDraft,
  removeNode,
  replaceNode,
} from './draft.ts'
import { equalNodes } from './equal.ts'
import type { Node } from './level.ts'
import { parsePointer, quotePointer, renderPointer } from './pointer.ts'
import { decodeString, itemsOf, type JsonText, kindOf, parseObject } from './text.ts'
import { allowWork, spend, type Work } from './work.ts'

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

/** What to read a step, and a token of its paths, costs, in nanoseconds; and all of them together may. */
const STEP_COST = 500
const TOKEN_COST = 60
const READING_COST = 4_000_000

/** No step needs more; others than its own it may have. */
const MAX_STEP_MEMBERS = 32

/** The steps as plain data. Throws `invalid_patch`. */
export function parseJsonPatch(text: JsonText): PatchStep[] {
  if (kindOf(text) !== 'array') {
    throw new CoatcheckError(
      'invalid_patch',
      'Cannot read the patch: expected an array of steps, ' +
        `as in [{"op":"remove","path":"/data/user"}], got ${describe(text)}`,
    )
  }
  const work = allowWork(READING_COST)
  const steps: PatchStep[] = []
  for (const item of itemsOf(text)) {
    const step = parseStep(item, steps.length)
    work.left -=
      STEP_COST + TOKEN_COST * (step.path.length + ('from' in step ? step.from.length : 0))
    if (work.left < 0) {
      throw new CoatcheckError(
        'invalid_patch',
        'Cannot read the patch: it has more steps than one request may; send it in smaller parts',
      )
    }
    steps.push(step)
  }
  return steps
}

/**
 * The document after all steps; a step that fails undoes the ones before it, for nothing is
 * changed in place. Throws `test_failed`, `session_too_large` where the document, after any step,
 * is larger than `maxBytes`, and `invalid_patch` for anything else, such as more than `work`, which a
 * short patch could ask hours of. Levels that no path enters keep their exact text.
 */
export function applyJsonPatch(
  document: JsonText,
  steps: readonly PatchStep[],
  maxBytes: number,
  work: Work = allowWork(DEFAULT_WORK),
): JsonText {
  const draft = openDraft(document, work)
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

const DEFAULT_WORK = 5_000_000

function parseStep(text: JsonText, index: number): PatchStep {
  if (kindOf(text) !== 'object') {
    throw unreadable(index, `expected an object, got ${describe(text)}`)
  }
  const members = parseObject(text, MAX_STEP_MEMBERS)
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
  if (kindOf(value) !== 'string') {
    throw unreadable(index, `"${name}" must be a string, got ${describe(value)}`)
  }
  return decodeString(value.trim())
}

/** To take up a step, and to measure a text, a character of it. */
const APPLY_COST = 100
const MEASURE_COST = 0.3

/** Returns how many bytes the document has grown by at most. */
function applyStep(draft: Draft, step: PatchStep, index: number): number {
  spend(draft.work, APPLY_COST)
  switch (step.op) {
    case 'test':
      test(draft, step.path, step.value, index)
      return 0
    case 'remove':
      remove(draft, step.path, index)
      return 0
    case 'replace':
      if (!replaceNode(draft, step.path, step.value)) throw missing(step.path, index)
      return bytesOf(draft, step.value)
    case 'add':
      return add(draft, step.path, step.value, index) + bytesOf(draft, step.value)
    case 'copy': {
      const value = copyNode(draft, read(draft, step.from, index))
      return add(draft, step.path, value, index) + bytesOf(draft, value)
    }
    case 'move':
      return move(draft, step.from, step.path, index)
  }
}

function test(draft: Draft, path: readonly string[], expected: JsonText, index: number): void {
  const node = findNode(draft, path)
  if (node !== undefined && equalNodes(node, expected, draft.work)) return
  throw refusal(index, `${quotePath(path)} does not have the value tested for`, 'test_failed')
}

function remove(draft: Draft, path: readonly string[], index: number): void {
  if (path.length === 0) throw refusal(index, 'the whole document cannot be removed')
  if (!removeNode(draft, path)) throw missing(path, index)
}

/** Returns by how many bytes the document grows at most beside the value itself. */
function add(draft: Draft, path: readonly string[], node: Node, index: number): number {
  if (!addNode(draft, path, node)) throw missing(path, index)
  // The quotes, the colon and the comma, and a key in which each character may be escaped.
  return 6 * (path.at(-1)?.length ?? 0) + 4
}

/** The value is taken as it is: a large one is moved as quickly as a small one. */
function move(
  draft: Draft,
  from: readonly string[],
  path: readonly string[],
  index: number,
): number {
  const node = read(draft, from, index)
  if (from.every((token, level) => token === path[level])) {
    if (from.length === path.length) return 0
    throw refusal(index, `${quotePath(from)} cannot move into itself, to ${quotePath(path)}`)
  }
  remove(draft, from, index)
  return add(draft, path, isOpen(node) ? node : copyNode(draft, node), index)
}

function isOpen(node: Node): boolean {
  return node instanceof Map || Array.isArray(node)
}

function read(draft: Draft, path: readonly string[], index: number): Node {
  const node = findNode(draft, path)
  if (node === undefined) throw missing(path, index)
  return node
}

function bytesOf({ work }: Draft, text: JsonText): number {
  spend(work, text.length * MEASURE_COST)
  return Buffer.byteLength(text)
}

function renderDraft(draft: Draft): JsonText {
  return copyNode(draft, findNode(draft, []) ?? '')
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

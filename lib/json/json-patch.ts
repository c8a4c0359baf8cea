/** JSON Patch (RFC 6902) on JSON text. Messages count steps from 0, as JSON pointers do. */
import { CoatcheckError, type ErrorCode } from '../base/errors.ts'
import { quoteStart } from '../base/quote.ts'
import {
  addNode,
  copyNode,
  type JsonDocument,
  findNode,
  openDocument,
  removeNode,
  replaceNode,
} from './document.ts'
import { equalNodes } from './equal.ts'
import type { Node } from './level.ts'
import { parsePointer, renderPointer } from './pointer.ts'
import { decodeString, itemsOf, type JsonText, kindOf, parseObject } from './json.ts'
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

/** Nanoseconds for parsing a step and a token of its paths, and the budget for a whole patch. */
const STEP_COST = 500
const TOKEN_COST = 60
const READING_COST = 4_000_000

/** A step needs three members and may have others. */
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
 * Returns the document after all steps; if one fails, none has had an effect. Throws `test_failed`,
 * `session_too_large` if the document is larger than `maxBytes` after any step, and `invalid_patch`
 * for anything else, a patch that takes more than `work` included. Levels that no path enters keep
 * their exact text.
 */
export function applyJsonPatch(
  text: JsonText,
  steps: readonly PatchStep[],
  maxBytes: number,
  work: Work = allowWork(DEFAULT_WORK),
): JsonText {
  const document = openDocument(text, work)
  // An upper bound; the document is measured only when the bound is over the limit.
  let bytes = Buffer.byteLength(text)
  for (const [index, step] of steps.entries()) {
    const added = applyStep(document, step, index)
    bytes += added
    if (added > 0 && bytes > maxBytes) {
      bytes = Buffer.byteLength(renderDocument(document))
      if (bytes > maxBytes) {
        const reason = `the document would be larger than ${maxBytes} bytes`
        throw refusal(index, reason, 'session_too_large')
      }
    }
  }
  return renderDocument(document)
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

/** Starting a step, and measuring one character of a text. */
const APPLY_COST = 100
const MEASURE_COST = 0.3

/** Returns an upper bound of the bytes by which the document has grown. */
function applyStep(document: JsonDocument, step: PatchStep, index: number): number {
  spend(document.work, APPLY_COST)
  switch (step.op) {
    case 'test':
      test(document, step.path, step.value, index)
      return 0
    case 'remove':
      remove(document, step.path, index)
      return 0
    case 'replace':
      if (!replaceNode(document, step.path, step.value)) throw missing(step.path, index)
      return bytesOf(document, step.value)
    case 'add':
      return add(document, step.path, step.value, index) + bytesOf(document, step.value)
    case 'copy': {
      const value = copyNode(document, read(document, step.from, index))
      return add(document, step.path, value, index) + bytesOf(document, value)
    }
    case 'move':
      return move(document, step.from, step.path, index)
  }
}

function test(
  document: JsonDocument,
  path: readonly string[],
  expected: JsonText,
  index: number,
): void {
  const node = findNode(document, path)
  if (node !== undefined && equalNodes(node, expected, document.work)) return
  throw refusal(index, `${quotePath(path)} does not have the value tested for`, 'test_failed')
}

function remove(document: JsonDocument, path: readonly string[], index: number): void {
  if (path.length === 0) throw refusal(index, 'the whole document cannot be removed')
  if (!removeNode(document, path)) throw missing(path, index)
}

/** Returns an upper bound of the bytes by which the document grows, the value itself left out. */
function add(document: JsonDocument, path: readonly string[], node: Node, index: number): number {
  if (!addNode(document, path, node)) throw missing(path, index)
  // Quotes, colon and comma, and a key of which each character may be escaped.
  return 6 * (path.at(-1)?.length ?? 0) + 4
}

/** Moves the value without a copy, so a large one takes no longer than a small one. */
function move(
  document: JsonDocument,
  from: readonly string[],
  path: readonly string[],
  index: number,
): number {
  const node = read(document, from, index)
  if (from.every((token, level) => token === path[level])) {
    if (from.length === path.length) return 0
    throw refusal(index, `${quotePath(from)} cannot move into itself, to ${quotePath(path)}`)
  }
  remove(document, from, index)
  return add(document, path, isOpen(node) ? node : copyNode(document, node), index)
}

function isOpen(node: Node): boolean {
  return node instanceof Map || Array.isArray(node)
}

function read(document: JsonDocument, path: readonly string[], index: number): Node {
  const node = findNode(document, path)
  if (node === undefined) throw missing(path, index)
  return node
}

function bytesOf({ work }: JsonDocument, text: JsonText): number {
  spend(work, text.length * MEASURE_COST)
  return Buffer.byteLength(text)
}

function renderDocument(document: JsonDocument): JsonText {
  return copyNode(document, findNode(document, []) ?? '')
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
  return quoteStart(renderPointer(path))
}

function describe(text: JsonText): string {
  const kind = kindOf(text)
  if (kind === 'null') return 'null'
  return `${kind === 'object' || kind === 'array' ? 'an' : 'a'} ${kind}`
}

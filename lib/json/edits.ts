/**
 * Edits of a JSON object, by key and at any depth: what an application has done to an object that it
 * read before, sent as its difference. They fit whatever has become of the object since: what is
 * missing begins empty, and to remove what is not there is no fault.
 */
import { CoatcheckError } from '../base/errors.ts'
import { quoteStart } from '../base/quote.ts'
import {
  decodeString,
  itemsOf,
  type JsonKind,
  type JsonText,
  kindOf,
  parseObject,
  replaceMember,
} from './json.ts'
import { type Node, openLevel, renderNode } from './level.ts'
import { addNumbers } from './number.ts'
import { renderPointer } from './pointer.ts'
import { allowWork, spend, type Work } from './work.ts'

/** `path`: at least one key. `enter`: there is an object there, or an empty one begins. */
export type Edit =
  | {
      readonly op: 'set' | 'increment' | 'extend'
      readonly path: readonly string[]
      readonly value: JsonText
    }
  | { readonly op: 'remove' | 'enter'; readonly path: readonly string[] }

/** The members that ask for edits, as `parseEdits` reads them. */
export const EDIT_MEMBERS = ['set', 'remove', 'increment', 'extend', 'in'] as const

/** Nanoseconds for reading one edit and one key of its path; the budget, and what each character adds. */
const EDIT_COST = 300
const KEY_COST = 60
const READING_COST = 4_000_000
const CHARACTER_COST = 12
/** Going over a character of the object. */
const SCAN_COST = 3

/**
 * The edits that these members ask for:
 * `{"set":{"a":1},"remove":["b"],"increment":{"n":1},"extend":{"list":[1,2]},"in":{"c":{…}}}`, where
 * `in` has the same for the objects inside. Throws `invalid_argument` for anything else, and for a key
 * that is named twice.
 */
export function parseEdits(members: ReadonlyMap<string, JsonText>): readonly Edit[] {
  const edits: Edit[] = []
  let length = 0
  for (const text of members.values()) length += text.length
  readEdits(members, [], edits, allowWork(READING_COST + CHARACTER_COST * length))
  return edits
}

function readEdits(
  members: ReadonlyMap<string, Node>,
  path: readonly string[],
  edits: Edit[],
  work: Work,
): void {
  const keys = new Set<string>()
  const at = (key: string): readonly string[] => {
    spend(work, EDIT_COST + KEY_COST * path.length)
    if (keys.has(key)) throw invalid(`${show([...path, key])} is in it twice`)
    keys.add(key)
    return path.length === 0 ? [key] : [...path, key]
  }

  for (const [op, node] of members) {
    switch (op) {
      case 'set':
      case 'increment':
      case 'extend': {
        const operand = OPERANDS[op]
        for (const [key, value] of openObject(node, op, work)) {
          const text = renderNode(value, work).trim()
          if (operand !== undefined) requireKind(text, operand, op)
          edits.push({ op, path: at(key), value: text })
        }
        break
      }
      case 'remove':
        for (const key of keysIn(renderNode(node, work))) edits.push({ op, path: at(key) })
        break
      case 'in':
        for (const [key, inside] of openObject(node, op, work)) {
          const entered = at(key)
          edits.push({ op: 'enter', path: entered })
          readEdits(openObject(inside, op, work), entered, edits, work)
        }
        break
      default:
        throw invalid(`inside "in" there may be ${EDIT_MEMBERS.join(', ')}, got ${quoteStart(op)}`)
    }
  }
}

/** What each key must have as its operand. */
const OPERANDS = { set: undefined, increment: 'number', extend: 'array' } as const

function openObject(node: Node, name: string, work: Work): ReadonlyMap<string, Node> {
  const level = openLevel(node, work)
  if (level instanceof Map) return level
  throw invalid(`"${name}" must have an object of keys`)
}

/** One by one: each is counted before the next is read. */
function* keysIn(text: JsonText): Generator<string> {
  requireKind(text, 'array', 'remove')
  for (const item of itemsOf(text)) {
    requireKind(item, 'string', 'remove')
    yield decodeString(item.trim())
  }
}

function requireKind(text: JsonText, kind: JsonKind, name: keyof typeof OPERANDS | 'remove'): void {
  if (kindOf(text) !== kind) throw invalid(`${FORMS[name]}, got ${kindOf(text)}`)
}

const FORMS = {
  set: '',
  increment: '"increment" must have a number for each key, as in {"visits":1}',
  extend: '"extend" must have a list of items for each key, as in {"cart":["tea"]}',
  remove: '"remove" must be a list of keys, as in ["cart"]',
} as const

function invalid(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the changes: ${reason}`)
}

/** `members`: those of the object, by their keys; absent where no key is new. */
export type Edited = { readonly text: JsonText; readonly members?: ReadonlyMap<string, unknown> }

/**
 * The object after all edits; members that none of them names keep their exact text. Throws `wrong_type`
 * where a value is not what the edit needs (a number, a list, or an object to enter),
 * `number_too_large`, and `invalid_patch` if it takes more than `work`.
 */
export function applyEdits(text: JsonText, edits: readonly Edit[], work: Work): Edited {
  const replaced = replaceMembers(text, edits)
  if (replaced !== undefined) return { text: replaced }
  // Only what is entered is taken apart: the brackets of the rest need not be matched.
  spend(work, text.length * SCAN_COST)
  const root: Map<string, Node> = parseObject(text)
  for (const edit of edits) {
    let parent: Map<string, Node> = root
    for (let depth = 0; depth < edit.path.length - 1; depth++) {
      parent = enter(parent, edit.path, depth, work)
    }
    applyEdit(parent, edit, work)
  }
  return { text: renderNode(root, work), members: root }
}

/** More are sooner done by taking the object apart once. */
const FEW = 4

/** The same by the text alone, where there are few edits that set keys that are there; else undefined. */
function replaceMembers(text: JsonText, edits: readonly Edit[]): JsonText | undefined {
  if (edits.length > FEW) return undefined
  let edited: JsonText | undefined = text
  for (const edit of edits) {
    if (edit.op !== 'set' || edit.path.length > 1 || edited === undefined) return undefined
    edited = replaceMember(edited, edit.path[0] ?? '', edit.value)
  }
  return edited
}

function applyEdit(parent: Map<string, Node>, edit: Edit, work: Work): void {
  const last = edit.path.length - 1
  const key = edit.path[last] ?? ''
  spend(work, EDIT_COST)
  switch (edit.op) {
    case 'set':
      parent.set(key, edit.value)
      return
    case 'remove':
      parent.delete(key)
      return
    case 'enter':
      enter(parent, edit.path, last, work)
      return
    case 'increment': {
      const value = valueOf(parent, key, '0', work)
      if (kindOf(value) !== 'number') throw wrongType('increment', edit.path, 'number', value)
      parent.set(key, addNumbers(value, edit.value))
      return
    }
    case 'extend': {
      const value = valueOf(parent, key, '[]', work)
      if (kindOf(value) !== 'array') throw wrongType('extend', edit.path, 'array', value)
      parent.set(key, joinLists(value, edit.value))
    }
  }
}

/** The object under the key at this depth of the path, opened; an empty one where there is nothing. */
function enter(
  parent: Map<string, Node>,
  path: readonly string[],
  depth: number,
  work: Work,
): Map<string, Node> {
  spend(work, KEY_COST)
  const key = path[depth] ?? ''
  const child = parent.get(key)
  const level = child === undefined ? new Map<string, Node>() : openLevel(child, work)
  if (!(level instanceof Map)) {
    const given = child === undefined ? 'null' : renderNode(child, work)
    throw wrongType('change keys in', path.slice(0, depth + 1), 'object', given)
  }
  if (level !== child) parent.set(key, level)
  return level
}

function valueOf(parent: Map<string, Node>, key: string, empty: string, work: Work): JsonText {
  const node = parent.get(key)
  if (node === undefined) return empty
  const text = renderNode(node, work)
  spend(work, text.length)
  return text.trim()
}

/** Leaves the text of all items as it is. */
function joinLists(first: JsonText, second: JsonText): JsonText {
  const [left, right] = [first.slice(1, -1), second.slice(1, -1)]
  if (left.trim() === '') return second
  return right.trim() === '' ? first : `[${left},${right}]`
}

function wrongType(
  action: string,
  path: readonly string[],
  kind: JsonKind,
  given: JsonText,
): CoatcheckError {
  return new CoatcheckError(
    'wrong_type',
    `Cannot ${action} ${show(path)}: its value must be a JSON ${kind}, it is of type ${kindOf(given)}`,
  )
}

/** A key in quotes; one inside others as a JSON pointer. */
function show(path: readonly string[]): string {
  return quoteStart(path.length === 1 ? (path[0] ?? '') : renderPointer(path))
}

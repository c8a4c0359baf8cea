/**
 * JSON text parsed one level at a time. The brackets of a text are matched once, so finding the end of
 * a value does not scan its inside again; white space between values is scanned again by each level.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  endOfString,
  endOfValue,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
} from './scan.ts'
import { decodeKey, type JsonText } from './json.ts'
import { ITEM_COST, MEMBER_COST, PASS_COST, SPACE_COST, spend, type Work } from './work.ts'

/** A value: a text not scanned yet, a part of a scanned text, or a parsed level. */
export type Node = JsonText | Span | Level

export type Level = Map<string, Node> | Node[]

/** An array or object, with the space around it, within a text whose brackets are matched. */
export type Span = {
  readonly text: JsonText
  readonly start: number
  readonly end: number
  /** The index of the closing bracket, by the index of the opening one. */
  readonly closers: Int32Array
}

/** The level of an array or object, the same one if it is parsed already; undefined for a scalar. */
export function openLevel(node: Node, work: Work): Level | undefined {
  if (node instanceof Map || Array.isArray(node)) return node
  if (typeof node !== 'string') return readLevel(node, passSpace(node.text, node.start, work), work)
  const first = passSpace(node, 0, work)
  if (!isOpening(node.charCodeAt(first))) return undefined
  const span = { text: node, start: 0, end: node.length, closers: findClosers(node, work) }
  return readLevel(span, first, work)
}

/** Recurses no deeper than levels were parsed, so no deeper than the longest path. */
export function renderNode(node: Node, work: Work): JsonText {
  if (typeof node === 'string') return node
  if (Array.isArray(node)) {
    spend(work, node.length * PASS_COST)
    return `[${node.map((item) => renderNode(item, work)).join(',')}]`
  }
  if (!(node instanceof Map)) return node.text.slice(node.start, node.end)
  spend(work, node.size * 3 * PASS_COST)
  const members: string[] = []
  for (const [key, value] of node) {
    spend(work, key.length)
    members.push(`${JSON.stringify(key)}:${renderNode(value, work)}`)
  }
  return `{${members.join(',')}}`
}

function readLevel(within: Span, opening: number, work: Work): Level {
  return within.text.charCodeAt(opening) === OPEN_BRACE
    ? readMembers(within, opening, work)
    : readItems(within, opening, work)
}

function readMembers(within: Span, opening: number, work: Work): Map<string, Node> {
  const { text } = within
  const members = new Map<string, Node>()
  let at = passSpace(text, opening + 1, work)
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(text, at)
    const start = text.indexOf(':', keyEnd) + 1
    const first = passSpace(text, start, work)
    const end = endOf(within, first, work)
    spend(work, MEMBER_COST + start - at)
    members.set(decodeKey(text, at, keyEnd), nodeAt(within, start, first, end, work))
    at = passSpace(text, end + 1, work)
  }
  return members
}

function readItems(within: Span, opening: number, work: Work): Node[] {
  const { text } = within
  const items: Node[] = []
  let start = opening + 1
  let first = passSpace(text, start, work)
  if (text.charCodeAt(first) === CLOSE_BRACKET) return items
  while (start < text.length) {
    const end = endOf(within, first, work)
    spend(work, ITEM_COST)
    items.push(nodeAt(within, start, first, end, work))
    if (text.charCodeAt(end) === CLOSE_BRACKET) break
    start = end + 1
    first = passSpace(text, start, work)
  }
  return items
}

/** The index of the comma or bracket that ends the value whose first character is at `first`. */
function endOf({ text, closers }: Span, first: number, work: Work): number {
  return isOpening(text.charCodeAt(first))
    ? passSpace(text, (closers[first] ?? first) + 1, work)
    : endOfValue(text, first)
}

/** `start`: where the space before the value begins, which stays with it. */
function nodeAt(within: Span, start: number, first: number, end: number, work: Work): Node {
  const { text, closers } = within
  if (isOpening(text.charCodeAt(first))) return { text, start, end, closers }
  spend(work, end - start)
  return text.slice(start, end)
}

/** The index of the next significant character. */
function passSpace(text: string, start: number, work: Work): number {
  const at = skipSpace(text, start)
  if (at > start) spend(work, (at - start) * SPACE_COST)
  return at
}

function findClosers(text: JsonText, work: Work): Int32Array {
  spend(work, 500 + 10 * text.length)
  const closers = new Int32Array(text.length)
  const open: number[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      // Not `endOfString`: a call for each of many short strings would take longer.
      for (at++; at < text.length && text.charCodeAt(at) !== QUOTE; at++) {
        if (text.charCodeAt(at) === BACKSLASH) at++
      }
    } else if (isOpening(code)) {
      open.push(at)
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      const opening = open.pop()
      if (opening !== undefined) closers[opening] = at
    }
  }
  return closers
}

function isOpening(code: number): boolean {
  return code === OPEN_BRACE || code === OPEN_BRACKET
}

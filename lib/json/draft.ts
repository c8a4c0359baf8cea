/**
 * A JSON document under edit. A level becomes a map or an array once a path enters it; everything
 * else stays the text it was.
 */
import { CoatcheckError } from '../errors.ts'
import {
  type JsonText,
  kindOf,
  parseArray,
  parseObject,
  renderArray,
  renderObject,
} from './text.ts'

export type Draft = {
  /** The document is the one member "", so that the root has a parent as every value has. */
  readonly holder: Map<string, Node>
  workLeftChars: number
}

type Node = JsonText | Level
type Level = Map<string, Node> | Node[]

/** All work on the draft together may read and render no more than `maxWorkChars`. */
export function openDraft(document: JsonText, maxWorkChars: number): Draft {
  return { holder: new Map([['', document]]), workLeftChars: maxWorkChars }
}

/** The text of the value at `path`; `undefined` where the path does not exist. */
export function findValue(draft: Draft, path: readonly string[]): JsonText | undefined {
  const { parent, token } = openParent(draft, path)
  const node = parent === undefined ? undefined : childOf(parent, token)
  if (node === undefined) return undefined
  const text = renderNode(node)
  spend(draft, text.length)
  return text.trim()
}

/**
 * Sets a member, or inserts an item before the index or, at `-`, after the last one. `false` where
 * the path has no such place.
 */
export function addValue(draft: Draft, path: readonly string[], value: JsonText): boolean {
  const { parent, token } = openParent(draft, path)
  if (parent === undefined) return false
  if (parent instanceof Map) {
    parent.set(token, value)
    return true
  }
  const index = token === '-' ? parent.length : indexIn(token, parent.length + 1)
  if (index === undefined) return false
  parent.splice(index, 0, value)
  return true
}

/** `false` where the path does not exist. */
export function replaceValue(draft: Draft, path: readonly string[], value: JsonText): boolean {
  const { parent, token } = openParent(draft, path)
  if (parent === undefined || childOf(parent, token) === undefined) return false
  setChild(parent, token, value)
  return true
}

/** `false` where the path does not exist. */
export function removeValue(draft: Draft, path: readonly string[]): boolean {
  const { parent, token } = openParent(draft, path)
  if (parent === undefined) return false
  if (parent instanceof Map) return parent.delete(token)
  const index = indexIn(token, parent.length)
  if (index === undefined) return false
  parent.splice(index, 1)
  return true
}

/** Charges the draft for work; throws `invalid_patch` once it has had too much. */
export function spend(draft: Draft, chars: number): void {
  draft.workLeftChars -= chars
  if (draft.workLeftChars < 0) {
    throw new CoatcheckError(
      'invalid_patch',
      'Cannot apply the patch: it goes through large values too often; send it in smaller parts',
    )
  }
}

/** The level that holds the last token, with every level above it opened. */
function openParent(
  draft: Draft,
  path: readonly string[],
): { parent: Level | undefined; token: string } {
  let parent: Level | undefined = draft.holder
  let token = ''
  for (const next of path) {
    const child = openChild(draft, parent, token)
    if (child === undefined) return { parent: undefined, token }
    parent = child
    token = next
  }
  return { parent, token }
}

function openChild(draft: Draft, parent: Level, token: string): Level | undefined {
  const child = childOf(parent, token)
  if (typeof child !== 'string') return child
  const kind = kindOf(child)
  if (kind !== 'object' && kind !== 'array') return undefined
  spend(draft, child.length)
  const level: Level = kind === 'object' ? parseObject(child) : parseArray(child)
  setChild(parent, token, level)
  return level
}

function childOf(level: Level, token: string): Node | undefined {
  if (level instanceof Map) return level.get(token)
  const index = indexIn(token, level.length)
  return index === undefined ? undefined : level[index]
}

/** `token` must name a child that is there. */
function setChild(level: Level, token: string, node: Node): void {
  if (level instanceof Map) level.set(token, node)
  else level[Number(token)] = node
}

function indexIn(token: string, length: number): number | undefined {
  if (!/^(?:0|[1-9]\d*)$/.test(token)) return undefined
  const index = Number(token)
  return index < length ? index : undefined
}

/** Recurses as deep as levels were opened, which is no deeper than the longest path. */
function renderNode(node: Node): JsonText {
  if (typeof node === 'string') return node
  if (!(node instanceof Map)) return renderArray(node.map(renderNode))
  const members = new Map<string, JsonText>()
  for (const [key, child] of node) members.set(key, renderNode(child))
  return renderObject(members)
}

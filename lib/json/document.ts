/**
 * A JSON document that is edited by paths. A level is parsed into a map or an array once a path
 * enters it; everything else stays text.
 */
import { type Level, type Node, openLevel, renderNode } from './level.ts'
import type { JsonText } from './json.ts'
import { spend, type Work } from './work.ts'

export type JsonDocument = {
  /** Its one member "" is the document, so the document has a parent as every value in it has. */
  readonly root: Map<string, Node>
  /** The budget for all edits of the document. */
  readonly work: Work
}

/** Going down by one token of a path. */
const TOKEN_COST = 60
/** Moving one item when another is inserted or removed before it. */
const SHIFT_COST = 0.4

export function openDocument(text: JsonText, work: Work): JsonDocument {
  return { root: new Map([['', text]]), work }
}

/** Returns `undefined` if the path does not exist. */
export function findNode(document: JsonDocument, path: readonly string[]): Node | undefined {
  const { parent, token } = openParent(document, path)
  return parent === undefined ? undefined : childOf(parent, token)
}

/** A copy of a value as text, without the space around it. */
export function copyNode({ work }: JsonDocument, node: Node): JsonText {
  const text = renderNode(node, work)
  spend(work, text.length)
  return text.trim()
}

/**
 * Sets a member, or inserts an item before the index or, at `-`, after the last one. Returns `false`
 * if the path has no such place.
 */
export function addNode(document: JsonDocument, path: readonly string[], node: Node): boolean {
  const { parent, token } = openParent(document, path)
  if (parent === undefined) return false
  if (parent instanceof Map) {
    parent.set(token, node)
    return true
  }
  const index = token === '-' ? parent.length : indexIn(token, parent.length + 1)
  if (index === undefined) return false
  spend(document.work, (parent.length - index) * SHIFT_COST)
  parent.splice(index, 0, node)
  return true
}

/** Returns `false` if the path does not exist. */
export function replaceNode(document: JsonDocument, path: readonly string[], node: Node): boolean {
  const { parent, token } = openParent(document, path)
  if (parent === undefined || childOf(parent, token) === undefined) return false
  setChild(parent, token, node)
  return true
}

/** Returns `false` if the path does not exist. */
export function removeNode(document: JsonDocument, path: readonly string[]): boolean {
  const { parent, token } = openParent(document, path)
  if (parent === undefined) return false
  if (parent instanceof Map) return parent.delete(token)
  const index = indexIn(token, parent.length)
  if (index === undefined) return false
  spend(document.work, (parent.length - index) * SHIFT_COST)
  parent.splice(index, 1)
  return true
}

/** Opens every level above the last token; returns that token and the level that holds it. */
function openParent(
  document: JsonDocument,
  path: readonly string[],
): { parent: Level | undefined; token: string } {
  let parent: Level | undefined = document.root
  let token = ''
  for (const next of path) {
    spend(document.work, TOKEN_COST)
    const child = openChild(document, parent, token)
    if (child === undefined) return { parent: undefined, token }
    parent = child
    token = next
  }
  return { parent, token }
}

function openChild({ work }: JsonDocument, parent: Level, token: string): Level | undefined {
  const child = childOf(parent, token)
  if (child === undefined || child instanceof Map || Array.isArray(child)) return child
  const level = openLevel(child, work)
  if (level !== undefined) setChild(parent, token, level)
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

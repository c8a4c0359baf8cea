/**
 * A JSON document under edit. A level becomes a map or an array once a path enters it; everything
 * else stays the text it was.
 */
import { type Level, type Node, openLevel, renderNode } from './level.ts'
import type { JsonText } from './text.ts'
import { spend, type Work } from './work.ts'

export type Draft = {
  /** The document is the one member "", so that the root has a parent as every value has. */
  readonly holder: Map<string, Node>
  /** What all that is done to the draft may cost. */
  readonly work: Work
}

/** To go down by one token of a path. */
const TOKEN_COST = 60
/** To make room for an item, or to close the gap that it leaves, each one behind it is moved. */
const SHIFT_COST = 0.4

export function openDraft(document: JsonText, work: Work): Draft {
  return { holder: new Map([['', document]]), work }
}

/** The value at `path`; `undefined` where the path does not exist. */
export function findNode(draft: Draft, path: readonly string[]): Node | undefined {
  const { parent, token } = openParent(draft, path)
  return parent === undefined ? undefined : childOf(parent, token)
}

/** A value for another place: without the space around it, and apart from the one it is a copy of. */
export function copyNode({ work }: Draft, node: Node): JsonText {
  const text = renderNode(node, work)
  spend(work, text.length)
  return text.trim()
}

/**
 * Sets a member, or inserts an item before the index or, at `-`, after the last one. `false` where
 * the path has no such place.
 */
export function addNode(draft: Draft, path: readonly string[], node: Node): boolean {
  const { parent, token } = openParent(draft, path)
  if (parent === undefined) return false
  if (parent instanceof Map) {
    parent.set(token, node)
    return true
  }
  const index = token === '-' ? parent.length : indexIn(token, parent.length + 1)
  if (index === undefined) return false
  spend(draft.work, (parent.length - index) * SHIFT_COST)
  parent.splice(index, 0, node)
  return true
}

/** `false` where the path does not exist. */
export function replaceNode(draft: Draft, path: readonly string[], node: Node): boolean {
  const { parent, token } = openParent(draft, path)
  if (parent === undefined || childOf(parent, token) === undefined) return false
  setChild(parent, token, node)
  return true
}

/** `false` where the path does not exist. */
export function removeNode(draft: Draft, path: readonly string[]): boolean {
  const { parent, token } = openParent(draft, path)
  if (parent === undefined) return false
  if (parent instanceof Map) return parent.delete(token)
  const index = indexIn(token, parent.length)
  if (index === undefined) return false
  spend(draft.work, (parent.length - index) * SHIFT_COST)
  parent.splice(index, 1)
  return true
}

/** The level that holds the last token, with every level above it opened. */
function openParent(
  draft: Draft,
  path: readonly string[],
): { parent: Level | undefined; token: string } {
  let parent: Level | undefined = draft.holder
  let token = ''
  for (const next of path) {
    spend(draft.work, TOKEN_COST)
    const child = openChild(draft, parent, token)
    if (child === undefined) return { parent: undefined, token }
    parent = child
    token = next
  }
  return { parent, token }
}

function openChild({ work }: Draft, parent: Level, token: string): Level | undefined {
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

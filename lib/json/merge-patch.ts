import { type Level, type Node, openLevel, renderNode } from './level.ts'
import { type JsonText, kindOf } from './json.ts'
import { allowWork, PASS_COST, spend, type Work } from './work.ts'

/**
 * `target` after `patch` (RFC 7396): members merge, `null` removes, anything but an object replaces.
 * An absent target counts as an empty object. Members that the patch does not name keep their exact
 * text. Throws `invalid_patch` if it takes more than `work`.
 */
export function mergePatch(
  target: JsonText | undefined,
  patch: JsonText,
  work: Work = allowWork(Infinity),
): JsonText {
  return renderNode(merge(target, patch, work), work)
}

function merge(target: Node | undefined, patch: Node, work: Work): Node {
  const changes = openObject(patch, work)
  if (changes === undefined) return typeof patch === 'string' ? patch.trim() : trimmed(patch, work)
  const members =
    (target === undefined ? undefined : openObject(target, work)) ?? new Map<string, Node>()
  for (const [key, value] of changes) {
    spend(work, PASS_COST)
    if (isNull(value)) members.delete(key)
    else members.set(key, merge(members.get(key), value, work))
  }
  return members
}

function trimmed(node: Node, work: Work): JsonText {
  return renderNode(node, work).trim()
}

function openObject(node: Node, work: Work): Map<string, Node> | undefined {
  if (typeof node === 'string' && kindOf(node) !== 'object') return undefined
  const level: Level | undefined = openLevel(node, work)
  return level instanceof Map ? level : undefined
}

function isNull(node: Node): boolean {
  return typeof node === 'string' && kindOf(node) === 'null'
}

import { type JsonText, kindOf, parseObject, renderObject } from './text.ts'

/**
 * `target` after `patch`, as in RFC 7396: members merge, `null` removes, anything but an object
 * replaces. An absent target is as good as an empty one. Members that the patch does not name keep
 * their exact text.
 */
export function mergePatch(target: JsonText | undefined, patch: JsonText): JsonText {
  if (kindOf(patch) !== 'object') return patch.trim()
  const members =
    target !== undefined && kindOf(target) === 'object'
      ? parseObject(target)
      : new Map<string, JsonText>()
  for (const [key, value] of parseObject(patch)) {
    if (kindOf(value) === 'null') members.delete(key)
    else members.set(key, mergePatch(members.get(key), value))
  }
  return renderObject(members)
}

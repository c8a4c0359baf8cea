/**
 * What has changed between two states of an object, as edits that the server makes in one step
 * (`PATCH /sessions/ID`); and, where somebody else has written meanwhile, the two changes merged.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

/** Edits by key; each key is in one of them. A missing key begins empty for `extend` and `in`. */
export type Edits = {
  readonly set?: JsonObject
  readonly remove?: readonly string[]
  readonly extend?: { readonly [key: string]: readonly Json[] }
  readonly in?: { readonly [key: string]: Edits }
}

/** Edits while they are found. */
type Editing = {
  set?: { [key: string]: Json }
  remove?: string[]
  extend?: { [key: string]: readonly Json[] }
  in?: { [key: string]: Edits }
}

export type Difference = {
  readonly edits: Edits
  /** Some edit replaces a list that somebody else may have added to: only if nobody has written. */
  readonly needsVersion: boolean
}

/** Undefined where both are equal. */
export function findDifference(before: JsonObject, after: JsonObject): Difference | undefined {
  const edits: Editing = {}
  let needsVersion = false
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) (edits.remove ??= []).push(key)
  }
  for (const key of Object.keys(after)) {
    const value = after[key] as Json
    const old = own(before, key)
    if (old !== undefined && areEqual(old, value)) continue
    if (Array.isArray(value) && (old === undefined || Array.isArray(old))) {
      if (startsWith(value, old ?? [])) {
        ;(edits.extend ??= bag())[key] = value.slice(old?.length ?? 0)
      } else {
        ;(edits.set ??= bag())[key] = value
        needsVersion = true
      }
    } else if (isObject(value) && (old === undefined || isObject(old))) {
      const deeper = findDifference(old ?? {}, value)
      // A new object that is empty is begun so.
      ;(edits.in ??= bag())[key] = deeper?.edits ?? {}
      needsVersion ||= deeper?.needsVersion ?? false
    } else {
      ;(edits.set ??= bag())[key] = value
    }
  }
  return isEmpty(edits) ? undefined : { edits, needsVersion }
}

/**
 * What `mine` did to `base`, done to `theirs`. Where both changed the same value mine counts; of two lists
 * that both have grown, all items are kept.
 */
export function mergeChanges(base: JsonObject, mine: JsonObject, theirs: JsonObject): JsonObject {
  const merged = bag<Json>()
  for (const [key, value] of Object.entries(theirs)) merged[key] = value
  for (const key of Object.keys(base)) if (!Object.hasOwn(mine, key)) delete merged[key]
  for (const [key, value] of Object.entries(mine)) {
    const old = own(base, key)
    if (old !== undefined && areEqual(old, value)) continue
    merged[key] = mergeValues(old, value, own(theirs, key))
  }
  return merged
}

function mergeValues(old: Json | undefined, mine: Json, theirs: Json | undefined): Json {
  if (theirs === undefined) return mine
  if (isObject(mine) && isObject(theirs)) {
    return mergeChanges(old !== undefined && isObject(old) ? old : {}, mine, theirs)
  }
  if (Array.isArray(mine) && Array.isArray(theirs)) {
    const before = Array.isArray(old) ? old : []
    if (startsWith(mine, before)) return [...theirs, ...mine.slice(before.length)]
    if (startsWith(theirs, before)) return [...mine, ...theirs.slice(before.length)]
  }
  return mine
}

/** Whether two values are the same JSON; the order of members does not count. */
export function areEqual(a: Json, b: Json): boolean {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && startsWith(a, b)
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => {
      const other = own(b, key)
      return other !== undefined && areEqual(a[key] as Json, other)
    })
  )
}

function startsWith(list: readonly Json[], start: readonly Json[]): boolean {
  return (
    list.length >= start.length &&
    start.every((item, index) => {
      const other = list[index]
      return other !== undefined && areEqual(other, item)
    })
  )
}

/** Without a prototype, so that "__proto__" is a key like any other. */
function bag<Value>(): { [key: string]: Value } {
  return Object.create(null) as { [key: string]: Value }
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0
}

/** The data of a session as a plain map of JavaScript's values: what operations on it must do. */
import type { Edit } from '../../../lib/json/edits.ts'
import type { Operation } from '../../../lib/session/operations.ts'

/** The values as JSON text, their numbers small integers: others have tests of their own. */
export type DataModel = ReadonlyMap<string, string>

/** What the model knows of: all that changes nothing but data. */
export type DataOperation = Extract<
  Operation,
  { name: 'set' | 'pop' | 'increment' | 'append' | 'merge' | 'clear' | 'update' }
>

/** `value`: what is answered, where the operation answers a value; `refused`: the code of the refusal. */
export type Expected = {
  readonly model: DataModel
  readonly value?: string
  readonly refused?: string
}

export function applyToModel(model: DataModel, operation: DataOperation): Expected {
  if (operation.name === 'clear') return { model: new Map() }
  if (operation.name === 'update' && operation.edits !== undefined) {
    return applyEdits(model, operation.edits)
  }
  if (operation.name === 'update') {
    const merged = merge(JSON.parse(renderModel(model)), JSON.parse(operation.data ?? '{}'))
    const members = Object.entries(merged as object)
    return { model: new Map(members.map(([key, value]) => [key, JSON.stringify(value)])) }
  }

  const { key } = operation
  const text = model.get(key)
  const before: unknown = text === undefined ? undefined : JSON.parse(text)
  const put = (value: unknown): Expected => {
    const after = JSON.stringify(value)
    return { model: new Map([...model, [key, after]]), value: after }
  }
  switch (operation.name) {
    case 'set':
      return { model: put(JSON.parse(operation.value)).model }
    case 'pop':
      if (text === undefined) return { model, refused: 'key_not_found' }
      return { model: new Map([...model].filter(([other]) => other !== key)), value: text }
    case 'increment':
      if (typeof (before ?? 0) !== 'number' || text === 'null') {
        return { model, refused: 'wrong_type' }
      }
      return put(Number(before ?? 0) + Number(operation.by))
    case 'append':
      if (text !== undefined && !Array.isArray(before)) return { model, refused: 'wrong_type' }
      return put([...(Array.isArray(before) ? before : []), JSON.parse(operation.item)])
    case 'merge':
      return put(merge(before, JSON.parse(operation.patch)))
  }
}

/** Edits of keys, and of keys in an object under one. */
function applyEdits(model: DataModel, edits: readonly Edit[]): Expected {
  const data: Map<string, unknown> = new Map()
  for (const [key, text] of model) data.set(key, JSON.parse(text))
  for (const edit of edits) {
    const [first = '', second] = edit.path
    const inside = data.get(first) ?? (data.has(first) ? null : {})
    if (second !== undefined && !isObject(inside)) return { model, refused: 'wrong_type' }
    const level = second === undefined ? data : new Map(Object.entries(inside as object))
    const refused = applyEdit(level, second ?? first, edit)
    if (refused) return { model, refused: 'wrong_type' }
    if (second !== undefined) data.set(first, Object.fromEntries(level))
  }
  return { model: new Map([...data].map(([key, value]) => [key, JSON.stringify(value)])) }
}

/** Whether the value is not what the edit needs. */
function applyEdit(level: Map<string, unknown>, key: string, edit: Edit): boolean {
  if (edit.op === 'remove') return (level.delete(key), false)
  if (edit.op === 'set') return (level.set(key, JSON.parse(edit.value)), false)
  const empty = { increment: 0, extend: [], enter: {} }[edit.op]
  const before = level.has(key) ? level.get(key) : empty
  if (!('value' in edit)) {
    level.set(key, before)
    return !isObject(before)
  }
  const operand: unknown = JSON.parse(edit.value)
  if (edit.op === 'extend') {
    if (!Array.isArray(before)) return true
    level.set(key, [...before, ...(operand as unknown[])])
    return false
  }
  if (typeof before !== 'number') return true
  level.set(key, before + Number(operand))
  return false
}

export function renderModel(model: DataModel): string {
  return `{${[...model].map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`
}

/** One text for all texts of one value. */
export function canonical(text: string): string {
  return JSON.stringify(sorted(JSON.parse(text)))
}

/** RFC 7396, section 2, as its pseudocode has it. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const members = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key)
    else members.set(key, merge(members.get(key), value))
  }
  return Object.fromEntries(members)
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  const members = Object.entries(value).map(([key, member]) => [key, sorted(member)] as const)
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)))
}

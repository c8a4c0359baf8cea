/** What is typed into the fields of an operation, read by their kinds. */
import type { Field, FieldKind, Given, Operation } from './operations.ts'
import { jsonOfPython } from './python.ts'

/** What is wrong with a field, as a word of the dictionaries. */
export type FieldFault = `fault.${'empty' | 'dots' | 'value' | 'dict' | 'number' | 'integer'}`

type Reading = { readonly text: string } | { readonly fault: FieldFault }

const READERS: Readonly<Record<FieldKind, (typed: string) => Reading>> = {
  name: readName,
  text: (typed) => ({ text: typed.toWellFormed() }),
  choice: (typed) => ({ text: typed }),
  value: (typed) => textOr(jsonOfPython(typed), 'fault.value'),
  dict: (typed) => textOr(jsonThatStarts('{', typed), 'fault.dict'),
  number: (typed) => textOr(jsonThatStarts(/^[-\d]/, typed), 'fault.number'),
  integer: readInteger,
  optionalInteger: (typed) => (typed.trim() === '' ? { text: '' } : readInteger(typed)),
}

export type Filled =
  { readonly given: Given } | { readonly faults: ReadonlyMap<string, FieldFault> }

/** `typedIn` says what stands in a field. */
export function readFields({ fields }: Pick<Operation, 'fields'>, typedIn: Given): Filled {
  const texts = new Map<string, string>()
  const faults = new Map<string, FieldFault>()
  for (const [name, { kind }] of Object.entries(fields)) {
    const reading = READERS[kind](typedIn(name))
    if ('fault' in reading) faults.set(name, reading.fault)
    else texts.set(name, reading.text)
  }
  return faults.size > 0 ? { faults } : { given: (name) => texts.get(name) ?? '' }
}

/** As the page is before somebody types. */
export function readInitial(operation: Pick<Operation, 'fields'>): Given {
  const filled = readFields(operation, (name) => operation.fields[name]?.initial ?? '')
  if ('faults' in filled) throw new Error('An initial value must be one of its field')
  return filled.given
}

/** A field's width in characters. */
export function widthOf({ choices, initial }: Field, typed = initial): number {
  return Math.max(2, ...(choices ?? [typed]).map((one) => one.length))
}

function readName(typed: string): Reading {
  if (typed === '') return { fault: 'fault.empty' }
  // To a browser these are steps in a path, percent-encoded or not.
  return /^\.\.?$/.test(typed) ? { fault: 'fault.dots' } : { text: typed }
}

/** Of at most nine digits: more is for ever. */
function readInteger(typed: string): Reading {
  const text = typed.trim()
  return /^-?\d{1,9}$/.test(text) ? { text: String(Number(text)) } : { fault: 'fault.integer' }
}

function textOr(text: string | undefined, fault: FieldFault): Reading {
  return text === undefined ? { fault } : { text }
}

function jsonThatStarts(start: string | RegExp, typed: string): string | undefined {
  const json = jsonOfPython(typed)
  const isOne = typeof start === 'string' ? json?.startsWith(start) : json?.match(start) !== null
  return isOne ? json : undefined
}

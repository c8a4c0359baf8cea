/** Operations at random, held against a plain model on JavaScript's values. */
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findMember } from '../lib/json/text.ts'
import { type Applied, applyOperation, type Operation } from '../lib/session/operations.ts'
import { codeOf } from './support/code-of.ts'
import { RULES } from './support/memory-store.ts'
import { sessionAt } from './support/store-contract.ts'

const test = suite('operations against a model')

test('a sequence of operations does what a plain model does', () => {
  const reached = new Set<string>()
  fc.assert(
    fc.property(fc.array(operations(), { maxLength: 30 }), (sequence) => {
      let session = sessionAt(0)
      let model: Model = new Map()
      for (const operation of sequence) {
        const expected = applyToModel(model, operation)
        const actual = attempt(() => applyOperation(session, operation, RULES))
        reached.add(`${operation.name} ${expected.refused ?? 'done'}`)
        if (typeof actual === 'string') {
          assert.is(actual, expected.refused)
        } else {
          assert.is(expected.refused, undefined)
          assert.is(actual.session.version, session.version + 1)
          assert.is(canonical(actual.value), canonical(expected.value))
          session = actual.session
          model = expected.model
        }
        assert.is(canonical(session.data), canonical(renderModel(model)))
      }
    }),
    { numRuns: 500 },
  )
  for (const name of ['pop', 'increment', 'append']) {
    assert.ok(reached.has(`${name} done`))
    assert.ok(reached.has(`${name} ${name === 'pop' ? 'key_not_found' : 'wrong_type'}`))
  }
})

test("no operation changes another key's text", () => {
  // None of these texts comes through JSON.parse and JSON.stringify as it is.
  const texts = new Map([
    ['user', ' "\\u0061\\/" '],
    ['hits', '12345678901234567890'],
    ['list', '[1.0 , 1e400]'],
    ['__proto__', '{"b":1,"a":2,"b":-0}'],
    ['constructor', '1E+2'],
    ['a/b', '"\\ud800"'],
  ])
  const members = [...texts].map(([key, text]) => `${JSON.stringify(key)}:${text}`)
  const session = sessionAt(0, { data: `{${members.join(',')}}` })
  fc.assert(
    fc.property(operations(), (operation) => {
      fc.pre(operation.name !== 'clear')
      const changed = attempt(() => applyOperation(session, operation, RULES))
      fc.pre(typeof changed !== 'string')
      for (const [key, text] of texts) {
        if (!names(operation, key)) assert.is(findMember(changed.session.data, key), text)
      }
    }),
    { numRuns: 1_000 },
  )
})

/** The values as JSON text, their numbers small integers: others have tests of their own. */
type Model = ReadonlyMap<string, string>
type Expected = { readonly model: Model; readonly value?: string; readonly refused?: string }

function operations(): fc.Arbitrary<Operation> {
  const key = fc.constantFrom('user', 'hits', 'list', '__proto__', 'constructor', 'a/b', '😀', ' ')
  const number = fc.integer({ min: -1_000, max: 1_000 })
  const leaves = [number, fc.string({ unit: 'binary' }), fc.boolean(), fc.constant(null)]
  const value = fc
    .oneof(number, fc.constantFrom([], {}), fc.anything({ values: leaves, key, maxDepth: 2 }))
    .map((json) => JSON.stringify(json))
  const object = fc
    .dictionary(key, value, { maxKeys: 4 })
    .map((members) => renderModel(new Map(Object.entries(members))))
  const named = <Name extends string>(name: Name) => ({ name: fc.constant(name), key })
  return fc.oneof(
    fc.record({ ...named('set'), value }),
    fc.record(named('pop')),
    fc.record({ ...named('increment'), by: number.map(String) }),
    fc.record({ ...named('append'), item: value }),
    fc.record({ ...named('merge'), patch: fc.oneof(value, object) }),
    fc.record({ name: fc.constant('update' as const), data: object }),
    fc.record({ name: fc.constant('clear' as const) }),
  )
}

function applyToModel(model: Model, operation: Operation): Expected {
  if (operation.name === 'clear') return { model: new Map() }
  if (operation.name === 'update') {
    const merged = merge(JSON.parse(renderModel(model)), JSON.parse(operation.data ?? '{}'))
    const members = Object.entries(merged as object)
    return { model: new Map(members.map(([key, value]) => [key, JSON.stringify(value)])) }
  }
  if (!('key' in operation)) throw new Error(`The model does not know ${operation.name}`)

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

function renderModel(model: Model): string {
  return `{${[...model].map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`
}

/** One text for all texts of one value. */
function canonical(text: string | undefined): string | undefined {
  return text === undefined ? undefined : JSON.stringify(sorted(JSON.parse(text)))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  const members = Object.entries(value).map(([key, member]) => [key, sorted(member)] as const)
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function names(operation: Operation, key: string): boolean {
  if ('key' in operation) return operation.key === key
  return operation.name === 'update' && findMember(operation.data ?? '{}', key) !== undefined
}

/** What was answered, or the code of the refusal. */
function attempt(run: () => Applied): Applied | string {
  try {
    return run()
  } catch (error) {
    return codeOf(error)
  }
}

test.run()

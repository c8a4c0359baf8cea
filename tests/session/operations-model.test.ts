/** Operations at random, held against a plain model on JavaScript's values. */
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Edit } from '../../lib/json/edits.ts'
import { findMember, parseObject, renderObject } from '../../lib/json/json.ts'
import { type Applied, applyOperation } from '../../lib/session/operations.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { LIMITS } from '../kit/store/limits.ts'
import {
  applyToModel,
  canonical,
  type DataModel,
  type DataOperation,
  renderModel,
} from '../kit/store/session-data-model.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('operations against a model')

test('a sequence of operations does what a plain model does', () => {
  const reached = new Set<string>()
  fc.assert(
    fc.property(fc.array(operations(), { maxLength: 30 }), (sequence) => {
      let session = sessionAt(0)
      let model: DataModel = new Map()
      for (const operation of sequence) {
        const expected = applyToModel(model, operation)
        const actual = attempt(() => applyOperation(session, operation, LIMITS))
        reached.add(`${operation.name} ${expected.refused ?? 'done'}`)
        if (typeof actual === 'string') {
          assert.is(actual, expected.refused)
        } else {
          assert.is(expected.refused, undefined)
          const isSame = actual.session.data === session.data
          assert.is(actual.session.version, session.version + (isSame ? 0 : 1))
          assert.is(isSame, actual.session === session)
          assert.is(canonicalOf(actual.value), canonicalOf(expected.value))
          session = actual.session
          model = expected.model
        }
        assert.is(canonical(session.data), canonical(renderModel(model)))
        assert.is(renderObject(parseObject(session.data)), session.data, 'a key comes twice')
      }
    }),
    { numRuns: 500 },
  )
  for (const name of ['pop', 'increment', 'append', 'update']) {
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
      const changed = attempt(() => applyOperation(session, operation, LIMITS))
      fc.pre(typeof changed !== 'string')
      for (const [key, text] of texts) {
        if (!names(operation, key)) assert.is(findMember(changed.session.data, key), text)
      }
    }),
    { numRuns: 1_000 },
  )
})

function operations(): fc.Arbitrary<DataOperation> {
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
    fc.record({ name: fc.constant('update' as const), edits: fc.array(edits(key, value)) }),
    fc.record({ name: fc.constant('clear' as const) }),
  )
}

function edits(key: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<Edit> {
  const path = fc.array(key, { minLength: 1, maxLength: 2 })
  const list = fc.array(value, { maxLength: 2 }).map((items) => `[${items.join(',')}]`)
  return fc.oneof(
    fc.record({ op: fc.constant('set' as const), path, value }),
    fc.record({ op: fc.constant('extend' as const), path, value: list }),
    fc.record({ op: fc.constant('increment' as const), path, value: fc.nat(9).map(String) }),
    fc.record({ op: fc.constantFrom('remove' as const, 'enter' as const), path }),
  )
}

function canonicalOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : canonical(text)
}

function names(operation: DataOperation, key: string): boolean {
  if ('key' in operation) return operation.key === key
  if (operation.name !== 'update') return false
  const isEdited = operation.edits?.some(({ path }) => path[0] === key) ?? false
  return isEdited || findMember(operation.data ?? '{}', key) !== undefined
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

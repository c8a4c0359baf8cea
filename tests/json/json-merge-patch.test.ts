import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mergePatch } from '../../lib/json/merge-patch.ts'

const test = suite('JSON merge patch')

test('the examples of RFC 7396, appendix A, come out as they should', () => {
  const examples = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ] as const
  for (const [target, patch, result] of examples) assert.is(mergePatch(target, patch), result)
})

test('a target that only looks like members is replaced', () => {
  assert.is(mergePatch('["a",":1"]', '{"b":2}'), '{"b":2}')
  assert.is(mergePatch('"{\\"a\\":1}"', '{"b":2}'), '{"b":2}')
})

test('an absent target is as good as an empty one', () => {
  assert.is(mergePatch(undefined, '{"a":1,"b":null}'), '{"a":1}')
  assert.is(mergePatch(undefined, ' [null] '), '[null]')
})

test('members that the patch does not name keep their exact text', () => {
  const target = '{"a":12345678901234567890,"b":{"c":1.0, "d":1e400},"e": [ 1 ]}'
  assert.is(
    mergePatch(target, '{"b":{"f":0.10}}'),
    '{"a":12345678901234567890,"b":{"c":1.0,"d":1e400,"f":0.10},"e": [ 1 ]}',
  )
})

test('values of the patch keep their digits and lose the white space around them', () => {
  assert.is(
    mergePatch('{}', '{ "a" : 1.0 , "b" : [ 1e400 ] , "c" : { "d" : "e" } }'),
    '{"a":1.0,"b":[ 1e400 ],"c":{"d":"e"}}',
  )
})

test('__proto__ is a member like any other', () => {
  assert.is(mergePatch('{}', '{"__proto__":{"admin":true}}'), '{"__proto__":{"admin":true}}')
  assert.is(mergePatch('{"__proto__":1}', '{"__proto__":null}'), '{}')
})

test('any patch of any target gives what the algorithm of the RFC gives on values', () => {
  const property = fc.property(smallJson, smallJson, fc.nat(2), (target, patch, indent) => {
    const texts = [
      JSON.stringify(target, null, indent),
      JSON.stringify(patch, null, indent),
    ] as const
    const result: unknown = JSON.parse(mergePatch(...texts))
    assert.ok(isDeepStrictEqual(result, mergeValues(target, patch)), texts.join(' + '))
  })
  fc.assert(property, { numRuns: 1000 })
})

test('any patch changes nothing when applied once more', () => {
  const property = fc.property(smallJson, smallJson, (target, patch) => {
    const once = mergePatch(JSON.stringify(target), JSON.stringify(patch))
    assert.is(mergePatch(once, JSON.stringify(patch)), once)
  })
  fc.assert(property)
})

/** Few keys, so that target and patch often name the same one. */
const smallJson = fc
  .letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, 1, 'a', [null], []),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), tie('value'), { maxKeys: 4 }),
    ),
  }))
  .value.map(ordinary)

/** fast-check makes objects without a prototype, which deep equality tells from others. */
function ordinary(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** Section 2 of the RFC, on values. */
function mergeValues(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const members = new Map(isRecord(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key)
    else members.set(key, mergeValues(members.get(key), value))
  }
  return Object.fromEntries(members)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

test.run()

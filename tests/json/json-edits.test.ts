import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { applyEdits, parseEdits } from '../../lib/json/edits.ts'
import { parseObject } from '../../lib/json/json.ts'
import { allowWork } from '../../lib/json/work.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { canonical } from '../kit/store/session-data-model.ts'

const test = suite('edits of JSON')

const edit = (text: string, changes: object | string): string => {
  const body = typeof changes === 'string' ? changes : JSON.stringify(changes)
  return applyEdits(text, parseEdits(parseObject(body)), allowWork(1e9)).text
}
const refused = (text: string, changes: object | string): string => {
  try {
    return edit(text, changes)
  } catch (error) {
    return `${codeOf(error)}: ${error instanceof Error ? error.message : ''}`
  }
}

test('changes of another shape are refused, each with the form that it should have', () => {
  for (const [changes, said] of [
    ['{"set":[]}', '"set" must have an object of keys'],
    ['{"set":1}', '"set" must have an object of keys'],
    ['{"in":{"a":1}}', '"in" must have an object of keys'],
    ['{"in":{"a":{"data":{}}}}', 'inside "in" there may be set, remove, increment, extend, in'],
    ['{"in":{"a":{"__proto__":{}}}}', 'got "__proto__"'],
    ['{"remove":{"a":1}}', '"remove" must be a list of keys, as in ["cart"], got object'],
    ['{"remove":[1]}', '"remove" must be a list of keys, as in ["cart"], got number'],
    ['{"increment":{"a":"1"}}', 'a number for each key, as in {"visits":1}, got string'],
    ['{"extend":{"a":1}}', 'a list of items for each key, as in {"cart":["tea"]}, got number'],
    ['{"set":{"a":1},"remove":["a"]}', '"a" is in it twice'],
    ['{"remove":["a","\\u0061"]}', '"a" is in it twice'],
    ['{"in":{"a":{"set":{"b":1},"extend":{"b":[]}}}}', '"/a/b" is in it twice'],
    ['{"set":{"a":{}},"in":{"a":{}}}', '"a" is in it twice'],
  ] as const) {
    const said_ = refused('{}', changes)
    assert.match(said_, 'invalid_argument', changes)
    assert.match(said_, said, changes)
  }
})

test('a value that is not what the edit needs is wrong_type, and is named by its path', () => {
  const text = '{"n":null,"s":"x","o":{"l":[1],"n":1}}'
  for (const [changes, said] of [
    [{ increment: { n: 1 } }, 'increment "n": its value must be a JSON number, it is of type null'],
    [{ increment: { o: 1 } }, 'increment "o": its value must be a JSON number'],
    [{ extend: { s: [1] } }, 'extend "s": its value must be a JSON array, it is of type string'],
    [
      { in: { s: {} } },
      'change keys in "s": its value must be a JSON object, it is of type string',
    ],
    [{ in: { n: { set: { a: 1 } } } }, 'change keys in "n": its value must be a JSON object'],
    [{ in: { o: { in: { l: {} } } } }, 'change keys in "/o/l": its value must be a JSON object'],
    [{ in: { o: { extend: { n: [] } } } }, 'extend "/o/n": its value must be a JSON array'],
  ] as const) {
    assert.match(refused(text, changes), `wrong_type: Cannot ${said}`)
  }
  assert.match(refused('{"n":1e400}', { increment: { n: 1 } }), 'number_too_large')
})

test('each edit does what it says, at any depth, and null is a value', () => {
  const text = '{"a":1,"n":2,"l":[1],"o":{"a":1,"p":{"b":2}}}'
  for (const [changes, after] of [
    [{ set: { a: null, z: { y: null } } }, { a: null, z: { y: null } }],
    [{ remove: ['a', 'none'] }, { a: undefined }],
    [{ increment: { n: 3, fresh: -1 } }, { n: 5, fresh: -1 }],
    [{ extend: { l: [2, [3]], fresh: ['x'] } }, { l: [1, 2, [3]], fresh: ['x'] }],
    [{ extend: { l: [], fresh: [] } }, { fresh: [] }],
    [{ in: { o: { set: { a: 2 }, remove: ['none'] } } }, { o: { a: 2, p: { b: 2 } } }],
    [{ in: { o: { in: { p: { remove: ['b'] } } } } }, { o: { a: 1, p: {} } }],
    [{ in: { fresh: {} } }, { fresh: {} }],
    [{ in: { fresh: { in: { deep: { extend: { l: [1] } } } } } }, { fresh: { deep: { l: [1] } } }],
    [{ in: { fresh: { remove: ['a'] } } }, { fresh: {} }],
    [{}, {}],
  ] as const) {
    const expected = JSON.stringify({ ...JSON.parse(text), ...after })
    assert.is(canonical(edit(text, changes)), canonical(expected), JSON.stringify(changes))
  }
})

test('names of JavaScript are keys like others', () => {
  const text = '{"__proto__":{"a":1}}'
  const changes = '{"set":{"constructor":1},"in":{"__proto__":{"set":{"__proto__":2}}}}'
  assert.is(edit(text, changes), '{"__proto__":{"a":1,"__proto__":2},"constructor":1}')
  assert.is(edit(text, '{"remove":["__proto__"]}'), '{}')
  assert.is(Object.keys(Object.prototype).length, 0)
})

test('what no edit names keeps its exact text, inside an object that is entered, too', () => {
  const text = '{"n":1.0,"o":{ "x": 12345678901234567890 ,"l":[ 1e400 , 1],"s":"\\u0061\\/"}}'
  assert.is(
    edit(text, '{"in":{"o":{"set":{"y": 2.0 },"extend":{"l":[ "\\u0062" ]}}}}'),
    '{"n":1.0,"o":{"x": 12345678901234567890 ,"l":[ 1e400 , 1, "\\u0062" ],"s":"\\u0061\\/","y":2.0}}',
  )
})

test('an edit that changes nothing leaves the text', () => {
  const text = '{"a":{"b":[1]},"n":1}'
  for (const changes of [
    '{"set":{"n":1}}',
    '{"remove":["x"]}',
    '{"in":{"a":{"extend":{"b":[]}}}}',
  ]) {
    assert.is(edit(text, changes), text)
  }
})

test('the difference of any two objects, applied to the first, is the second', () => {
  const value = fc.jsonValue({ maxDepth: 3 })
  const key = fc.constantFrom('a', 'b', 'c', '__proto__', '', '/', '~', 'é')
  const object = fc.dictionary(key, fc.oneof(value, fc.dictionary(key, fc.dictionary(key, value))))
  fc.assert(
    fc.property(object, object, (before, after) => {
      const edited = edit(JSON.stringify(before), differenceOf(before, after))
      assert.is(canonical(edited), canonical(JSON.stringify(after)))
    }),
    { numRuns: 100 },
  )
})

test('edits that each enter deep, or go through a large value, are refused once they cost too much', () => {
  const deep = (n: number): string => (n === 0 ? '{"set":{"k":1}}' : `{"in":{"a":${deep(n - 1)}}}`)
  const edits = parseEdits(parseObject(deep(100)))
  assert.is(edits.length, 101)
  assert.throws(() => applyEdits('{}', edits, allowWork(5_000)), /in smaller parts/)
  // Each key costs its path, of which the body says only the last part.
  const many = Array.from({ length: 5_000 }, (_, n) => `"${n}":1`).join(',')
  const wide = `{"in":{"a":${deep(500).replace('"k":1', many)}}}`
  assert.match(refused('{}', wide), 'invalid_patch')
})

test.run()

type Json = Readonly<Record<string, unknown>>

/** What a client sends that read the one and has the other. */
function differenceOf(before: Json, after: Json): string {
  const set: [string, unknown][] = []
  const extend: [string, unknown][] = []
  const inside: string[] = []
  for (const [key, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    if (isObject(old) && isObject(value)) {
      inside.push(`${JSON.stringify(key)}:${differenceOf(old, value)}`)
    } else if (Array.isArray(old) && Array.isArray(value) && beginsWith(value, old)) {
      extend.push([key, value.slice(old.length)])
    } else {
      set.push([key, value])
    }
  }
  const remove = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  const render = (members: [string, unknown][]) => JSON.stringify(Object.fromEntries(members))
  return `{"set":${render(set)},"remove":${JSON.stringify(remove)},"extend":${render(extend)},"in":{${inside.join(',')}}}`
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function beginsWith(list: readonly unknown[], start: readonly unknown[]): boolean {
  return start.every((item, index) => JSON.stringify(item) === JSON.stringify(list[index]))
}

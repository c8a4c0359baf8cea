import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../lib/base/errors.ts'
import { findFault, type Input } from '../../lib/json/syntax.ts'
import {
  findMember,
  findOnlyMember,
  itemsOf,
  kindOf,
  parseJson,
  parseObject,
  renderObject,
  replaceMember,
} from '../../lib/json/json.ts'
import { equalNodes } from '../../lib/json/equal.ts'
import { allowWork } from '../../lib/json/work.ts'

const test = suite('JSON text')

const BODY: Input = {
  name: 'body',
  example: `-d '"ada"'`,
  depthWay: { setting: 'maxDepth' },
}

test('a text that is not JSON is refused with the place and the way out', () => {
  const cases = [
    ['ada', `a string needs its quotes, as in -d '"ada"' (line 1, column 1)`],
    ['2025-01-01', `a string needs its quotes, as in -d '"ada"' (line 1, column 5)`],
    ['', `it is empty, expected a value, as in -d '"ada"' (line 1, column 1)`],
    [' \n', `it is empty, expected a value, as in -d '"ada"' (line 2, column 1)`],
    ["'ada'", 'strings and keys take double quotes, as in {"user":"ada"} (line 1, column 1)'],
    ["{'a':1}", 'strings and keys take double quotes, as in {"user":"ada"} (line 1, column 2)'],
    ['\uFEFF1', 'it starts with a byte order mark, send UTF-8 without one (line 1, column 1)'],
    ['{\n  user: 1}', 'a key needs its double quotes, as in {"user":"ada"} (line 2, column 3)'],
    ['{"a":True}', 'JSON writes true, false and null (line 1, column 6)'],
    ['[NaN]', 'JSON has no NaN and no Infinity (line 1, column 2)'],
    ['{"a":1', 'it ends too early, a quote, a bracket or a value is missing (line 1, column 7)'],
    ['"a', 'it ends too early, a quote, a bracket or a value is missing (line 1, column 3)'],
    [
      '"\\x"',
      'a backslash in a string starts an escape, as in \\n; for itself it is written \\\\ (line 1, column 2)',
    ],
    [
      '"\\u123g"',
      'a backslash in a string starts an escape, as in \\n; for itself it is written \\\\ (line 1, column 2)',
    ],
    [
      '"\n"',
      'a control character in a string must be escaped, a line break as \\n (line 1, column 2)',
    ],
    [
      '[1,]',
      'a bracket closes where a value or key was expected; a comma must not come last (line 1, column 4)',
    ],
    [
      '{"a":1,}',
      'a bracket closes where a value or key was expected; a comma must not come last (line 1, column 8)',
    ],
    ['{"a" 1}', 'expected a colon between key and value (line 1, column 6)'],
    ['[1 2]', 'expected a comma or the closing bracket (line 1, column 4)'],
    ['[.5]', 'expected a number, which starts with a digit or "-", as in 0.5 (line 1, column 2)'],
    ['{} {}', 'it goes on after the end of its one value (line 1, column 4)'],
  ] as const
  for (const [text, reason] of cases) {
    const error = refusalOf(() => parseJson(text, 8, BODY))
    assert.is(error.code, 'invalid_json')
    assert.is(error.message, `body is not JSON: ${reason}`)
  }
})

test('a parameter of the URL gets an example for the URL', () => {
  const error = refusalOf(() =>
    parseJson('ada', 8, { name: '?default', example: '?default=%22ada%22' }),
  )
  assert.match(error.message, '?default is not JSON: a string needs its quotes, as in ?default=%22')
})

test('a refused text is never quoted', () => {
  const property = fc.property(fc.json({ maxDepth: 3 }), fc.nat(), (json, cut) => {
    const marked = json.replaceAll(/[a-zA-Z0-9]+/g, 'SECRET')
    const text = `${marked.slice(0, cut % (marked.length + 1))}SECRET`
    assert.not.match(refusalOf(() => parseJson(text, 100, BODY)).message, 'SECRET')
  })
  fc.assert(property)
})

test('the fault is found in exactly the texts that JSON.parse refuses', () => {
  const damaged = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', ...'{}[]",:\\1.-eE+0 \ntfn\u0001\u001f'))
    .map(([json, at, char]) => {
      const place = at % (json.length + 1)
      return json.slice(0, place) + char + json.slice(place + 1)
    })
  const property = fc.property(fc.oneof(damaged, fc.json(), fc.string()), (text) => {
    assert.is(findFault(text) === undefined, isJson(text), text)
  })
  fc.assert(property, { numRuns: 3000 })
})

test('a text that nests deeper than allowed is refused', () => {
  for (const text of ['[[[]]]', '{"a":[{}]}', '[[[', ' [ [ "]" , [ 1 ] ] ]']) {
    const error = refusalOf(() => parseJson(text, 2, BODY))
    assert.is(error.code, 'too_deep')
    assert.is(error.message, 'Cannot take body: its arrays and objects nest deeper than 2')
    assert.equal(error.way, { setting: 'maxDepth' })
  }
})

test('a text of 100,000 brackets is refused for its depth, closed or not', () => {
  const open = '['.repeat(100_000)
  for (const text of [open, open + ']'.repeat(100_000), '{"a":'.repeat(100_000)]) {
    assert.is(refusalOf(() => parseJson(text, 32, BODY)).code, 'too_deep')
  }
})

test('a text just as deep as allowed passes', () => {
  assert.is(parseJson('1', 0, BODY), '1')
  assert.is(parseJson('"[[\\"[["', 0, BODY), '"[[\\"[["')
  assert.is(parseJson('[]', 1, BODY), '[]')
  assert.is(parseJson('[[],{},[{}]]', 3, BODY), '[[],{},[{}]]')
})

test('a text passes as it came, numbers and white space included', () => {
  for (const text of ['12345678901234567890', ' 1.0\n', '1e400', '{"b":1, "a":2,"b":3}']) {
    assert.is(parseJson(text, 8, BODY), text)
  }
})

test('the kind shows in the first significant character', () => {
  const kinds = {
    ' {}': 'object',
    '\n[]': 'array',
    '"1"': 'string',
    '\t-1': 'number',
    '0': 'number',
    true: 'boolean',
    ' false': 'boolean',
    null: 'null',
  }
  for (const [text, kind] of Object.entries(kinds)) assert.is(kindOf(text), kind, text)
})

test('an object comes apart into values exactly as they stand', () => {
  const members = parseObject(' { "a" : 1.0 ,"b":{"c":[1, {"d":"}"}]}, "e":"\\"," , "" :null}')
  assert.equal(
    [...members],
    [
      ['a', ' 1.0 '],
      ['b', '{"c":[1, {"d":"}"}]}'],
      ['e', '"\\"," '],
      ['', 'null'],
    ],
  )
  assert.is(parseObject(' { } ').size, 0)
})

test('a repeated key has its last value', () => {
  assert.equal(
    [...parseObject('{"a":1,"b":2,"\\u0061":3}')],
    [
      ...new Map([
        ['a', '3'],
        ['b', '2'],
      ]),
    ],
  )
  assert.is(findMember('{"a":1,"b":2,"\\u0061":3}', 'a'), '3')
  assert.is(findMember('{"\\u0061":1,"a":2}', 'a'), '2')
})

test('of any repeated keys, the last members are found', () => {
  const keys = ['a', 'b', '"', '']
  const space = fc.constantFrom('', ' ', '\n\t')
  const member = fc.tuple(fc.constantFrom(...keys), fc.jsonValue(), space, space)
  const property = fc.property(fc.array(member), (members) => {
    const written = members.map(
      ([key, value, before, after]) =>
        `${before}${JSON.stringify(key)}${after}:${before}${JSON.stringify(value)}${after}`,
    )
    const text = `{${written.join(',')}}`
    for (const key of keys) assert.is(findMember(text, key), parseObject(text).get(key), text)
  })
  fc.assert(property)
})

test('a value is replaced where it stands, and nothing else is touched', () => {
  const text = '{"a":[1, {"b":0}], "b" : 1.0 ,"c":1e400}'
  assert.is(replaceMember(text, 'b', '"x"'), '{"a":[1, {"b":0}], "b" :"x","c":1e400}')
  assert.is(replaceMember(text, 'c', '[]'), '{"a":[1, {"b":0}], "b" : 1.0 ,"c":[]}')
  assert.is(replaceMember('{"\\u0061":1,"b":2}', 'a', '3'), '{"\\u0061":3,"b":2}')
  assert.is(replaceMember(text, 'd', '1'), undefined)
  assert.is(replaceMember('{}', 'a', '1'), undefined)
})

test('a value that is replaced is the one that is found, in any object', () => {
  const anyKey = fc.oneof(fc.constantFrom('a', '__proto__', '"', '\\', ''), fc.string())
  fc.assert(
    fc.property(fc.dictionary(anyKey, fc.jsonValue()), anyKey, fc.json(), (object, key, value) => {
      const text = JSON.stringify(object)
      const replaced = replaceMember(text, key, value)
      assert.is(findOnlyMember(text, key), findMember(text, key))
      assert.is(replaced === undefined, findMember(text, key) === undefined)
      if (replaced === undefined) return
      const members = parseObject(text).set(key, value)
      assert.equal([...parseObject(replaced)], [...members])
    }),
  )
})

test('a key is found by its characters, however it is escaped', () => {
  assert.is(findMember('{"\\\\":1}', '\\'), '1')
  assert.is(findMember('{"\\n":1}', '\\n'), undefined)
  assert.is(findMember('{"a\\"b":1,"a":2}', 'a'), '2')
  assert.is(findMember('{"a\\"b":1}', 'a"b'), '1')
  assert.is(findMember('{"\\ud83d\\ude00":1}', '😀'), '1')
})

test('a key of a deeper level is not found', () => {
  assert.is(findMember('{"a":{"b":1},"c":["b",{"b":2}],"d":"b" 2}', 'b'), undefined)
})

test('__proto__ is a key like any other', () => {
  assert.is(findMember('{"__proto__":1}', '__proto__'), '1')
  assert.is(findMember('{}', '__proto__'), undefined)
  assert.is(renderObject(parseObject('{"__proto__":{"a":1}}')), '{"__proto__":{"a":1}}')
})

test('an array comes apart into items exactly as they stand', () => {
  assert.equal(itemsIn(' [ 1.0 ,"],",[2,{"a":3}] ] '), [' 1.0 ', '"],"', '[2,{"a":3}] '])
  assert.equal(itemsIn('[ ]'), [])
  assert.equal(itemsIn('[[]]'), ['[]'])
})

test('strings that end in backslashes end where they should', () => {
  assert.equal(itemsIn('["\\\\","\\\\\\"",""]'), ['"\\\\"', '"\\\\\\""', '""'])
})

test('equality counts numbers by value and members in any order', () => {
  const equal = [
    ['{"a":1,"b":[2]}', ' { "b":[2.0], "a":10e-1}'],
    ['"\\u0061"', '"a"'],
    [' true', 'true '],
    ['1e400', '10e399'],
    ['{"a":1,"a":2}', '{"a":2}'],
  ] as const
  const different = [
    ['12345678901234567890', '12345678901234567891'],
    ['1e400', '1e401'],
    ['[1,2]', '[2,1]'],
    ['[1]', '[1,1]'],
    ['{"a":1}', '{"b":1}'],
    ['{"a":1}', '{"a":1,"b":1}'],
    ['{"__proto__":1}', '{"a":1}'],
    ['1', '"1"'],
    ['true', 'false'],
    ['null', '{}'],
    ['"é"', '"e\\u0301"'],
  ] as const
  for (const [a, b] of equal) assert.ok(isEqual(a, b), `${a} = ${b}`)
  for (const [a, b] of different) assert.not(isEqual(a, b), `${a} ≠ ${b}`)
})

test('every object survives being taken apart and put together', () => {
  const property = fc.property(anyObject, ({ text, value }) => {
    const again: unknown = JSON.parse(renderObject(parseObject(text)))
    assert.ok(isDeepStrictEqual(again, value), text)
  })
  fc.assert(property)
})

test('every array survives being taken apart and put together', () => {
  const property = fc.property(fc.array(fc.jsonValue()), fc.nat(3), (value, indent) => {
    const text = JSON.stringify(value, null, indent)
    const again: unknown = JSON.parse(`[${itemsIn(text).join(',')}]`)
    assert.ok(isDeepStrictEqual(again, JSON.parse(text)), text)
  })
  fc.assert(property)
})

test('every member is found, with the value that JSON.parse gives it', () => {
  const property = fc.property(anyObject, fc.string(), ({ text, value }, absent) => {
    for (const [key, expected] of Object.entries(value)) {
      const found = findMember(text, key)
      assert.ok(isDeepStrictEqual(JSON.parse(found ?? ''), expected), text)
      assert.is(found, parseObject(text).get(key))
    }
    if (!Object.hasOwn(value, absent)) assert.is(findMember(text, absent), undefined)
  })
  fc.assert(property)
})

test('equality agrees with deep equality of what JSON.parse gives', () => {
  const small = fc.json({ maxDepth: 2, noUnicodeString: true })
  const property = fc.property(small, small, fc.nat(3), (a, b, indent) => {
    assert.is(isEqual(a, b), isDeepStrictEqual(JSON.parse(a), JSON.parse(b)))
    assert.ok(isEqual(a, JSON.stringify(JSON.parse(a), null, indent)))
  })
  fc.assert(property)
})

/** Objects written in several ways: indented or not, with keys and strings escaped or not. */
const anyObject = fc
  .tuple(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.nat(3), fc.boolean())
  .map(([value, indent, escape]) => {
    const plain = JSON.stringify(value, null, indent)
    const text = escape ? plain.replaceAll(/[a-z](?=[^a-z\\]*":)/g, escapeUnit) : plain
    return isJson(text)
      ? { text, value: parseRecord(text) }
      : { text: plain, value: parseRecord(plain) }
  })

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function parseRecord(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function refusalOf(act: () => unknown): CoatcheckError {
  try {
    act()
  } catch (error) {
    if (error instanceof CoatcheckError) return error
    throw error
  }
  throw new Error('expected a CoatcheckError, nothing was thrown')
}

test('what is no part of a request is told without words of curl, and with no second line 1', () => {
  const reasonOf = (text: string) =>
    refusalOf(() => parseJson(text, 8, { name: 'line', isNumbered: true })).message
  assert.is(
    reasonOf('# Notes'),
    'line is not JSON: a string needs its quotes, as in "ada" (column 1)',
  )
  assert.match(reasonOf('{"a":1,\n"b" 2}'), /key and value \(line 2 of it, column 5\)$/)
})

function itemsIn(array: string): string[] {
  return [...itemsOf(array)]
}

function isEqual(a: string, b: string): boolean {
  return equalNodes(a, b, allowWork(Infinity))
}

test.run()

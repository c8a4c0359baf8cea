import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { indentJson } from '../../lib/json/indent.ts'

const test = suite('indented JSON')

test('it is what JSON.stringify would make of it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      assert.is(indentJson(JSON.stringify(value)), JSON.stringify(value, null, 2))
    }),
  )
})

test('values stay as they stand', () => {
  const text = '{ "a":1.0,"b" : 12345678901234567890 ,"c":"\\u0061\\"{[,:]}","d":1e400,"e":{ } }'
  assert.is(
    indentJson(text),
    '{\n  "a": 1.0,\n  "b": 12345678901234567890,\n  "c": "\\u0061\\"{[,:]}",\n  "d": 1e400,\n  "e": {}\n}',
  )
})

test('what is nested deeply takes no room for it', () => {
  const deep = indentJson('['.repeat(1_000) + '1' + ']'.repeat(1_000))
  assert.ok(deep.length < 100_000)
})

test.run()

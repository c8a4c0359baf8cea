/** Values as one writes them in Python, as JSON, and as they are shown. */
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  memberOf,
  readJson,
  stringOf,
  writeJson,
} from '../../lib/tour/browser/tutorial/json-text.ts'
import { jsonOfPython, pythonOf, quoteText } from '../../lib/tour/browser/tutorial/python.ts'
import { likelyJson } from '../kit/texts/hostile-texts.ts'

const test = suite('tour: values')

test('what is no value of Python is none', () => {
  for (const text of [
    ...['', ' ', 'ada', "'ada", 'ada"', '[', '[1', '1 2', '[1 2]', '{1: 2}', "{'a'}", '1,', 'f(1)'],
    ...['01', '1.', '.5', '0x1f', '1_000', '1j', '+1', '--1', '1e', "'a' + 'b'", 'true1', 'none'],
    ...["'a\nb'", '...', '{,}', '[,]', '(', ')', "{'a': }", 'NaN', 'Infinity', '#'],
  ]) {
    assert.is(jsonOfPython(text), undefined, JSON.stringify(text))
  }
})

test('a value of Python is that of JSON, its digits as they are', () => {
  const pairs: [string, string][] = [
    ["'ada'", '"ada"'],
    ['"ada"', '"ada"'],
    ["'it\\'s'", '"it\'s"'],
    ["'\\n\\t\\\\ \\x41 \\u4f60 \\d'", '"\\n\\t\\\\ A 你 \\\\d"'],
    ['True', 'true'],
    ['None', 'null'],
    ['false', 'false'],
    ['12345678901234567890', '12345678901234567890'],
    ['-1.0e400', '-1.0e400'],
    [" ['tea', ('jam', 1,), {}, ] ", '["tea",["jam",1],{}]'],
    ["{'a': None, 'b': {'c': [True]},}", '{"a":null,"b":{"c":[true]}}'],
    ["'a,]'", '"a,]"'],
    ["{'__proto__': 1}", '{"__proto__":1}'],
    ["'你好 <script>'", '"你好 <script>"'],
  ]
  for (const [python, json] of pairs) assert.is(jsonOfPython(python), json, python)
})

test('a text in Python has the quotes that need no escape', () => {
  assert.is(quoteText('ada'), "'ada'")
  assert.is(quoteText("it's"), '"it\'s"')
  assert.is(quoteText(`'"`), `'\\'"'`)
  assert.is(quoteText('a\\b\nc\u0007'), "'a\\\\b\\nc\\x07'")
})

test('whatever JSON says, Python says it, and back', () => {
  fc.assert(
    fc.property(likelyJson, (text) => {
      const json = readJson(text)
      assert.is(JSON.stringify(JSON.parse(writeJson(json))), JSON.stringify(JSON.parse(text)))
      assert.is(jsonOfPython(pythonOf(json)), jsonOfPython(writeJson(json)))
    }),
    { numRuns: 100 },
  )
})

test('JSON is read without a change of a digit', () => {
  const text = '{"n":12345678901234567890,"x":[1.0,1e400,"\\u00e9"],"n2":{}}'
  assert.is(writeJson(readJson(text)), text)
  assert.is(stringOf(memberOf(readJson('{"a":"b"}'), 'a')), 'b')
  assert.is(memberOf(readJson('{}'), 'toString'), undefined)
  assert.is(stringOf(readJson('1')), undefined)
  assert.throws(() => readJson('{"a":'), /JSON/)
})

test.run()

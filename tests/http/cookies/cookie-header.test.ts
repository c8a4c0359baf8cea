import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  decodeCookieValue,
  findCookies,
  parseCookies,
} from '../../../lib/http/cookies/cookie-header.ts'

const test = suite('cookie header')

test('findCookies finds nothing where there is no header, no name or no pair', () => {
  assert.equal(findCookies(undefined, 'sid'), [])
  assert.equal(findCookies('', 'sid'), [])
  assert.equal(findCookies('sid=1', ''), [])
  assert.equal(findCookies('=1', ''), [])
  assert.equal(findCookies('; ;;', 'sid'), [])
})

test('findCookies leaves out a pair without an equals sign', () => {
  assert.equal(findCookies('sid', 'sid'), [])
  assert.equal(findCookies('sid; sid ; a=sid', 'sid'), [])
  assert.equal(findCookies('sid; sid=1', 'sid'), ['1'])
})

test('findCookies takes no name that only begins, ends or holds the one asked for', () => {
  assert.equal(findCookies('xsid=1; sidx=2; SID=3; sid.=4; a b sid=5', 'sid'), [])
  assert.equal(findCookies('sidsid=1; sid sid=2', 'sid'), [])
})

test('findCookies does not look for names inside values', () => {
  assert.equal(findCookies('a=sid=1; b= sid=2; c="; sid=3"', 'sid'), ['3"'])
})

test('findCookies finds no name that a header cannot hold', () => {
  assert.equal(findCookies('a=b=c', 'a=b'), [])
  assert.equal(findCookies('a;b=c', 'a;b'), [])
  assert.equal(findCookies(' a=b', ' a'), [])
  assert.equal(findCookies('a =b', 'a '), [])
  assert.equal(findCookies('\ta=b', '\ta'), [])
})

test('findCookies decodes nothing in names', () => {
  assert.equal(findCookies('s%69d=1', 'sid'), [])
  assert.equal(findCookies('"sid"=1', 'sid'), [])
})

test('findCookies finds every cookie of the name, in the order of the header', () => {
  assert.equal(findCookies('sid=1; a=2; sid=3;sid=4', 'sid'), ['1', '3', '4'])
  assert.equal(findCookies('sid=; sid=1', 'sid'), ['', '1'])
})

test('findCookies trims spaces and tabs around name and value and nothing else', () => {
  assert.equal(findCookies(' \tsid\t = \t1 2\t ; a=b', 'sid'), ['1 2'])
  assert.equal(findCookies('sid=\xa01\xa0', 'sid'), ['\xa01\xa0'])
  assert.equal(findCookies('\xa0sid=1', 'sid'), [])
  assert.equal(findCookies('sid= \t ', 'sid'), [''])
})

test('findCookies leaves quotes, escapes and equals signs in the value', () => {
  assert.equal(findCookies('sid="a,b"', 'sid'), ['"a,b"'])
  assert.equal(findCookies('sid=%20', 'sid'), ['%20'])
  assert.equal(findCookies('sid=a=b==', 'sid'), ['a=b=='])
})

test('findCookies finds what a plain split of the header finds', () => {
  const pieces = fc.constantFrom('a', 'b', 'aa', 'a b', '=', ';', ' ', '\t', '"', '; ', 'é')
  const texts = fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(''))
  const names = fc.oneof(fc.constantFrom('a', 'b', 'aa', 'a b'), texts)
  fc.assert(
    fc.property(texts, names, (header, name) => {
      assert.equal(findCookies(header, name), splitCookies(header, name))
    }),
    { numRuns: 5_000 },
  )
})

test('findCookies takes a time that grows with the header, not with its square', () => {
  const hostile = ['sid ', ';', 'sid=', ';sid', '=;', ' ']
  for (const text of hostile) {
    const startedAt = performance.now()
    findCookies(text.repeat(1_000_000), 'sid')
    assert.ok(performance.now() - startedAt < 2_000, text)
  }
})

test('parseCookies leaves out nameless cookies', () => {
  assert.is(parseCookies(undefined).size, 0)
  assert.is(parseCookies('').size, 0)
  assert.equal([...parseCookies('ada; =ada; ; a=1')], [['a', '1']])
})

test('parseCookies keeps the first of two cookies with one name', () => {
  assert.equal(
    [...parseCookies('a=1; b=2; a=3')],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  )
})

test('parseCookies takes names such as __proto__ as data', () => {
  assert.is(parseCookies('__proto__=1').get('__proto__'), '1')
  assert.is(parseCookies('a=1').get('toString'), undefined)
})

test('parseCookies decodes names and values as UTF-8', () => {
  assert.equal([...parseCookies('gr\xc3\xbc\xc3\x9fe=\xe2\x82\xac 5')], [['grüße', '€ 5']])
})

test('parseCookies and findCookies agree on the first value', () => {
  const headers = fc
    .array(fc.constantFrom('a', 'b', '=', ';', ' ', '\t', '"'), { maxLength: 24 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(headers, (header) => {
      assert.is(parseCookies(header).get('a'), findCookies(header, 'a')[0])
    }),
    { numRuns: 2_000 },
  )
})

test('decodeCookieValue decodes escapes, or leaves the whole value as it came', () => {
  for (const [raw, value] of [
    ['%E5%BC%A0%E4%B8%89', '张三'],
    ['%e5%bc%a0', '张'],
    ['a%20b', 'a b'],
    ['%2525', '%25'],
    ['%00', '\0'],
    ['a+b', 'a+b'],
    ['"a%20b"', '"a b"'],
    ['\xc3\xa9%20', 'é '],
    ['50%', '50%'],
    ['%', '%'],
    ['%2', '%2'],
    ['%zz', '%zz'],
    ['a%20b 50%', 'a%20b 50%'],
    ['%20%FF', '%20%FF'],
    ['%ED%A0%80', '%ED%A0%80'],
    ['%u5F20', '%u5F20'],
    ['\xff%20', '\xff '],
  ] as const) {
    assert.is(decodeCookieValue(raw), value, raw)
    assert.equal([...parseCookies(`a=${raw}`)], [['a', value]])
  }
})

test('parseCookies gives raw values as they stand, and decodes no name', () => {
  const header = 'a%20=%E5%BC%A0; b=50%; c=\xc3\xa9'
  assert.equal(
    [...parseCookies(header, true)],
    [
      ['a%20', '%E5%BC%A0'],
      ['b', '50%'],
      ['c', 'é'],
    ],
  )
  assert.equal([...parseCookies(header).keys()], ['a%20', 'b', 'c'])
})

test('decodeCookieValue keeps what is not UTF-8 as it came', () => {
  assert.is(decodeCookieValue('caf\xe9'), 'caf\xe9')
  assert.is(decodeCookieValue('\xc3'), '\xc3')
  assert.is(decodeCookieValue('\xed\xa0\x80'), '\xed\xa0\x80')
})

test('decodeCookieValue reads UTF-8 and drops no byte order mark', () => {
  assert.is(decodeCookieValue('ada'), 'ada')
  assert.is(decodeCookieValue('caf\xc3\xa9'), 'café')
  assert.is(decodeCookieValue('\xf0\x9f\x8d\xaa'), '🍪')
  assert.is(decodeCookieValue('\xef\xbb\xbfada'), '\ufeffada')
})

test.run()

function splitCookies(header: string, name: string): string[] {
  const values: string[] = []
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && name !== '' && trim(pair.slice(0, equals)) === name) {
      values.push(trim(pair.slice(equals + 1)))
    }
  }
  return values
}

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MessagePackError, messagePackToJson } from '../../lib/json/msgpack.ts'

const test = suite('MessagePack')

/** By the examples of its specification, and by what msgspec 0.22 writes. */
const READ: Record<string, string> = {
  c0: 'null',
  c2: 'false',
  c3: 'true',
  '7f': '127',
  e0: '-32',
  ff: '-1',
  cc80: '128',
  cdffff: '65535',
  ceffffffff: '4294967295',
  cfffffffffffffffff: '18446744073709551615',
  d080: '-128',
  d18000: '-32768',
  d280000000: '-2147483648',
  d38000000000000000: '-9223372036854775808',
  ca3fc00000: '1.5',
  cb3ff0000000000000: '1.0',
  cb8000000000000000: '-0.0',
  cb7fefffffffffffff: '1.7976931348623157e+308',
  a0: '""',
  a37ac3ab: '"zë"',
  d90122: '"\\""',
  da00020a61: '"\\na"',
  db000000017a: '"z"',
  c40300ff0a: '"AP8K"',
  c5000161: '"YQ=="',
  c60000000161: '"YQ=="',
  '9201a162': '[1,"b"]',
  dc0001c0: '[null]',
  dd0000000190: '[[]]',
  '80': '{}',
  '81a16181a162c3': '{"a":{"b":true}}',
  '8201a36f6e65ff02': '{"1":"one","-1":2}',
  de0001a16101: '{"a":1}',
  df00000001a16101: '{"a":1}',
  d6ff00000000: '"1970-01-01T00:00:00Z"',
  d7ffa1dcd420695735a5: '"2026-01-02T03:04:05.678901Z"',
  c70cff00000001ffffffffffffffff: '"1969-12-31T23:59:59.000000001Z"',
}

const REFUSED: Record<string, RegExp> = {
  '': /breaks off/,
  '91': /breaks off/,
  ddffffffff: /breaks off/,
  dfffffffff: /breaks off/,
  dbffffffff: /breaks off/,
  cf00: /breaks off/,
  c1: /unknown type code/,
  '0000': /bytes follow its end/,
  '8080': /bytes follow its end/,
  ca7fc00000: /not finite/,
  cb7ff0000000000000: /not finite/,
  a1ff: /not UTF-8/,
  '81c001': /a key in it is no string/,
  '819001': /a key in it is no string/,
  '81cb3ff000000000000001': /a key in it is no string/,
  '82a16101a16102': /comes twice/,
  '8201c0a131c0': /comes twice/,
  d40100: /extension of type 1/,
  c70100: /breaks off/,
  d4ff00: /timestamp in it has a wrong length/,
  d7ffffffffff00000000: /timestamp in it is out of range/,
  c70cff000000007fffffffffffffff: /timestamp in it is out of range/,
  '9191919190': /nests deeper than 4/,
}

for (const [hex, json] of Object.entries(READ)) {
  test(`${hex} is ${json}`, () => {
    assert.is(messagePackToJson(Buffer.from(hex, 'hex'), 4), json)
  })
}

for (const [hex, reason] of Object.entries(REFUSED)) {
  test(`${hex || 'nothing'} is refused`, () => {
    assert.throws(
      () => messagePackToJson(Buffer.from(hex, 'hex'), 4),
      (error: unknown) => error instanceof MessagePackError && reason.test(error.message),
    )
  })
}

test('bytes that lie within a larger buffer are read as their own', () => {
  const bytes = Buffer.from('00cd010000', 'hex').subarray(1, 4)
  assert.is(messagePackToJson(bytes, 1), '256')
})

test.run()

import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { quote } from '../../lib/base/quote.ts'

const test = suite('quote')

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

test('a character that cannot be seen is escaped, beyond the first 65,536 too', () => {
  assert.is(quote('a\u{e0020}b'), String.raw`"a\udb40\udc20b"`)
  for (const unseen of ['\u200b', '\u202e', '\u2028', '\x85', '\x1b', '\n', '\ufeff']) {
    assert.match(quote(`a${unseen}b`), /^"a\\(u[\da-f]{4}|n)b"$/)
  }
})

test('whatever the text, its quote reads as it and has nothing unseen', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.is(JSON.parse(quote(text)), text)
      assert.not.match(quote(text), UNSEEN)
    }),
    { numRuns: 1_000 },
  )
})

test.run()

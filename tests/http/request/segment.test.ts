import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HttpError } from '../../../lib/http/answer/problem.ts'
import { decodeSegment } from '../../../lib/http/request/request.ts'

const test = suite('segment')

test('decodeSegment refuses a malformed escape and bytes that are not UTF-8', () => {
  for (const raw of ['%', 'a%', '%4', '%zz', '%u0041', '%ff', '%C3', '%C0%AF', '%ED%A0%80']) {
    assert.throws(
      () => decodeSegment(raw),
      (error: unknown) => error instanceof HttpError && error.code === 'bad_request',
      raw,
    )
  }
})

test('decodeSegment decodes once, and takes a plus sign for itself', () => {
  assert.is(decodeSegment(''), '')
  assert.is(decodeSegment('caf%C3%A9'), 'café')
  assert.is(decodeSegment('a%2Fb%00'), 'a/b\0')
  assert.is(decodeSegment('%2541'), '%41')
  assert.is(decodeSegment('a+b'), 'a+b')
})

test('decodeSegment reads back whatever encodeURIComponent writes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.is(decodeSegment(encodeURIComponent(text)), text)
    }),
  )
})

test.run()

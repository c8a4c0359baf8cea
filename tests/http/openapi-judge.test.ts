/** The judge of answers notices what is not as the document says, each kind of fault. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { faultOf } from '../kit/answers/document.ts'
import { createExchangeReader } from '../kit/answers/exchanges.ts'
import type { RecordedAnswer } from '../kit/answers/recorder.ts'

const test = suite('openapi: the judge of answers')

const JSON_TYPE = { 'content-type': 'application/json' }
const COUNTED = answerOf('DELETE', '/sessions?sub=ada', 200, { ended: 1, more: false })
const REFUSED = problemOf('GET', '/session', 404, 'session_not_found')

test('what the document says is no fault', () => {
  for (const answer of [
    COUNTED,
    REFUSED,
    problemOf('BREW', '/session', 405, 'method_not_allowed'),
    problemOf('GET', '/nothing', 404, 'route_not_found'),
    problemOf('GET', '/session', 503, 'overloaded'),
    { ...answerOf('HEAD', '/session', 200, ''), body: '' },
    { ...answerOf('HEAD', '/session', 503, ''), body: '' },
  ]) {
    assert.is(faultOf(answer), undefined, `${answer.method} ${answer.target} ${answer.status}`)
  }
})

const FAULTS: readonly (readonly [name: string, answer: RecordedAnswer, said: RegExp])[] = [
  ['a status', { ...COUNTED, status: 202 }, /undocumented type|undocumented status/],
  [
    'a status of HEAD',
    { ...answerOf('HEAD', '/session', 202, ''), body: '' },
    /undocumented status/,
  ],
  [
    'an empty answer',
    { ...COUNTED, status: 204, headers: {}, body: '' },
    /undocumented (status|type)/,
  ],
  ['a type', { ...COUNTED, headers: { 'content-type': 'text/xml' } }, /undocumented type/],
  [
    'a header',
    { ...COUNTED, headers: { ...JSON_TYPE, 'set-cookie': 'a=b' } },
    /undocumented header set-cookie/,
  ],
  ['a body that is no JSON', { ...COUNTED, body: '{' }, /no JSON/],
  [
    'one member more',
    answerOf('DELETE', '/sessions', 200, { ended: 1, more: false, key: 1 }),
    /additional/,
  ],
  ['one member less', answerOf('DELETE', '/sessions', 200, { ended: 1 }), /required/],
  [
    'another type of a member',
    answerOf('DELETE', '/sessions', 200, { ended: '1', more: false }),
    /integer/,
  ],
  [
    'a code of another operation',
    problemOf('GET', '/session', 422, 'invalid_patch'),
    /allowed values|undocumented/,
  ],
  ['a code with another status', problemOf('GET', '/session', 418, 'overloaded'), /is not one of/],
  ['a path', answerOf('GET', '/nothing', 200, {}), /no operation/],
]

for (const [name, answer, said] of FAULTS) {
  test(`it notices ${name} that is not documented`, () => {
    assert.match(faultOf(answer) ?? '', said)
  })
}

test('answers are paired with their requests, in whatever pieces the bytes come', () => {
  const seen: string[] = []
  const reader = createExchangeReader(({ method, target, status }) => {
    seen.push(`${method} ${target} ${status}`)
  })
  const asked = 'HEAD /a HTTP/1.1\r\n\r\nPUT /b HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}'
  const told =
    'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nHTTP/1.1 204 No Content\r\netag: "1"\r\n\r\n'
  reader.sent(Buffer.from(asked))
  for (const byte of Buffer.from(told)) reader.received(Buffer.from([byte]))
  assert.equal(seen, ['HEAD /a 200', 'PUT /b 204'])
})

test.run()

function answerOf(method: string, target: string, status: number, body: unknown): RecordedAnswer {
  return { method, target, status, headers: JSON_TYPE, body: JSON.stringify(body) }
}

function problemOf(method: string, target: string, status: number, code: string): RecordedAnswer {
  const body = { type: `urn:coatcheck:${code}`, title: 'x', status, detail: 'x', code }
  return {
    ...answerOf(method, target, status, body),
    headers: { 'content-type': 'application/problem+json' },
  }
}

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Answer,
  createResponseParser,
} from '../../../../lib/clients/js/transport/response-parser.ts'

const test = suite('response parser')

const EMPTY: Answer = {
  status: 204,
  body: '',
  etag: undefined,
  setCookies: [],
  retryAfter: undefined,
  closes: false,
  isParallel: false,
  keepAlive: undefined,
}

/** One of each form, with what is to be read of it. */
const STREAM: readonly (readonly [text: string, answer: Partial<Answer>])[] = [
  ['HTTP/1.1 204 No Content\r\nETag: "3"\r\n\r\n', { etag: '"3"' }],
  [
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 8\r\n\r\n"ä☕"\n',
    { status: 200, body: '"ä☕"\n' },
  ],
  ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n', {}],
  [
    'HTTP/1.1 404 \r\nSet-Cookie: a=1; Path=/\r\nset-cookie:b="x,y"; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n' +
      'Retry-After: 5\r\nPipelining: parallel\r\nContent-Length: 0\r\nKeep-Alive: timeout=75, max=9\r\n\r\n',
    {
      status: 404,
      setCookies: ['a=1; Path=/', 'b="x,y"; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
      retryAfter: 5,
      isParallel: true,
      keepAlive: 75,
    },
  ],
  [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\n"ab\r\nA\r\ncdefghijk"\r\n0\r\nTrailer: 1\r\n\r\n',
    { status: 200, body: '"abcdefghijk"' },
  ],
  ['HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n', { status: 200 }],
  ['HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n', { status: 304 }],
  [
    'HTTP/1.1 200 OK\r\nX: \r\nContent-Length:2\r\nConnection: x, Close\r\n\r\n{}',
    { status: 200, body: '{}', closes: true },
  ],
]

const BYTES = Buffer.from(
  STREAM.map(([text]) => text)
    .join('')
    .replace('Content-Length: 8', `Content-Length: ${Buffer.byteLength('"ä☕"\n')}`),
)
const EXPECTED = STREAM.filter(([, answer]) => Object.keys(answer).length > 0).map(
  ([, answer]) => ({ ...EMPTY, ...answer }),
)

test('responses are read, whole and in their order', () => {
  assert.equal(parse([BYTES]), EXPECTED)
})

test('they are the same however the bytes are split: byte by byte, and in two at each byte', () => {
  assert.equal(parse([...BYTES].map((byte) => Buffer.of(byte))), EXPECTED)
  for (let at = 1; at < BYTES.length; at++) {
    assert.equal(parse([BYTES.subarray(0, at), BYTES.subarray(at)]), EXPECTED, `at ${at}`)
  }
})

test('a piece may be written over once it was taken', () => {
  const answers: Answer[] = []
  const parser = createResponseParser((answer) => answers.push(answer))
  const buffer = Buffer.alloc(7)
  for (let at = 0; at < BYTES.length; at += buffer.length) {
    const length = BYTES.copy(buffer, 0, at)
    parser.push(buffer.subarray(0, length))
    buffer.fill(120)
  }
  assert.equal(answers, EXPECTED)
})

test('what is no response of HTTP/1.1, or could be read in two ways, is refused', () => {
  const ok = 'HTTP/1.1 200 OK\r\n'
  for (const text of [
    '\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    'HTTP/2 200\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    `${ok}\r\n{}`,
    `${ok}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`,
    `${ok}Content-Length: 1, 1\r\n\r\nx`,
    `${ok}Content-Length: +1\r\n\r\nx`,
    `${ok}Content-Length: 0x1\r\n\r\nx`,
    `${ok}Content-Length: \r\n\r\nx`,
    `${ok}Content-Length: 99999999999999\r\n\r\n`,
    `${ok}Content-Length : 1\r\n\r\nx`,
    `${ok}Content-Length: 1\r\n folded\r\n\r\nx`,
    `${ok}Content-Length: 1\r\n: x\r\n\r\nx`,
    `${ok}Content-Length: 1\r\nnonsense\r\n\r\nx`,
    `${ok}Content-Length: 1\nX: 1\r\n\r\nx`,
    `${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${ok}Transfer-Encoding: identity\r\n\r\nx`,
    `${ok}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n`,
    `${ok}Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n\r\n`,
    `${ok}Transfer-Encoding: chunked\r\n\r\nffffffff\r\n\r\n`,
    `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n`,
    `${ok}Transfer-Encoding: chunked\r\n\r\n\r\n`,
    `${ok}X: ${'x'.repeat(70_000)}`,
    `${ok}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(2_000)}`,
    'HTTP/1.1 100 Continue\r\n\r\n'.repeat(17),
  ]) {
    assert.throws(() => parse([Buffer.from(text)]), undefined, JSON.stringify(text.slice(0, 80)))
    const [half, rest] = [text.slice(0, text.length / 2), text.slice(text.length / 2)]
    assert.throws(() => parse([Buffer.from(half), Buffer.from(rest)]))
  }
})

test('a large body comes in many pieces, and its end is found', () => {
  const body = 'ä'.repeat(300_000)
  const text = `HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n${body}HTTP/1.1 204 X\r\n\r\n`
  const bytes = Buffer.from(text)
  const pieces = []
  for (let at = 0; at < bytes.length; at += 1_001) pieces.push(bytes.subarray(at, at + 1_001))
  const [first, second] = parse(pieces)
  assert.ok(first?.body === body)
  assert.is(second?.status, 204)
})

test.run()

function parse(pieces: readonly Buffer[]): Answer[] {
  const answers: Answer[] = []
  const parser = createResponseParser((answer) => answers.push(answer))
  for (const piece of pieces) parser.push(piece)
  return answers
}

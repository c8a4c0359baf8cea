/**
 * HTTP/1.1 as RFC 9112 has it, beyond what stands in guard.long.test.ts: bytes that two programs could
 * read in two ways are refused, on a connection that closes, and do nothing.
 */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listenRaw, parseAnswer, refusalIn } from '../../kit/clients/raw-http.ts'

const test = suite('http/1.1')

const CHUNKED = '1\r\n1\r\n0\r\n\r\n'

const BAD_FRAMING: Record<string, string> = {
  'Transfer-Encoding in HTTP/1.0': put(['Transfer-Encoding: chunked'], CHUNKED, {
    version: 'HTTP/1.0',
  }),
  'Transfer-Encoding in HTTP/1.0, kept alive': put(
    ['Transfer-Encoding: chunked', 'Connection: keep-alive'],
    CHUNKED,
    { version: 'HTTP/1.0' },
  ),
  'two Transfer-Encodings': put(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']),
  'identity, then chunked': put(['Transfer-Encoding: identity', 'Transfer-Encoding: chunked']),
  'chunked, then identity': put(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']),
  'a folded Transfer-Encoding': put(['Transfer-Encoding:', ' chunked']),
  'a space before the colon of Transfer-Encoding': put(['Transfer-Encoding : chunked']),
  'a Transfer-Encoding beside an empty Content-Length': put([
    'Transfer-Encoding: chunked',
    'Content-Length:',
  ]),
  'a Transfer-Encoding after a Content-Length of 0': put([
    'Content-Length: 0',
    'Transfer-Encoding: chunked',
  ]),
  'an expectation, a Transfer-Encoding and a Content-Length': put([
    'Expect: 100-continue',
    'Transfer-Encoding: chunked',
    'Content-Length: 1',
  ]),
  ...named('the Transfer-Encoding', (value) => put([`Transfer-Encoding:${value}`]), [
    '',
    ' identity',
    ' x',
    ' gzip, chunked',
    ' chunked, gzip',
    ' chunked, chunked',
    ' ,chunked',
    ' "chunked"',
    ' chunked;a=b',
    '\vchunked',
    ' chunked\0',
  ]),
  ...named('the Content-Length', (value) => put([`Content-Length:${value}`], '1'), [
    '',
    ' +1',
    ' 1, 1',
    ' 1 1',
    ' 1;',
    ' 1_0',
    ' 1.0',
    ' 1e0',
    ' \v1',
    ' 18446744073709551617',
    ' 1\r\nContent-Length: 1',
  ]),
}

const BAD_CHUNKS: Record<string, string> = {
  ...named('the chunks', (body) => put(['Transfer-Encoding: chunked'], body), [
    '0x1\r\n1\r\n0\r\n\r\n',
    '-1\r\n1\r\n0\r\n\r\n',
    '+1\r\n1\r\n0\r\n\r\n',
    '1 \r\n1\r\n0\r\n\r\n',
    ' 1\r\n1\r\n0\r\n\r\n',
    '\r\n1\r\n0\r\n\r\n',
    '10000000000000001\r\n1\r\n0\r\n\r\n',
    // A line ends with CRLF, and with nothing less.
    '1\n1\n0\n\n',
    '1\n1\r\n0\r\n\r\n',
    '1\r\n1\n0\r\n\r\n',
    '1\r\n1\r\n0\n\n',
    '1\r\n1\r\n0\r\n\n',
    // Another end than the size says.
    '1\r\n10\r\n\r\n',
    '1\r\n12\r\n0\r\n\r\n',
    // Extensions are passed over, but for what is no character of theirs.
    '1;a\nb\r\n1\r\n0\r\n\r\n',
    '1;a\rb\r\n1\r\n0\r\n\r\n',
    '1;a\0b\r\n1\r\n0\r\n\r\n',
    `1;${'a'.repeat(20_000)}\r\n1\r\n0\r\n\r\n`,
    // Trailers cannot frame the message that they end.
    '1\r\n1\r\n0\r\nContent-Length: 5\r\n\r\n',
    '1\r\n1\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n',
    '1\r\n1\r\n0\r\nno colon\r\n\r\n',
  ]),
}

const BAD_LINES: Record<string, string> = {
  'line feeds alone': put(['Content-Length: 1'], '1').replaceAll('\r\n', '\n'),
  'a line feed alone after a header': put(['X: a\nContent-Length: 1'], '1'),
  'a line feed alone after the headers': put(['Content-Length: 1'], '1').replace(/\n\r\n/, '\n\n'),
  ...named('the version', (version) => put(['Content-Length: 1'], '1', { version }), [
    'HTTP/0.9',
    'HTTP/1.2',
    'HTTP/1.11',
    'HTTP/2.0',
    'http/1.1',
    'HTTP/1.1 ',
    'RTSP/1.0',
  ]),
  'a space before the method': ` ${put(['Content-Length: 1'], '1')}`,
  'tabs in its first line': put(['Content-Length: 1'], '1').replace(
    ' /session/k ',
    '\t/session/k\t',
  ),
  'a method in small letters': put(['Content-Length: 1'], '1').replace('PUT', 'put'),
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ...named('the header', (line) => put([line, 'Content-Length: 1'], '1'), [
    'no colon',
    'A\0b: 1',
    'A b: 1',
    'A(b: 1',
    'Äb: 1',
    'X: \x01',
    'X: \x7f',
    'X: a\r',
    'X: a\r\n\tb',
    'X: a\r\n ',
  ]),
  'a first header that is folded': put([], '').replace('Host', ' Host: localhost\r\nHost'),
}

for (const [what, bytes] of Object.entries({ ...BAD_FRAMING, ...BAD_CHUNKS, ...BAD_LINES })) {
  test(`${what}: 400 on a connection that closes, and nothing is done`, async () => {
    const { send, countSessions, stop } = await listenRaw()
    // What follows in the same packet would be done on a connection that stays open.
    const next = put(['Content-Length: 1'], '1')
    assert.is(refusalIn(await send(Buffer.from(bytes + next, 'latin1'))), '400 bad_request')
    assert.is(countSessions(), 0)
    await stop()
  })
}

/** What RFC 9112 lets a recipient take, and what stands for one thing only. */
const TAKEN: Record<string, string> = {
  // A tab is as good as a space around a value, and case does not count.
  ...named('the Transfer-Encoding', (value) => put([`Transfer-Encoding:${value}`]), [
    'chunked',
    '\tchunked',
    ' chunked ',
    ' CHUNKED',
  ]),
  ...named('the chunks', (body) => put(['Transfer-Encoding: chunked'], body), [
    '1;a=b\r\n1\r\n0\r\n\r\n',
    '01\r\n1\r\n00\r\n\r\n',
    '1\r\n1\r\n0\r\nX: a\r\n\r\n',
  ]),
  // Section 2.2: an empty line before a request is passed over.
  'an empty line first': `\r\n${put(['Content-Length: 1'], '1')}`,
  'a Content-Length of 01': put(['Content-Length: 01'], '1'),
  // What is no header of HTTP is no framing either.
  'an underscore for the hyphen': put(['Transfer_Encoding: chunked', 'Content-Length: 1'], '1'),
}

for (const [what, bytes] of Object.entries(TAKEN)) {
  test(`${what}: taken, once`, async () => {
    const { send, countSessions, stop } = await listenRaw()
    const refused = 'no request\r\n\r\n'
    const { status, rest } = parseAnswer(await send(bytes + refused))
    assert.is(status, 204)
    assert.is(refusalIn(rest), '400 bad_request')
    assert.is(countSessions(), 1)
    await stop()
  })
}

test('the fields of a trailer are no headers', async () => {
  const { send, stop } = await listenRaw()
  const created = await send(put(['Content-Length: 1', 'Connection: close'], '1'))
  const cookie = parseAnswer(created).headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const trailer = `2\r\n42\r\n0\r\nCookie: ${cookie}\r\nHost: other\r\n\r\n`
  await send(put(['Transfer-Encoding: chunked', 'Connection: close'], trailer))
  const get = `GET /session/k HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`
  assert.is(parseAnswer(await send(get)).body, '1\n')
  await stop()
})

// What nginx sends to a back end unless told otherwise, and many a health check: it has to work.
test('a request of HTTP/1.0 with a Host and no coding is answered, and the connection closes', async () => {
  const { send, countSessions, stop } = await listenRaw()
  const written = await send(put(['Content-Length: 1'], '1', { version: 'HTTP/1.0' }))
  assert.is(parseAnswer(written).status, 204)
  assert.is(countSessions(), 1)
  const cookie = parseAnswer(written).headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const read = await send(`GET /session/k HTTP/1.0\r\nHost: localhost\r\nCookie: ${cookie}\r\n\r\n`)
  assert.is(parseAnswer(read).status, 200)
  assert.is(parseAnswer(read).body, '1\n')
  await stop()
})

test('an offer of another protocol is passed over', async () => {
  const { send, countSessions, stop } = await listenRaw()
  const offer = ['Connection: Upgrade, close', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQ']
  const answer = await send(put([...offer, 'Content-Length: 1'], '1'))
  assert.is(parseAnswer(answer).status, 204)
  assert.is(countSessions(), 1)
  await stop()
})

test('bytes that are no request do not overtake the answers to the requests before them', async () => {
  for (const ending of [
    'no request\r\n\r\n',
    put(['Transfer-Encoding: chunked'], 'zz\r\n'),
    put(['Content-Length: 9', 'Content-Length: 9'], ''),
    put(['Transfer-Encoding: gzip, chunked']),
  ]) {
    const { send, countSessions, stop } = await listenRaw()
    let rest = await send(put(['Content-Length: 1'], '1').repeat(2) + ending)
    const statuses = []
    while (rest !== '') {
      const answer = parseAnswer(rest)
      statuses.push(answer.status)
      rest = answer.rest
    }
    assert.equal(statuses, [204, 204, 400], ending)
    assert.is(countSessions(), 2)
    await stop()
  }
})

test('a CONNECT opens no tunnel', async () => {
  const { send, countSessions, stop } = await listenRaw()
  const tunnel = 'CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n'
  assert.not.match(await send(tunnel + put(['Content-Length: 1'], '1')), /^HTTP\/1.1 [25]/)
  assert.is(countSessions(), 0)
  await stop()
})

/** A write that makes a session, if it is done. */
function put(lines: readonly string[], body = CHUNKED, { version = 'HTTP/1.1' } = {}): string {
  return [`PUT /session/k ${version}`, 'Host: localhost', ...lines, '', body].join('\r\n')
}

function named(
  what: string,
  render: (value: string) => string,
  values: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    values.map((value) => [`${what} ${JSON.stringify(value.slice(0, 40))}`, render(value)]),
  )
}

test.run()

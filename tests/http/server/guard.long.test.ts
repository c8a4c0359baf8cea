/** What stands in front of the framework, met over real sockets with bytes that no client library sends. */
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HOUR } from '../../kit/store/limits.ts'
import {
  listenRaw,
  parseAnswer,
  rawRequest,
  readToEnd,
  refusalIn,
} from '../../kit/clients/raw-http.ts'

const test = suite('guard')

/** What is refused, on the connection that it came on, as a bad request. */
const BAD_REQUESTS: Record<string, string> = {
  'with two Host headers': rawRequest('PUT /session/k', ['Host: localhost'], '1'),
  'with two Content-Type headers': rawRequest(
    'PUT /session/k',
    ['Content-Type: text/plain', 'content-type: application/json'],
    '1',
  ),
  'with two Authorization headers': rawRequest(
    'PUT /session/k',
    ['Authorization: Bearer a', 'AUTHORIZATION: Bearer b'],
    '1',
  ),
  'with two Session-Token headers': rawRequest(
    'PUT /session/k',
    ['Session-Token: a', 'session-TOKEN: a'],
    '1',
  ),
  'with two Content-Length headers': rawRequest('PUT /session/k', ['Content-Length: 2'], '1'),
  'without a Host': 'PUT /session/k HTTP/1.1\r\nContent-Length: 1\r\n\r\n1',
  'with two Host headers, in HTTP/1.0': 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n',
  'with two empty Host headers': 'GET / HTTP/1.1\r\nHost:\r\nHost:\r\n\r\n',
  'with user information in its Host': withHost('ada@localhost'),
  'with a path in its Host': withHost('localhost/x'),
  'with two hosts in its Host': withHost('localhost, other'),
  'with a space in its Host': withHost('local host'),
  'with a port that is none in its Host': withHost('localhost:80a'),
  'with a name that is not ASCII in its Host': withHost('müsli'),
  'with an address that is none in its Host': withHost('999.999.999.999'),
  'with an address that is short for another one in its Host': withHost('127.1'),
  'with an IPv6 address that is none in its Host': withHost('[::::]'),
  'with a zone in its Host': withHost('[::1%25lo]'),
  'with an address in hexadecimal in its Host': withHost('0x7f.1'),
  'with an IPv4 address in brackets in its Host': withHost('[127.0.0.1]'),
  'with an escape in its Host': withHost('localhost%41'),
  'with an escape that is none in its Host': withHost('localhost%zz'),
  'with a port that is empty in its Host': withHost('localhost:'),
  'with a port that is too large in its Host': withHost('localhost:65536'),
  'with user information in its target': rawRequest('PUT http://a:b@localhost/session/k', [], '1'),
  'with user information and no path': rawRequest('GET http://ada@localhost'),
  'with an absolute target of another scheme': rawRequest('GET ftp://localhost/session'),
  'with an absolute target without a host': rawRequest('GET http:///session'),
  'with a backslash after the host of its target': rawRequest(
    'GET http://localhost\\@evil/session',
  ),
  'with a fragment in its target': rawRequest('PUT /session/k#x', [], '1'),
  'with a backslash in its path': rawRequest('PUT /session/a\\b', [], '1'),
  'with an expectation and two Host headers': rawRequest(
    'PUT /session/k',
    ['Host: localhost', 'Expect: 200-maybe'],
    '1',
  ),
  'with a target that is not ASCII': rawRequest('PUT /session/ké', [], '1'),
  'with a control character in its target': rawRequest('PUT /session/k\u0001', [], '1'),
  'with a star for its target': rawRequest('GET *'),
  'with a star and more for its target': rawRequest('OPTIONS *x'),
  'with a target that is no path': rawRequest('GET session'),
  'with a Content-Length beside a Transfer-Encoding': rawRequest(
    'PUT /session/k',
    ['Transfer-Encoding: chunked'],
    '1\r\n1\r\n0\r\n\r\n',
  ),
  'with a Transfer-Encoding that is not known': rawRequest('PUT /session/k', [
    'Transfer-Encoding: xchunked',
  ]),
  'with a negative Content-Length': rawRequest('PUT /session/k', ['Content-Length: -1']),
  'with a Content-Length in hexadecimal': rawRequest('PUT /session/k', ['Content-Length: 0x1']),
  'with a folded header': rawRequest('PUT /session/k', ['X-Folded: a', ' b'], '1'),
  'with a NUL in a header': rawRequest('PUT /session/k', ['X-Nul: a\0b'], '1'),
  'with a bare CR in a header': rawRequest('PUT /session/k', ['X-Cr: a\rb'], '1'),
  'with a space before the colon of a header': rawRequest('PUT /session/k', ['X-Space : a'], '1'),
  'with a header that has no name': rawRequest('PUT /session/k', [': a'], '1'),
  'with a method that does not exist': rawRequest('FETCH /session/k'),
  'of HTTP/0.9': 'GET /session\r\n\r\n',
  'of TLS': '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001',
}

for (const [what, bytes] of Object.entries(BAD_REQUESTS)) {
  test(`a request ${what} is 400 on a connection that closes, and does nothing`, async () => {
    const { send, countSessions, stop } = await listenRaw()
    assert.is(refusalIn(await send(Buffer.from(bytes, 'latin1'))), '400 bad_request')
    assert.is(countSessions(), 0)
    await stop()
  })
}

test('a chunk that is malformed ends the connection, and nothing is written', async () => {
  const { send, countSessions, stop } = await listenRaw()
  const head = 'PUT /session/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'
  assert.is(refusalIn(await send(`${head}1\r\n1\r\nzz\r\n`)), '400 bad_request')
  assert.is(countSessions(), 0)
  await stop()
})

test('a request after one that was refused, on the same connection, does nothing', async () => {
  const { send, countSessions, stop } = await listenRaw()
  const refused = 'GET /session HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n'
  const smuggled = rawRequest('PUT /session/k', [], '1')
  assert.is(refusalIn(await send(refused + smuggled)), '400 bad_request')
  assert.is(countSessions(), 0)
  await stop()
})

test('a method that is unknown is told so, as one in small letters is', async () => {
  const { send, stop } = await listenRaw()
  for (const line of ['patch /session/k', 'FETCH /session/k', 'Get /session']) {
    const { status, body } = parseAnswer(await send(rawRequest(line, [], '1')))
    assert.is(status, 400, line)
    assert.match(String(body), 'its method is unknown; methods are written in capitals, as in GET')
  }
  await stop()
})

test('headers over the limit are 431', async () => {
  const { send, stop } = await listenRaw({ headerLimitBytes: 2_000 })
  const within = await send(rawRequest('GET /session', [`X-Large: ${'x'.repeat(1_500)}`]))
  assert.is(parseAnswer(within).status, 404)
  const answer = await send(rawRequest('GET /session', [`X-Large: ${'x'.repeat(2_500)}`]))
  assert.is(refusalIn(answer), '431 header_too_large')
  await stop()
})

test('headers that do not end in time are 408, within seconds', async () => {
  const { send, stop } = await listenRaw({ headerTimeoutMs: 200 })
  const began = performance.now()
  const answer = await send('GET /session HTTP/1.1\r\nHost: localhost\r\n')
  assert.is(refusalIn(answer), '408 request_timeout')
  assert.ok(performance.now() - began < 10_000)
  await stop()
})

test('a body that does not end in time is 408, and nothing is written', async () => {
  const { send, countSessions, stop } = await listenRaw({
    headerTimeoutMs: 200,
    requestTimeoutMs: 400,
  })
  const head = 'PUT /session/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n'
  assert.is(refusalIn(await send(`${head}"a`)), '408 request_timeout')
  assert.is(countSessions(), 0)
  await stop()
})

test('a client that does not take its answer is cut off', async () => {
  const limits = {
    headerTimeoutMs: 2_000,
    requestTimeoutMs: 2_000,
    sessionLimitBytes: 2 ** 24,
    bodyLimitBytes: 2 ** 24,
  }
  const { open, send, stop } = await listenRaw(limits)
  const put = await send(rawRequest('PUT /session/k', [], `"${'x'.repeat(2 ** 23)}"`))
  const cookie = parseAnswer(put).headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const socket = await open()
  socket.on('error', () => {})
  // More than the kernel holds for a reader, so that some of it stays with the server.
  const get = `GET /session/k HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n\r\n`
  socket.write(get.repeat(4))
  await once(socket, 'readable')
  // It learns of its end by writing, since it does not read.
  const probing = setInterval(() => socket.write('\r\n'), 100)
  await new Promise((resolve) => socket.once('close', resolve))
  clearInterval(probing)
  await stop()
})

test('a request that was given up is not done when the rest of it comes late', async () => {
  const { open, countSessions, stop } = await listenRaw({
    headerTimeoutMs: 200,
    requestTimeoutMs: 200,
  })
  const late = await open()
  late.on('error', () => {})
  late.write('PUT /session/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"a')
  assert.is(refusalIn(await readToEnd(late)), '408 request_timeout')
  late.write('da"')
  late.end()
  await once(late, 'close')
  await stop()
  assert.is(countSessions(), 0)
})

test('a connection too many is 503 with Retry-After, and what it asks is not done', async () => {
  const { open, countSessions, stop } = await listenRaw({ maxConnections: 2 })
  const first = await open()
  const second = await open()
  const third = await open()
  third.write(rawRequest('PUT /session/k', [], '1'))
  const answer = await readToEnd(third)
  assert.is(refusalIn(answer), '503 overloaded')
  assert.is(parseAnswer(answer).headers.get('retry-after'), '1')

  // The others go on.
  first.write(rawRequest('GET /session'))
  assert.is(parseAnswer(await readToEnd(first)).status, 404)
  assert.is(countSessions(), 0)
  for (const socket of [first, second, third]) socket.destroy()
  await stop()
})

test('a place is free again when a connection closes', async () => {
  const { open, send, stop } = await listenRaw({ maxConnections: 1 })
  const first = await open()
  assert.is(refusalIn(await send('')), '503 overloaded')
  first.destroy()
  await once(first, 'close')
  let status = 503
  // The server may learn of the end a little later.
  while (status === 503) {
    await turn()
    status = parseAnswer(await send(rawRequest('GET /session'))).status
  }
  assert.is(status, 404)
  await stop()
})

test('a client that keeps its side open after a refusal does not keep the server', async () => {
  const { open, stop } = await listenRaw({ maxConnections: 2 })
  const malformed = await open()
  malformed.write('this is not HTTP\r\n\r\n')
  assert.is(refusalIn(await readToEnd(malformed)), '400 bad_request')
  const idle = await open()
  const tooMany = await open()
  assert.is(refusalIn(await readToEnd(tooMany)), '503 overloaded')
  await stop(HOUR)
  for (const socket of [malformed, idle, tooMany]) socket.destroy()
})

test('a request of HTTP/1.0 needs no Host', async () => {
  const { send, countSessions, stop } = await listenRaw()
  const read = await send('GET /healthz HTTP/1.0\r\n\r\n')
  assert.is(parseAnswer(read).status, 200)
  const written = await send('PUT /session/k HTTP/1.0\r\nContent-Length: 1\r\n\r\n1')
  assert.is(parseAnswer(written).status, 204)
  // No page of any origin is one of a host that nobody named.
  const page = 'Origin: http://no-host.invalid\r\nContent-Length: 1\r\n\r\n1'
  for (const head of ['PUT /session/k HTTP/1.0\r\n', 'PUT /session/k HTTP/1.0\r\nHost:\r\n']) {
    const foreign = await send(`${head}${page.replace('no-host.invalid', 'localhost')}`)
    assert.is(parseAnswer(foreign).status, 403)
  }
  assert.is(countSessions(), 1)
  await stop()
})

for (const target of ['*', '/', 'http://localhost', 'http://localhost/']) {
  test(`OPTIONS ${target} is answered, as a health check wants it`, async () => {
    const { send, stop } = await listenRaw()
    for (const version of ['1.0', '1.1']) {
      const bytes = `OPTIONS ${target} HTTP/${version}\r\nHost: a\r\nConnection: close\r\n\r\n`
      const { status, headers } = parseAnswer(await send(bytes))
      assert.is(status, 204, version)
      assert.match(headers.get('allow') ?? '', 'OPTIONS')
    }
    await stop()
  })
}

test('a client that closes its side gets the answers to all that it asked before', async () => {
  const { open, countSessions, stop } = await listenRaw()
  const put = 'PUT /session/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1'
  const get = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
  for (const [asked, expected] of [
    [put, [204]],
    [put + get + put, [204, 200, 204]],
    [get.repeat(3), [200, 200, 200]],
    ['', []],
    // What is no whole request is none, and what came before it is answered all the same.
    [put.slice(0, -1), [400]],
    [put.slice(0, 30), [400]],
    [put + get.slice(0, -2), [204, 400]],
  ] as const) {
    const socket = await open()
    socket.end(asked)
    let rest = await readToEnd(socket)
    const statuses: number[] = []
    while (rest !== '') {
      const answer = parseAnswer(rest)
      statuses.push(answer.status)
      rest = answer.rest
    }
    assert.equal(statuses, expected, JSON.stringify(asked))
    if (!socket.destroyed) await once(socket, 'close')
  }
  assert.is(countSessions(), 4)
  await stop(HOUR)
})

test('a connection on which nothing came is closed without a word, and others are told 408', async () => {
  const limits = { headerTimeoutMs: 200, requestTimeoutMs: 200, keepAliveTimeoutMs: 200 }
  const { open, stop } = await listenRaw(limits)
  const get = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const [silent, begun, used] = await Promise.all([open(), open(), open()])
  const answers = [silent, begun, used].map(readToEnd)
  begun.write('G')
  used.write(get)
  const [nothing = '', refused = '', answered = ''] = await Promise.all(answers)
  assert.is(nothing, '')
  assert.is(refusalIn(refused), '408 request_timeout')
  const { status, rest } = parseAnswer(answered)
  assert.equal([status, rest], [200, ''])
  for (const socket of [silent, begun, used]) socket.destroy()
  await stop()
})

test('a GET that announces a body and sends none is the last of its connection', async () => {
  const { open, stop } = await listenRaw()
  for (const announced of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
    const socket = await open()
    socket.write(`GET /verify HTTP/1.1\r\nHost: localhost\r\n${announced}\r\n\r\n`)
    const answer = parseAnswer(await readToEnd(socket))
    assert.equal([answer.status, answer.headers.get('connection')], [401, 'close'], announced)
    socket.destroy()
  }
  await stop()
})

test('whatever stands behind /verify in the target, and however its body comes, it is 401 at worst', async () => {
  const { send, stop } = await listenRaw()
  const put = await send(rawRequest('PUT /session/k', [], '1'))
  const cookie = parseAnswer(put).headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  for (const bytes of [
    rawRequest('GET /verify/a\\b?c#d', [`Cookie: ${cookie}`]),
    rawRequest('GET /verify/a#b?c', [`Cookie: ${cookie}`]),
    rawRequest('POST /verify/form', [`Cookie: ${cookie}`], 'a=1'),
    rawRequest('POST /verify', [`Cookie: ${cookie}`, 'Expect: 100-continue'], 'a=1'),
    rawRequest('POST /verify', [`Cookie: ${cookie}`, 'Content-Length: 9']),
    rawRequest('PUT /verify', [`Cookie: ${cookie}`, 'Transfer-Encoding: chunked'], ''),
    rawRequest('GET http://localhost/verify/x?y', [`Cookie: ${cookie}`]),
  ]) {
    const what = bytes.slice(0, 40)
    assert.is(parseAnswer(await send(Buffer.from(bytes, 'latin1'))).status, 200, what)
    const without = bytes.replace(/Cookie: .*\r\n/, '')
    assert.is(parseAnswer(await send(Buffer.from(without, 'latin1'))).status, 401, what)
  }
  await stop()
})

test('an absolute target is taken as its path, and its host as the Host', async () => {
  const { send, countSessions, stop } = await listenRaw()
  for (const target of ['http://localhost/session/k', 'HTTP://example.com:80/session/k?x=1']) {
    const answer = await send(rawRequest(`PUT ${target}`, [], '"ada"'))
    assert.is(parseAnswer(answer).status, 204, target)
  }
  assert.is(countSessions(), 2)
  const root = parseAnswer(await send(rawRequest('GET http://localhost')))
  assert.is(root.status, 404)
  assert.is(JSON.parse(root.body).code, 'route_not_found')
  await stop()
})

test('the host of an absolute target counts, whatever the Host says', async () => {
  const { send, stop } = await listenRaw()
  const put = (origin: string) =>
    `PUT http://localhost/session/k HTTP/1.1\r\nHost: other\r\nOrigin: ${origin}\r\n` +
    'Connection: close\r\nContent-Length: 1\r\n\r\n1'
  assert.is(parseAnswer(await send(put('http://other'))).status, 403)
  assert.is(parseAnswer(await send(put('http://localhost'))).status, 204)
  await stop()
})

for (const host of [
  'localhost',
  'localhost:7377',
  '127.0.0.1',
  '[::1]',
  '[::1]:80',
  'a_b.c-d',
  'LocalHost:80',
  'xn--msli-0ra.example.',
  '[0::1]',
  '[0:0:0:0:0:0:0:1]:7377',
  '[::ffff:127.0.0.1]',
  '[::FFFF:7F00:1]:80',
  '',
]) {
  test(`the Host ${host} is taken`, async () => {
    const { send, stop } = await listenRaw()
    const bytes = `GET /session HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    const { status, body } = parseAnswer(await send(bytes))
    assert.is(status, 404)
    assert.is(JSON.parse(body).code, 'session_not_found')
    await stop()
  })
}

function withHost(host: string): string {
  return `PUT /session/k HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1\r\n\r\n1`
}

test.run()

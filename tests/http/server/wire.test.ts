/** The app behind a real socket, where a library in between would change what is sent or read. */
import { once } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listenRaw, parseAnswer, rawRequest, readToEnd } from '../../kit/clients/raw-http.ts'

const test = suite('wire')

for (const chunk of ['400', '1']) {
  test(`a chunked body over the limit is 413, in chunks of 0x${chunk} bytes`, async () => {
    const { send, countSessions, stop } = await listenRaw({ bodyLimitBytes: 1_000 })
    const part = `${chunk}\r\n${'1'.repeat(Number.parseInt(chunk, 16))}\r\n`
    const body = part.repeat(Math.ceil(1_024 / Number.parseInt(chunk, 16)))
    const head = rawRequest('PUT /session/k', ['Transfer-Encoding: chunked'])
    const { status, body: problem } = parseAnswer(await send(`${head}${body}0\r\n\r\n`))
    assert.is(status, 413)
    assert.is(JSON.parse(problem).code, 'body_too_large')
    assert.is(countSessions(), 0)
    await stop()
  })
}

test('a body that is declared over the limit is 413 before it is sent', async () => {
  const { send, stop } = await listenRaw({ bodyLimitBytes: 1_000 })
  const answer = await send(rawRequest('PUT /session/k', ['Content-Length: 1001']))
  assert.is(parseAnswer(answer).status, 413)
  await stop()
})

test('a chunked body within the limit is taken, wherever its bytes are cut', async () => {
  const { send, stop } = await listenRaw()
  const chunks = [...Buffer.from('"\u00e9😀"')].map((byte) => {
    return Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')])
  })
  const head = rawRequest('PUT /session/k', ['Transfer-Encoding: chunked'])
  const put = await send(Buffer.concat([Buffer.from(head), ...chunks, Buffer.from('0\r\n\r\n')]))
  const got = await send(rawRequest('GET /session/k', [cookieLine(put)]))
  assert.is(Buffer.from(parseAnswer(got).body, 'latin1').toString(), '"\u00e9😀"\n')
  await stop()
})

test('an answer to HEAD has the headers of GET and no body', async () => {
  const { send, stop } = await listenRaw()
  const put = await send(rawRequest('PUT /session/user', [], '"ada"'))
  const head = await send(rawRequest('HEAD /session/user', [cookieLine(put)]))
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/)
  assert.match(head, /\r\netag: "1"\r\n/i)
  assert.is(head.indexOf('\r\n\r\n'), head.length - 4)
  const missing = await send(rawRequest('HEAD /session/other', [cookieLine(put)]))
  assert.is(parseAnswer(missing).status, 404)
  assert.is(missing.indexOf('\r\n\r\n'), missing.length - 4)
  const refused = await send(rawRequest('HEAD /session', ['Host: other']))
  assert.is(parseAnswer(refused).status, 400)
  assert.is(refused.indexOf('\r\n\r\n'), refused.length - 4)
  await stop()
})

for (const [segment, key] of Object.entries({
  '%2e%2e': '..',
  '..': '..',
  '.': '.',
  '%2E': '.',
  'a%2Fb': 'a/b',
  'a%2F..%2F..%2Fb': 'a/../../b',
  'a%5Cb': 'a\\b',
  'a%3Fb%23c': 'a?b#c',
  '%25zz': '%zz',
  'a+b%20c': 'a+b c',
  'a;b=c': 'a;b=c',
  '%F0%9F%98%80': '😀',
  'caf%C3%A9': 'café',
  __proto__: '__proto__',
})) {
  test(`the key ${segment} of a raw path is ${JSON.stringify(key)}, and no other`, async () => {
    const { send, stop } = await listenRaw()
    const put = await send(rawRequest(`PUT /session/${segment}`, [], '1.0'))
    assert.is(parseAnswer(put).status, 204)
    const one = parseAnswer(await send(rawRequest(`GET /session/${segment}`, [cookieLine(put)])))
    assert.is(one.body, '1.0\n')
    const all = parseAnswer(await send(rawRequest('GET /session', [cookieLine(put)])))
    const { data } = JSON.parse(Buffer.from(all.body, 'latin1').toString())
    assert.equal(Object.entries(data), [[key, 1]])
    await stop()
  })
}

for (const value of ['ada', 'a b', 'ädä 😀', 'Zoë', '日本', '"quoted"', 'a=b&c', '%41', '%']) {
  test(`the cookie value ${value} comes back byte for byte`, async () => {
    const { send, stop } = await listenRaw()
    const set = await send(rawRequest('PUT /cookies/name', [], JSON.stringify({ value })))
    assert.is(parseAnswer(set).status, 204)
    const get = rawRequest('GET /cookies/name', ['Accept: text/plain', cookieLine(set)])
    const { status, body } = parseAnswer(await send(Buffer.from(get, 'latin1')))
    assert.is(status, 200)
    assert.is(Buffer.from(body, 'latin1').toString(), value)
    await stop()
  })
}

test('TRACE is 405, and sends nothing back of the request', async () => {
  const server = await listenRaw()
  const bytes = await server.send(rawRequest('TRACE /session', ['Cookie: sid=a-secret']))
  assert.is(parseAnswer(bytes).status, 405)
  assert.not.match(bytes, 'a-secret')
  await server.stop()
})

test('a backslash in a query stands for itself', async () => {
  const { send, stop } = await listenRaw()
  const { body } = parseAnswer(await send(rawRequest('GET /session/k?default="\\u00e9\\\\"')))
  assert.is(body, '"\\u00e9\\\\"\n')
  await stop()
})

test('an expectation that nobody knows is passed over', async () => {
  const { send, stop } = await listenRaw()
  const expecting = rawRequest('PUT /session/k', ['Expect: 200-maybe'], '1')
  assert.is(parseAnswer(await send(expecting)).status, 204)
  const proper = await send(rawRequest('PUT /session/k', ['Expect: 100-continue'], '1'))
  assert.match(proper, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 204 /)
  await stop()
})

test('requests in one packet are answered in their order, slow ones before quick ones', async () => {
  const { send, stop } = await listenRaw()
  const put = await send(rawRequest('PUT /session/hits', [], '0'))
  const requests = Array.from({ length: 10 }, (_, n) => {
    // A write waits for its commit, a read for nothing.
    const body = '{"increment":1}'
    const write = rawRequest('PATCH /session/hits', [cookieLine(put)], body)
    return n % 2 === 0 ? write : rawRequest('GET /session/absent?default=true', [cookieLine(put)])
  })
  const bytes = requests.join('').replaceAll('Connection: close\r\n', '')
  let rest = await send(bytes + rawRequest('GET /session/absent?default=false'))
  const bodies = []
  while (rest !== '') {
    const answer = parseAnswer(rest)
    bodies.push(answer.body.trimEnd())
    rest = answer.rest
  }
  assert.equal(bodies, ['1', 'true', '2', 'true', '3', 'true', '4', 'true', '5', 'true', 'false'])
  await stop()
})

for (const [what, isUsed] of [
  ['idle connections', true],
  ['new connections', false],
] as const) {
  test(`requests that were on their way over ${what} when the stop began are answered`, async () => {
    const { open, stop } = await listenRaw()
    const request = rawRequest('GET /cookies').replace('Connection: close\r\n', '')
    const sockets = await Promise.all(Array.from({ length: 20 }, open))
    if (isUsed) {
      for (const socket of sockets) {
        socket.write(request)
        await once(socket, 'data')
      }
    }
    const answered = sockets.map(readToEnd)
    // The kernel has them, and in this turn of the loop nobody can have read them.
    for (const socket of sockets) socket.write(request)
    const stopped = stop()
    for (const answer of (await Promise.all(answered)).map(parseAnswer)) {
      assert.is(answer.status, 200)
      assert.is(answer.headers.get('connection'), 'close')
    }
    for (const socket of sockets) socket.destroy()
    await stopped
  })
}

test('a request in the middle of a stop is answered, and its connection closes', async () => {
  const { open, stop } = await listenRaw()
  const socket = await open()
  const text = rawRequest('PUT /session/user', [], '"ada"').replace('Connection: close\r\n', '')
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
  const ended = new Promise((resolve) => socket.once('end', resolve))
  socket.write(`${text}${text.slice(0, -2)}`)
  while (answer === '') await new Promise((resolve) => socket.once('data', resolve))

  const stopped = stop(10_000)
  socket.write(text.slice(-2))
  await ended
  const second = parseAnswer(parseAnswer(answer).rest)
  assert.is(second.status, 204)
  assert.is(second.headers.get('connection'), 'close')
  socket.destroy()
  await stopped
})

/** The cookie that an answer sets, as a client sends it. */
function cookieLine(answer: string): string {
  return `Cookie: ${parseAnswer(answer).headers.get('set-cookie')?.split(';', 1)[0] ?? ''}`
}

test.run()

/** Each limit at its edge and one over, over real sockets, however the body says how long it is. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ServerOptions } from '../../kit/process/open-server.ts'
import {
  listenRaw,
  parseAnswer,
  rawRequest,
  readToEnd,
  refusalIn,
} from '../../kit/clients/raw-http.ts'

const test = suite('limits over the wire')

type Limit = {
  readonly options: ServerOptions
  readonly line: string
  readonly within: string
  readonly over: string
  readonly refusal: string
}

const LIMITS: Readonly<Record<string, Limit>> = {
  '--body-limit': {
    options: { bodyLimitBytes: 1_000 },
    line: 'PUT /session/k',
    within: `"${'a'.repeat(998)}"`,
    over: `"${'a'.repeat(999)}"`,
    refusal: '413 body_too_large',
  },
  '--session-limit': {
    options: { sessionLimitBytes: 500 },
    line: 'PUT /session/k',
    // {"k":…} and the claims {}.
    within: `"${'a'.repeat(490)}"`,
    over: `"${'a'.repeat(491)}"`,
    refusal: '413 session_too_large',
  },
  '--key-limit': {
    options: { keyLimitBytes: 10 },
    line: 'PATCH /session',
    within: `{"data":{"${'a'.repeat(10)}":1}}`,
    over: `{"data":{"${'a'.repeat(11)}":1}}`,
    refusal: '422 invalid_key',
  },
  '--max-keys': {
    options: { maxKeys: 2 },
    line: 'PATCH /session',
    within: '{"data":{"a":1,"b":1}}',
    over: '{"data":{"a":1,"b":1,"c":1}}',
    refusal: '422 too_many_keys',
  },
  '--max-depth': {
    options: { maxDepth: 3 },
    line: 'PUT /session/k',
    within: '[[{}]]',
    over: '[[[{}]]]',
    refusal: '422 too_deep',
  },
}

/** Sends a request so framed, on a connection that the server closes, and reads all that comes back. */
type Framing = (server: Server, line: string, body: string) => Promise<string>
type Server = Awaited<ReturnType<typeof listenRaw>>

const FRAMINGS: Readonly<Record<string, Framing>> = {
  'with its length': (server, line, body) => server.send(rawRequest(line, [], body)),
  'in one chunk': (server, line, body) => server.send(chunked(line, body, body.length)),
  'in chunks of 7 bytes': (server, line, body) => server.send(chunked(line, body, 7)),
  'after 100 Continue': async (server, line, body) => {
    const socket = await server.open()
    const [head = ''] = rawRequest(line, ['Expect: 100-continue'], body).split('\r\n\r\n')
    const answer = readToEnd(socket)
    const word = new Promise<string>((resolve) =>
      socket.once('data', (bytes) => resolve(`${bytes}`)),
    )
    socket.write(`${head}\r\n\r\n`)
    if ((await word).startsWith(CONTINUE)) socket.write(body)
    const text = await answer
    socket.destroy()
    return withoutContinue(text)
  },
  'without waiting for 100 Continue': async (server, line, body) => {
    const text = await server.send(rawRequest(line, ['Expect: 100-continue'], body))
    return withoutContinue(text)
  },
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

function withoutContinue(text: string): string {
  return text.startsWith(CONTINUE) ? text.slice(CONTINUE.length) : text
}

for (const [setting, { options, line, within, over, refusal }] of Object.entries(LIMITS)) {
  for (const [framing, send] of Object.entries(FRAMINGS)) {
    test(`${setting} holds to the byte for a body sent ${framing}`, async () => {
      const server = await listenRaw(options)
      const { status, body } = parseAnswer(await send(server, line, over))
      assert.is(`${status} ${JSON.parse(body).code}`, refusal)
      assert.is(server.countSessions(), 0)
      assert.ok(parseAnswer(await send(server, line, within)).status < 300)
      assert.is(server.countSessions(), 1)
      await server.stop()
    })
  }
}

test('a client that waits for 100 Continue is told to go on only where its body will be read', async () => {
  const server = await listenRaw({ bodyLimitBytes: 70_000 })
  const refused = ['Content-Length: 70001', 'Expect: 100-continue']
  assert.is(
    refusalIn(await server.send(rawRequest('PUT /session/k', refused))),
    '413 body_too_large',
  )
  const unread = ['Content-Length: 1', 'Expect: 100-continue', 'Sec-Fetch-Site: cross-site']
  assert.match(await server.send(rawRequest('PUT /session/k', unread)), /^HTTP\/1\.1 403 /)
  await server.stop()
})

/** What counts: the target, and the names and values of the headers, without what is between them. */
const WITHIN_HEADERS = [
  ['GET /session', ['X', '{}']],
  ['GET /session/{}', []],
  ['GET /session?x={}', ['X', 'y'.repeat(300)]],
] as const

for (const [line, header] of WITHIN_HEADERS) {
  test(`--header-limit holds to the byte for ${line} ${header[0] ?? ''}`, async () => {
    const server = await listenRaw({ headerLimitBytes: 2_000, keyLimitBytes: 10_000 })
    const ask = async (bytes: number): Promise<string> => {
      const others = line.split(' ')[1]?.replace('{}', '').length ?? 0
      const named = header.join('').replace('{}', '').length
      const fixed = others + named + 'Hostlocalhost'.length + 'Connectionclose'.length
      const fill = 'x'.repeat(bytes - fixed)
      const lines = header.length === 0 ? [] : [header.join(': ').replace('{}', fill)]
      return await server.send(rawRequest(line.replace('{}', fill), lines))
    }
    assert.is(parseAnswer(await ask(2_000)).status, 404)
    assert.is(refusalIn(await ask(2_001)), '431 header_too_large')
    await server.stop()
  })
}

test('trailers count as headers, and chunk extensions have an end', async () => {
  const server = await listenRaw({ headerLimitBytes: 2_000 })
  const head = rawRequest('PUT /session/k', ['Transfer-Encoding: chunked'])
  const trailer = await server.send(`${head}1\r\n1\r\n0\r\nX: ${'x'.repeat(2_000)}\r\n\r\n`)
  assert.is(refusalIn(trailer), '431 header_too_large')
  const extension = await server.send(`${head}1;x=${'x'.repeat(20_000)}\r\n1\r\n0\r\n\r\n`)
  assert.is(refusalIn(extension), '400 bad_request')
  assert.is(server.countSessions(), 0)
  await server.stop()
})

test('a body that is longer than its length is cut there, and the rest is no request', async () => {
  const server = await listenRaw({ bodyLimitBytes: 1_000 })
  const lying = rawRequest('PUT /session/k', ['Content-Length: 3']).replace(/Connection.*\r\n/, '')
  const answers = await server.send(`${lying}"a"${'b'.repeat(5_000)}`)
  const first = parseAnswer(answers)
  // The rest may be refused before the write is on disk, and then the connection goes.
  if (first.status === 204) assert.is(refusalIn(first.rest), '400 bad_request')
  else assert.is(refusalIn(answers), '400 bad_request')
  assert.ok(server.countSessions() <= 1)
  await server.stop()
})

for (const [what, length] of Object.entries({
  'than it sends': '9',
  'than any memory': '9007199254740993',
  'than any number': `1${'0'.repeat(30)}`,
})) {
  test(`a body that says it is longer ${what}, and ends there, is not done`, async () => {
    const server = await listenRaw({ bodyLimitBytes: 1_000 })
    const socket = await server.open()
    const answer = readToEnd(socket)
    socket.end(`${rawRequest('PUT /session/k', [`Content-Length: ${length}`])}1`)
    const { status } = parseAnswer(await answer)
    assert.ok(status === 400 || status === 413, String(status))
    assert.is(server.countSessions(), 0)
    socket.destroy()
    await server.stop()
  })
}

test('a chunk that says it is larger than any memory is not waited for past its time', async () => {
  const server = await listenRaw({ headerTimeoutMs: 200, requestTimeoutMs: 400 })
  const head = rawRequest('PUT /session/k', ['Transfer-Encoding: chunked'])
  assert.is(refusalIn(await server.send(`${head}7FFFFFFFFFFFFFFF\r\n1`)), '408 request_timeout')
  assert.is(refusalIn(await server.send(`${head}1${'0'.repeat(16)}\r\n1`)), '400 bad_request')
  assert.is(server.countSessions(), 0)
  await server.stop()
})

function chunked(line: string, body: string, size: number): string {
  const chunks = body.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
  const parts = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
  return `${rawRequest(line, ['Transfer-Encoding: chunked'])}${parts.join('')}0\r\n\r\n`
}

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { API_KEY } from '../../kit/process/open-server.ts'
import { listenRaw, parseAnswer, rawRequest } from '../../kit/clients/raw-http.ts'

const test = suite('verify on the wire')

for (const sub of ['ada', 'Zoë', '日本', 'ada 😀', 'é'.repeat(127), 'a\u0080b', '"ada", b;c']) {
  test(`the sub ${sub.slice(0, 10)} is in header and body byte for byte on the wire`, async () => {
    const { send, stop } = await listenRaw()
    const token = await logIn(send, { sub, name: 'Zoë 日本 😀' })
    const answer = parseAnswer(await send(rawRequest('GET /verify', [`Cookie: sid=${token}`])))
    assert.is(answer.status, 200)
    assert.is(utf8(answer.headers.get('session-sub') ?? ''), sub)
    assert.equal(JSON.parse(utf8(answer.body)).claims, { sub, name: 'Zoë 日本 😀' })
    assert.is(answer.rest, '')
    assert.is(answer.headers.get('content-length'), String(answer.body.length))
    await stop()
  })
}

test('HEAD /verify has the headers of GET on the wire, beyond ASCII too, and no body', async () => {
  const { send, stop } = await listenRaw()
  const token = await logIn(send, { sub: 'Zoë' })
  const bytes = await send(rawRequest('HEAD /verify', [`Cookie: sid=${token}`]))
  const { status, headers } = parseAnswer(bytes)
  assert.is(status, 200)
  assert.is(utf8(headers.get('session-sub') ?? ''), 'Zoë')
  assert.is(bytes.indexOf('\r\n\r\n'), bytes.length - 4)
  await stop()
})

for (const [what, headers] of Object.entries({
  'two Authorization headers': ['Authorization: Basic YQ==', 'Authorization: Basic YQ=='],
  'two Host headers': ['Host: other'],
  'two Content-Type headers': ['Content-Type: a/b', 'Content-Type: c/d'],
  'a control character in its cookie': ['Cookie: odd=\x01'],
  'headers over the limit': [`Cookie: filler=${'x'.repeat(20_000)}`],
})) {
  test(`GET /verify with ${what} is 401 on the wire, with both headers`, async () => {
    const { send, stop } = await listenRaw()
    const token = await logIn(send, { sub: 'ada' })
    for (const line of ['GET /verify', 'POST /verify?touch=false']) {
      const bytes = await send(rawRequest(line, [`Cookie: sid=${token}`, ...headers]))
      const answer = parseAnswer(bytes)
      assert.is(answer.status, 401)
      assert.is(answer.headers.get('session-id'), '')
      assert.is(answer.headers.get('session-sub'), '')
      assert.is(JSON.parse(answer.body).code, 'session_required')
    }
    await stop()
  })
}

for (const [what, target, header] of [
  ['a long query', `/verify?from=${'x'.repeat(300)}`, 'Cookie: odd=\x01'],
  ['an absolute target', 'http://localhost/verify', 'Host: other'],
  ['a scheme in capitals', 'HTTP://localhost/verify', 'Host: other'],
] as const) {
  test(`GET /verify with ${what} is 401 for what the parser or the guard refuses, too`, async () => {
    const { send, stop } = await listenRaw()
    const answer = parseAnswer(await send(rawRequest(`GET ${target}`, [header])))
    await stop()
    assert.is(answer.status, 401)
    assert.is(answer.headers.get('session-sub'), '')
  })
}

for (const path of ['/VERIFY', '/Verify', '/verifY/page', '/verifys', '/%76erify']) {
  test(`${path} is not /verify, whatever is wrong with the request`, async () => {
    const { send, stop } = await listenRaw()
    for (const target of [path, `${path}?touch=false`, `http://localhost${path}`]) {
      assert.is(parseAnswer(await send(rawRequest(`GET ${target}`))).status, 404, target)
      const malformed = parseAnswer(await send(rawRequest(`GET ${target}`, ['Cookie: odd=\x01'])))
      assert.is(malformed.status, 400, target)
      assert.is(malformed.headers.has('session-sub'), false)
    }
    await stop()
  })
}

/** The token of a new session with these claims, asked for over the wire. */
async function logIn(send: (bytes: string) => Promise<string>, claims: object): Promise<string> {
  const body = JSON.stringify({ claims })
  const key = `Authorization: Bearer ${API_KEY}`
  const created = parseAnswer(await send(rawRequest('POST /sessions', [key], body)))
  const { token }: { token: string } = JSON.parse(created.body)
  return token
}

/** What the bytes say, of which each is a character here. */
function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString()
}

test.run()

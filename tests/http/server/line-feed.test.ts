/** What is read in a terminal ends in a line feed; what is asked for as it stands does not. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listenRaw, parseAnswer, rawRequest } from '../../kit/clients/raw-http.ts'

const test = suite('line feed')

test('every JSON answer ends in one line feed, which its Content-Length counts', async () => {
  const { send, stop } = await listenRaw()
  const put = parseAnswer(await send(rawRequest('PUT /session/user', [], '"zoë"')))
  const cookie = `Cookie: ${put.headers.get('set-cookie')?.split(';')[0]}`
  for (const [request, beginning] of [
    [rawRequest('GET /session/user', [cookie]), '"zo\u00c3\u00ab"\n'],
    [rawRequest('GET /session', [cookie]), '{"id":'],
    [rawRequest('GET /session/none?default=1.0'), '1.0\n'],
    [rawRequest('PATCH /session/hits', [cookie], '{"increment":1}'), '1\n'],
    [rawRequest('GET /verify', [cookie]), '{"id":'],
    [rawRequest('GET /cookies', ['Cookie: a=b']), '{"a":"b"}\n'],
    [rawRequest('GET /healthz'), '{"status":'],
    [rawRequest('GET /nowhere'), '{"type":'],
    [rawRequest('GET /verify'), '{"type":'],
    ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', '{"type":'],
    ['nonsense\r\n\r\n', '{"type":'],
  ] as const) {
    const { body, headers, rest } = parseAnswer(await send(request))
    assert.ok(body.startsWith(beginning), `${request} ${body}`)
    assert.match(body, /[^\n]\n$/)
    assert.is(headers.get('content-length'), String(body.length))
    assert.is(rest, '')
  }
  await stop()
})

test('a bare value comes as it stands', async () => {
  const { send, stop } = await listenRaw()
  const put = parseAnswer(await send(rawRequest('PUT /session/user', [], '"ada"')))
  const cookie = `Cookie: ${put.headers.get('set-cookie')?.split(';')[0]}`
  const bare = rawRequest('GET /session/user', [cookie, 'Accept: text/plain'])
  assert.is(parseAnswer(await send(bare)).body, 'ada')
  await stop()
})

test.run()

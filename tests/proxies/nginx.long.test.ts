/** Forward auth through a real nginx, with the smallest configuration that the manual gives. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Echo, startEchoApplication } from '../kit/proxies/echo-application.ts'
import { openClient } from '../kit/clients/http-client.ts'
import { findNginx, startNginx } from '../kit/proxies/nginx.ts'
import { cookieFor } from '../kit/clients/back-end.ts'
import { parseAnswer, type RawAnswer, rawRequest, readToEnd } from '../kit/clients/raw-http.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const PAGE = readFileSync(new URL('../../lib/manual/forward-auth.md', import.meta.url), 'utf8')
const CONFIGURATION = /^The least[^]*?^```nginx\n([^]*?)^```/m.exec(PAGE)?.[1] ?? ''
/** What the page has Coatcheck started with. */
const FLAGS = /^coatcheck (--trust-proxy .*)$/m.exec(PAGE)?.[1]?.split(' ') ?? []

const test = suite('nginx')

test('a page is 401 without a session, and the application behind is not asked', async () => {
  const site = await openSite()
  const { token } = await site.logIn({ sub: 'ada' })
  const forged = `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`
  for (const headers of [
    [],
    ['Cookie: sid='],
    [`Cookie: sid=${forged}`],
    [`Cookie: sid=${token.slice(0, 21)}`],
    [`Cookie: other=${token}`],
    [`Cookie: sid=${token}; sid=${forged}`],
    [`Authorization: Bearer ${forged}`],
    ['Session-Sub: ada', 'Session-Id: ada'],
  ]) {
    const { status } = await site.get(headers)
    assert.is(status, 401, headers.join())
  }
  assert.is(site.echoes(), 0)
  await site.close()
})

test('a page is 401 after the log-out, by the holder or by a back end', async () => {
  const site = await openSite()
  for (const line of ['DELETE /session', 'DELETE /sessions?sub=ada']) {
    const { token } = await site.logIn({ sub: 'ada' })
    const cookie = cookieFor(token)
    assert.is((await site.get([`Cookie: ${cookie}`])).status, 200)
    const asked = line === 'DELETE /session' ? { cookie } : { key: site.key }
    assert.ok((await site.ask(line, asked)).status < 300)
    assert.is((await site.get([`Cookie: ${cookie}`])).status, 401, line)
  }
  await site.close()
})

test('a page stays closed while Coatcheck is away', async () => {
  const site = await openSite()
  const { token } = await site.logIn({ sub: 'ada' })
  await site.stopCoatcheck()
  assert.is((await site.get([`Cookie: ${cookieFor(token)}`])).status, 500)
  assert.is(site.echoes(), 0)
  await site.close()
})

test('a client cannot reach the location that asks Coatcheck', async () => {
  const site = await openSite()
  const { token } = await site.logIn({ sub: 'ada' })
  const { status } = await site.send('GET /coatcheck', [`Cookie: ${cookieFor(token)}`])
  assert.is(status, 404)
  await site.close()
})

for (const [who, claims] of Object.entries({ 'a sub': { sub: 'ada' }, 'no sub': {} })) {
  test(`the application gets Coatcheck's headers only, of a session with ${who}`, async () => {
    const site = await openSite()
    const { id, token } = await site.logIn(claims)
    const expected = [
      ['session-id', id],
      ...Object.entries(claims).map(([, sub]) => ['session-sub', sub]),
    ]
    for (const forged of [
      [],
      ['Session-Sub: root', 'Session-Id: root'],
      ['Session-Sub: root', 'Session-Sub: admin', 'Session-Id: 1', 'Session-Id: 2'],
      ['SESSION-SUB: root', 'session-id: root'],
      ['session_sub: root', 'session_id: root', 'SESSION_SUB: root', 'Session_Id: root'],
      ['Session-Sub:', 'Session-Id:'],
      ['Connection: Session-Sub, Session-Id'],
    ]) {
      const answer = await site.get([`Cookie: ${cookieFor(token)}`, ...forged])
      assert.is(answer.status, 200, forged.join())
      // As CGI and its like see them, to whom an underscore is a hyphen.
      const seen = echoOf(answer).headers.filter(([name]) => /^session[-_]/.test(name))
      assert.equal(seen.toSorted(), expected, forged.join())
    }
    await site.close()
  })
}

test('a sub beyond ASCII comes to the application as UTF-8', async () => {
  const site = await openSite()
  const { token } = await site.logIn({ sub: 'Zoë 日本' })
  const { headers } = echoOf(await site.get([`Cookie: ${cookieFor(token)}`]))
  const sub = headers.find(([name]) => name === 'session-sub')?.[1] ?? ''
  assert.is(Buffer.from(sub, 'latin1').toString(), 'Zoë 日本')
  await site.close()
})

test('a token in Authorization opens a page as the cookie does', async () => {
  const site = await openSite()
  const { token } = await site.logIn({ sub: 'ada' })
  assert.is((await site.get([`Authorization: Bearer ${token}`])).status, 200)
  await site.close()
})

test('a client does not say by itself that it came over https', async () => {
  const site = await openSite()
  const { token } = await site.logIn({ sub: 'ada' })
  const proto = 'X-Forwarded-Proto: https'
  assert.is((await site.get([`Cookie: sid=${token}`, proto])).status, 200)
  assert.is((await site.get([`Cookie: sid=${token}`, 'X-Forwarded-Ssl: on'])).status, 200)
  // A browser sends this one over https only; who has it has the token.
  assert.is((await site.get([`Cookie: __Host-Http-sid=${token}`])).status, 200)
  await site.close()
})

test('a session slides by the pages that its holder opens', async () => {
  const site = await openSite()
  const { id, token } = await site.logIn({ sub: 'ada' })
  const before = await site.lastSeenAt(id)
  for (let asked = 0; (await site.lastSeenAt(id)) <= before; asked++) {
    assert.ok(asked < 1_000, 'lastSeenAt moves')
    assert.is((await site.get([`Cookie: ${cookieFor(token)}`])).status, 200)
  }
  await site.close()
})

test('a client that sends odd things gets an answer that is no 500', async () => {
  const site = await openSite()
  const { token } = await site.logIn({ sub: 'ada' })
  const cookie = `Cookie: ${cookieFor(token)}`
  const filler = 'x'.repeat(8_000 - cookie.length)
  for (const [headers, status] of [
    [[cookie, 'Authorization: Basic YWRhOmE='], 200],
    [[cookie, 'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln'], 200],
    [[cookie, `Authorization: Bearer ${site.key}`], 200],
    [['Authorization: Basic YWRhOmE='], 401],
    [[`Authorization: Bearer ${site.key}`], 401],
    [[`${cookie}; filler=${filler}`], 200],
    [[`Cookie: filler=${filler}`], 401],
    [[cookie, ...Array.from({ length: 3 }, (_, n) => `X-Filler-${n}: ${filler}`)], 200],
    [[cookie, ...Array.from({ length: 2 }, () => `Cookie: filler=${filler}`)], 200],
    [[`Cookie: filler="${'\xff\x80é'.repeat(100)}"; sid=${token}`], 200],
    [[cookie, 'X-Odd: \x01\x7f'], 200],
    [[cookie, 'Content-Type: a/b', 'Content-Type: c/d', 'X_Y: z', 'Upgrade: websocket'], 200],
    [[cookie, 'Origin: https://elsewhere.example', 'Sec-Fetch-Site: cross-site'], 200],
  ] as const) {
    const said = headers.join().slice(0, 100)
    assert.is((await site.get(headers)).status, status, said)
    const posted = await site.send('POST /form?touch=bogus', headers, 'a=1')
    assert.is(posted.status, status, said)
    if (status === 200) assert.is(echoOf(posted).body, 'a=1', said)
  }
  // What nginx refuses by itself, or not, according to its version.
  for (const headers of [
    [cookie, 'Authorization: Basic YWRhOmE=', 'Authorization: Basic YWRhOmE='],
    [cookie, 'Host: other'],
    [`${cookie}; filler=${'x'.repeat(8_192)}`],
    [cookie, 'Transfer-Encoding: gzip'],
    [cookie, 'Expect: 100-continue'],
  ]) {
    const { status } = await site.get(headers)
    assert.ok(status < 500 || status === 501, `${status} for ${headers.join().slice(0, 100)}`)
  }
  for (const method of ['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PURGE']) {
    const { status } = parseAnswer(await site.sendBytes(rawRequest(`${method} /`, [cookie])))
    assert.is(status, 200, method)
  }
  await site.close()
})

test('a client that sends a control character in what Coatcheck gets is 401, not 500', async () => {
  const site = await openSite()
  const { token } = await site.logIn({ sub: 'ada' })
  const cookie = `Cookie: ${cookieFor(token)}`
  for (const headers of [[`${cookie}; odd=\x01`], [cookie, 'Authorization: Basic \x01']]) {
    assert.is((await site.get(headers)).status, 401, JSON.stringify(headers[1]))
  }
  await site.close()
})

type Claims = { readonly sub?: string }

/** An application behind nginx that answers what it was asked, and Coatcheck beside it. */
async function openSite() {
  findNginx()
  const dataPath = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', dataPath, ...FLAGS])
  const key = readFileSync(`${dataPath}.api-key`, 'utf8').trim()
  const api = openClient(server.url)
  const application = await startEchoApplication()
  const nginx = await startNginx((port) => configurationFor(port, server.url, application.url))

  async function sendBytes(bytes: string): Promise<string> {
    const socket = connect(nginx.port, '127.0.0.1')
    socket.write(Buffer.from(bytes, 'latin1'))
    const answer = await readToEnd(socket)
    socket.destroy()
    return answer
  }

  async function send(line: string, headers: readonly string[], body = ''): Promise<RawAnswer> {
    return parseAnswer(await sendBytes(rawRequest(line, headers, body)))
  }

  return {
    key,
    ask: api.ask,
    echoes: application.echoes,
    sendBytes,
    send,
    get: (headers: readonly string[]) => send('GET /page', headers),

    async logIn(claims: Claims): Promise<{ readonly id: string; readonly token: string }> {
      const { body } = await api.ask('POST /sessions', { key, body: JSON.stringify({ claims }) })
      const session: { id: string; token: string } = JSON.parse(body)
      return session
    },

    async lastSeenAt(id: string): Promise<string> {
      const { body } = await api.ask(`GET /sessions/${id}?touch=false`, { key })
      const session: { lastSeenAt: string } = JSON.parse(body)
      return session.lastSeenAt
    },

    async stopCoatcheck(): Promise<void> {
      server.kill('SIGTERM')
      await server.ended
    },

    async close(): Promise<void> {
      api.close()
      await nginx.stop()
      application.stop()
      server.kill('SIGTERM')
      await server.ended
    },
  }
}

/** The manual's configuration with the addresses of this test. */
function configurationFor(port: number, coatcheck: string, application: string): string {
  let text = CONFIGURATION
  for (const [printed, here] of [
    ['listen 80;', `listen 127.0.0.1:${port};`],
    ['http://127.0.0.1:7377/', `${coatcheck}/`],
    ['http://127.0.0.1:8080', application],
  ] as const) {
    assert.is(text.split(printed).length, 2, printed)
    text = text.replace(printed, here)
  }
  return text
}

function echoOf({ body }: RawAnswer): Echo {
  const echo: Echo = JSON.parse(body)
  return echo
}

test.run()

/**
 * Request smuggling through real proxies: what a proxy forbids has no effect, however it is wrapped,
 * and whoever comes next over the same connection to the server gets an answer of their own.
 */
import { connect } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startHaproxy } from '../kit/proxies/haproxy.ts'
import { type AskServer, openClient } from '../kit/clients/http-client.ts'
import { startNginx } from '../kit/proxies/nginx.ts'
import { smugglingVectors } from '../kit/texts/smuggling-vectors.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

type Proxy = { readonly port: number; stop(): Promise<void> }

const KEY = `ck_${'k'.repeat(43)}`
/** A proxy gives up on a client after so long, for many vectors end in the middle of something. */
const PATIENCE_MS = 80
/** Whoever comes next: more than one, for an answer too many may wait for the second. */
const INNOCENTS = 3
/** So many of one innocent request are no fault. */
const HANG_UPS = 2

const PROXIES: Readonly<Record<string, (coatcheck: string) => Promise<Proxy>>> = {
  // With one connection to the server, which all requests share in turn.
  'nginx, kept alive': (coatcheck) =>
    startNginx((port) =>
      nginxOn(port, coatcheck, 'proxy_http_version 1.1; proxy_set_header Connection "";'),
    ),
  // What can be told to let more through.
  'nginx, kept alive, unbuffered and lenient': (coatcheck) =>
    startNginx((port) =>
      nginxOn(
        port,
        coatcheck,
        `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;`,
        'ignore_invalid_headers off; underscores_in_headers on;',
      ),
    ),
  'nginx as it comes, with HTTP/1.0': (coatcheck) =>
    startNginx((port) => nginxOn(port, coatcheck, '')),
  haproxy: startPlainHaproxy,
  'haproxy that passes on what is invalid': (coatcheck) =>
    startHaproxy((port) => haproxyOn(port, coatcheck, 'option accept-invalid-http-request')),
}

const test = suite('smuggling')

for (const [name, start] of Object.entries(PROXIES)) {
  test(`${name}: nothing gets past it, and nobody gets another's answer`, async () => {
    const site = await openSite(start)
    const attacker = `PUT /session/smuggled HTTP/1.1\r\nHost: localhost\r\nCookie: ${site.witness}\r\n`
    const vectors = smugglingVectors(`${attacker}Content-Length: 3\r\n\r\n"x"`)
    for (const [vector, bytes] of Object.entries(vectors)) {
      await send(site.port, bytes)
      for (let n = 0; n < INNOCENTS; n++) {
        const { status, body } = await site.viaProxy('GET /session/k', { cookie: site.innocent })
        assert.equal([status, body], [200, '"innocent"\n'], vector)
      }
      assert.is(await site.stolen(), 0, vector)
    }
    await site.close()
  })
}

test('where nothing stands before the server, the inner request would be seen', async () => {
  const site = await openSite(startPlainHaproxy)
  const inner = `PUT /session/smuggled HTTP/1.1\r\nHost: localhost\r\nCookie: ${site.witness}\r\n`
  const bytes = `${inner}Connection: close\r\nContent-Length: 3\r\n\r\n"x"`
  await send(site.port, bytes)
  assert.is(await site.stolen(), 0)
  await send(site.serverPort, bytes)
  assert.is(await site.stolen(), 1)
  await site.close()
})

/** A server, a proxy that forbids `/session/smuggled`, and two who have a session. */
async function openSite(start: (coatcheck: string) => Promise<Proxy>) {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path], { COATCHECK_API_KEY: KEY })
  const proxy = await start(new URL(server.url).host)
  const direct = openClient(server.url)
  // One socket after the other, each as a browser of its own. The proxy has little patience: where the
  // machine is busy it hangs up on a browser before that has asked, which then asks again.
  const viaProxy: AskServer = async (line, sent) => {
    for (let left = HANG_UPS; ; left--) {
      const client = openClient(`http://127.0.0.1:${proxy.port}`)
      try {
        return await client.ask(line, sent)
      } catch (error) {
        if (left === 0) throw error
      } finally {
        client.close()
      }
    }
  }
  const { cookie: witness } = await direct.ask('PUT /session/k', { body: '"witness"' })
  const { cookie: innocent } = await direct.ask('PUT /session/k', { body: '"innocent"' })
  return {
    port: proxy.port,
    serverPort: Number(new URL(server.url).port),
    viaProxy,
    witness,
    innocent,
    /** How many sessions hold what only the inner request writes. */
    async stolen(): Promise<number> {
      let [count, next] = [0, '']
      do {
        const { body } = await direct.ask(`GET /sessions?limit=1000${next}`, { key: KEY })
        const page = JSON.parse(body) as { sessions: { data: object }[]; next: string | null }
        count += page.sessions.filter(({ data }) => 'smuggled' in data).length
        next = page.next === null ? '' : `&after=${page.next}`
      } while (next !== '')
      return count
    },
    async close(): Promise<void> {
      direct.close()
      await proxy.stop()
      server.kill('SIGTERM')
      assert.is((await server.ended).code, 0)
      assert.is(server.stderr().includes('request_failed'), false)
    },
  }
}

/** Until the other side closes, which a proxy does with whoever is silent. */
async function send(port: number, bytes: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.resume().write(Buffer.from(bytes, 'latin1'))
  await new Promise((resolve) => socket.once('close', resolve))
}

function nginxOn(port: number, coatcheck: string, more: string, ofServer = ''): string {
  return `
    upstream coatcheck { server ${coatcheck}; keepalive 1; }
    client_header_timeout ${PATIENCE_MS}ms;
    client_body_timeout ${PATIENCE_MS}ms;
    keepalive_timeout ${PATIENCE_MS}ms;
    lingering_close off;
    server {
      listen 127.0.0.1:${port};
      ${ofServer}
      location /session/smuggled { return 403; }
      location / { proxy_pass http://coatcheck; ${more} }
    }`
}

function startPlainHaproxy(coatcheck: string): Promise<Proxy> {
  return startHaproxy((port) => haproxyOn(port, coatcheck, ''))
}

function haproxyOn(port: number, coatcheck: string, more: string): string {
  return `
global
  maxconn 64
defaults
  mode http
  http-reuse always
  timeout connect 1s
  timeout server 5s
  timeout client ${PATIENCE_MS}ms
  timeout http-request ${PATIENCE_MS}ms
  timeout http-keep-alive ${PATIENCE_MS}ms
frontend front
  bind 127.0.0.1:${port}
  ${more}
  http-request deny if { path_beg /session/smuggled }
  default_backend back
backend back
  server coatcheck ${coatcheck} maxconn 1
`
}

test.run()

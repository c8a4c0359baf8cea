/** The files that the README shows for proxies with https, as printed but for names, ports and addresses. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Echo, startEchoApplication } from '../kit/proxies/echo-application.ts'
import { type Answer, askProxy, type Asked, openClient } from '../kit/clients/http-client.ts'
import { findFreePort } from '../kit/proxies/listening-process.ts'
import { findProgram, type ProxyProgram, startProxy } from '../kit/proxies/proxy-process.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('proxies of the README')

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const NGINX = blockIn('### Behind a proxy', 'nginx')
const CADDYFILE = blockIn('### Forward auth', 'caddyfile')
const FLAGS = /Start Coatcheck with `(--trust-proxy [^`]*)`/.exec(README)?.[1]?.split(' ') ?? []
const NAME = 'shop.example'
const FORGED = { 'session-sub': 'root', 'Session-Id': 'root', session_sub: 'root' }

test('nginx: the page has its session, the application behind knows who it is, and nobody else', async () => {
  await withSite(nginx, async (site) => {
    await checkPages(site)

    // The page's own session, as browsers name its origin that know no Sec-Fetch-Site.
    const origin = `https://${site.host}`
    const written = await site.ask('PUT /session/cart', { body: '["tea"]', headers: { origin } })
    assert.is(written.status, 204, written.body)
    assert.match(
      written.setCookie,
      /^__Host-Http-sid=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
    const cookie = written.setCookie.split(';', 1)[0] ?? ''
    const read = await site.ask('GET /session/cart', { headers: { cookie } })
    assert.is(read.body, '["tea"]\n')
    assert.is(await site.addressOf(cookie), '127.0.0.2')
    const foreign = { headers: { origin: 'https://forged.example', cookie } }
    assert.is((await site.ask('PUT /session/cart', foreign)).status, 403)

    for (const line of ['GET /sessions', 'DELETE /sessions?all=true', 'GET /coatcheck']) {
      const { status } = await site.ask(line, { headers: { authorization: `Bearer ${site.key}` } })
      assert.is(status, 404, line)
    }
    const { status, headers } = await site.ask('GET /page', { isTls: false, port: site.plainPort })
    assert.equal([status, headers['location']], [301, `https://${NAME}/page`])
  })
})

test('Caddy: the application behind knows who it is, and nobody else', async () => {
  await withSite(caddy, checkPages)
})

test.run()

/** What both are for: a page is shown to who has a session, whatever it is called and is asked. */
async function checkPages(site: Site): Promise<void> {
  const { id, cookie } = await site.logIn()
  for (const line of [
    'GET /page',
    'GET /search?tag=a&tag=b',
    'GET /search?touch=bogus&touch&q=%zz',
    'GET /verify?default=1',
    'HEAD /',
    'DELETE /page/1',
  ]) {
    for (const headers of [{ cookie }, { cookie, ...FORGED }]) {
      const answer = await site.ask(line, { headers })
      assert.is(answer.status, 200, `${line} ${JSON.stringify(headers)}`)
      if (line.startsWith('HEAD')) continue
      const echo: Echo = JSON.parse(answer.body)
      assert.is(echo.url, line.split(' ')[1])
      const seen = echo.headers.filter(([name]) => /^session[-_]/.test(name))
      assert.equal(seen.toSorted(), [
        ['session-id', id],
        ['session-sub', 'ada'],
      ])
    }
    for (const headers of [{}, FORGED, { cookie: 'sid=x' }, { cookie: cookie.slice(0, -1) }]) {
      assert.is((await site.ask(line, { headers })).status, 401, line)
    }
    // Over https the plain one is nobody's.
    const plain = { cookie: cookie.replace('__Host-Http-', '') }
    assert.is((await site.ask(line, { headers: plain })).status, 401, line)
  }
  const body = 'a=1'.repeat(10_000)
  const posted = await site.ask('POST /form', { headers: { cookie }, body })
  const echo: Echo = JSON.parse(posted.body)
  assert.is(echo.body, body)
  assert.is((await site.ask('POST /form', { body })).status, 401)
}

type Site = {
  readonly host: string
  /** Where it speaks plain http. */
  readonly plainPort: number
  readonly key: string
  readonly ask: (line: string, asked?: Partial<Asked>) => Promise<Answer>
  readonly logIn: () => Promise<{ readonly id: string; readonly cookie: string }>
  readonly addressOf: (cookie: string) => Promise<string>
}

type Addresses = {
  readonly coatcheck: string
  readonly application: string
  readonly plainPort: number
}

/** Coatcheck as the README starts it, an application, and the proxy in front of both. */
async function withSite(
  program: (addresses: Addresses) => ProxyProgram,
  use: (site: Site) => Promise<void>,
): Promise<void> {
  const dataPath = join(makeFolder(), 'sessions.db')
  // The client of these tests, 127.0.0.2, is to be no proxy.
  const flags = FLAGS.map((flag) => (flag === '--trust-proxy' ? `${flag}=127.0.0.1` : flag))
  const server = await spawnServer(['--data', dataPath, ...flags])
  const application = await startEchoApplication()
  const direct = openClient(server.url)
  const key = readFileSync(`${dataPath}.api-key`, 'utf8').trim()
  try {
    const coatcheck = new URL(server.url).host
    const plainPort = await findFreePort()
    const proxy = await startProxy(
      program({ coatcheck, application: new URL(application.url).host, plainPort }),
    )
    const host = `${NAME}:${proxy.port}`
    try {
      await use({
        host,
        plainPort,
        key,
        ask: (line, asked) => askProxy(line, { port: proxy.port, isTls: true, host, ...asked }),
        async logIn() {
          const headers = { 'x-forwarded-proto': 'https' }
          const sent = { key, headers, body: '{"claims":{"sub":"ada"}}' }
          const { body } = await direct.ask('POST /sessions', sent)
          const session: { id: string; setCookie: string } = JSON.parse(body)
          return { id: session.id, cookie: session.setCookie.split(';', 1)[0] ?? '' }
        },
        async addressOf(cookie) {
          const { body } = await direct.ask('GET /session', { cookie, key })
          const session: { device: { address: string } } = JSON.parse(body)
          return session.device.address
        },
      })
    } finally {
      await proxy.stop()
    }
  } finally {
    direct.close()
    application.stop()
    server.kill('SIGTERM')
    await server.ended
  }
}

function nginx({ coatcheck, application, plainPort }: Addresses): ProxyProgram {
  const openssl = findProgram('openssl', ['version'])
  return {
    name: 'nginx',
    probe: ['-v'],
    setUp(folder, port) {
      const [certificate, key] = [join(folder, 'site.pem'), join(folder, 'site.key')]
      const subject = ['-subj', `/CN=${NAME}`, '-days', '2', '-keyout', key, '-out', certificate]
      const made = spawnSync(openssl, ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject])
      assert.is(made.status, 0, String(made.stderr))
      return {
        args: ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'],
        files: {
          'nginx.conf': [
            'daemon off; master_process off; error_log stderr;',
            `pid ${folder}/nginx.pid; events {}`,
            'http { access_log off;',
            ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
              (name) => `${name}_temp_path ${folder}/${name};`,
            ),
            replaced(NGINX, {
              'listen 80;': `listen 127.0.0.1:${plainPort};`,
              'listen 443 ssl;': `listen 127.0.0.1:${port} ssl;`,
              '/etc/ssl/shop.example.pem': certificate,
              '/etc/ssl/shop.example.key': key,
              '127.0.0.1:7377': coatcheck,
              '127.0.0.1:8080': application,
            }),
            '}',
          ].join('\n'),
        },
      }
    },
  }
}

function caddy({ coatcheck, application, plainPort }: Addresses): ProxyProgram {
  return {
    name: 'caddy',
    probe: ['version'],
    setUp: (folder, port) => ({
      args: ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')],
      env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      files: {
        Caddyfile: [
          `{\nadmin off\nskip_install_trust\nhttp_port ${plainPort}\n}`,
          replaced(CADDYFILE, {
            'example.com {': `https://${NAME}:${port} {\nbind 127.0.0.1\ntls internal`,
            '127.0.0.1:7377': coatcheck,
            '127.0.0.1:8080': application,
          }),
        ].join('\n'),
      },
    }),
  }
}

/** The first block of this language below a heading of the README. */
function blockIn(heading: string, language: string): string {
  const section = README.slice(README.indexOf(`\n${heading}`) + 1)
  const block = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'm').exec(section)?.[1]
  assert.ok(block, `${heading} has a block of ${language}`)
  return block ?? ''
}

/** The text with what is this machine's own in place of what is printed; each of them must be there. */
function replaced(text: string, own: Readonly<Record<string, string>>): string {
  return Object.entries(own).reduce((changed, [printed, here]) => {
    assert.ok(changed.includes(printed), printed)
    return changed.replaceAll(printed, here)
  }, text)
}

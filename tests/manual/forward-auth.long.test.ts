/**
 * The files of the page on forward auth: run by the real proxies, as printed but for ports, certificates
 * and addresses; those that cannot be run here are read as YAML.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Echo, startEchoApplication } from '../kit/proxies/echo-application.ts'
import { openClient } from '../kit/clients/http-client.ts'
import { findFreePort } from '../kit/proxies/listening-process.ts'
import { findProgram, type ProxyProgram, startProxy } from '../kit/proxies/proxy-process.ts'
import { askProxy, type Asked, type ProxyAnswer } from '../kit/clients/raw-proxy-client.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('manual: forward auth')

const PAGE = readFileSync(new URL('../../lib/manual/forward-auth.md', import.meta.url), 'utf8')
const NGINX = blockIn('## nginx with https', 'nginx')
const CADDYFILE = blockIn('## Caddy', 'caddyfile')
const HAPROXY = blockIn('## HAProxy', 'haproxy')
const LUA = blockIn('## HAProxy', 'lua')
const FLAGS = blockIn('## Start Coatcheck', 'sh').trim().split(' ').slice(1)
const NAME = 'shop.example'
const FORGED = { 'session-sub': 'root', 'Session-Id': 'root', session_sub: 'root' }

const PROXIES = { nginx, caddy, haproxy }
/** What each makes of a Coatcheck that is away. */
const AWAY = { nginx: 500, caddy: 502, haproxy: 503 }

for (const [name, program] of Object.entries(PROXIES)) {
  test(`${name}: its file does what the page says`, async () => {
    await withSite(program, async (site) => {
      await checkPages(site)
      await checkOwnSession(site)
      await checkLoginPage(site)
      // Closed while Coatcheck is away.
      const { cookie } = await site.logIn()
      assert.is((await site.ask('GET /page', { headers: { cookie } })).status, 200)
      await site.stopCoatcheck()
      const { status } = await site.ask('GET /page', { headers: { cookie } })
      assert.is(status, AWAY[name as keyof typeof AWAY])
    })
  })
}

test('files for proxies that cannot be run here say so and are YAML', () => {
  const files = [...PAGE.matchAll(/^(<!-- not run: .* -->\n\n)?```yaml\n([^]*?)^```/gm)]
  assert.is(files.length, 4)
  const python = findProgram('python3', ['-c', 'import yaml'])
  for (const [, mark, text = ''] of files) {
    assert.ok(mark, text.split('\n', 1)[0])
    const code = 'import sys, yaml; assert all(list(yaml.safe_load_all(sys.stdin)))'
    const read = spawnSync(python, ['-c', code], { input: text, encoding: 'utf8' })
    assert.is(read.status, 0, read.stderr)
  }
})

test('every block of the page is run, or says that it is not', () => {
  const languages = [...PAGE.matchAll(/^```(\w+)$/gm)].map(([, language]) => language)
  const isRun = ['sh', 'nginx', 'caddyfile', 'lua', 'haproxy']
  const expected = ['sh', 'nginx', 'nginx', 'caddyfile', 'lua', 'haproxy']
  assert.equal(
    languages.filter((language) => isRun.includes(language ?? '')),
    expected,
  )
  assert.equal(new Set(languages), new Set([...isRun, 'yaml']))
})

test.run()

/** The page's own session, as browsers name its origin that know no Sec-Fetch-Site. */
async function checkOwnSession(site: Site): Promise<void> {
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
  const lying = {
    body: '1',
    headers: { 'x-forwarded-for': '198.51.100.66', forwarded: 'for=198.51.100.66' },
  }
  const liar = await site.ask('PUT /session/cart', lying)
  assert.is(await site.addressOf(liar.setCookie.split(';', 1)[0] ?? ''), '127.0.0.2')

  for (const line of ['GET /sessions', 'DELETE /sessions?all=true', 'GET /sessions/x/user']) {
    const { status } = await site.ask(line, { headers: { authorization: `Bearer ${site.key}` } })
    assert.is(status, 404, line)
  }
  const plain = { isTls: false, port: site.plainPort, host: NAME }
  const { status, headers } = await site.ask('GET /page', plain)
  assert.ok([301, 308].includes(status), String(status))
  assert.is(headers['location'], `https://${NAME}/page`)
}

async function checkLoginPage(site: Site): Promise<void> {
  const accept = 'text/html,application/xhtml+xml,*/*;q=0.8'
  const sent = await site.ask('GET /page?a=1&b=%2F', { headers: { accept } })
  assert.equal([sent.status, sent.headers['location']], [302, '/login?next=/page?a=1&b=%2F'])
  assert.is((await site.ask('GET /page', { headers: { accept: '*/*' } })).status, 401)
  const login = await site.ask('GET /login?next=/page', { headers: { accept, ...FORGED } })
  assert.is(login.status, 200)
  const echo: Echo = JSON.parse(login.body)
  assert.is(echo.url, '/login?next=/page')
  // The login page is told nothing by its client either.
  const seen = echo.headers.filter(([name]) => /^session[-_]/.test(name))
  assert.equal(seen, [])
  assert.is((await site.ask('POST /login', { body: 'user=ada' })).status, 200)
  assert.is((await site.ask('GET /loginx', { headers: { accept: '*/*' } })).status, 401)
}

/** A page is shown to who has a session, whatever it is called and is asked. */
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
  readonly ask: (line: string, asked?: Partial<Asked>) => Promise<ProxyAnswer>
  readonly logIn: () => Promise<{ readonly id: string; readonly cookie: string }>
  readonly addressOf: (cookie: string) => Promise<string>
  readonly stopCoatcheck: () => Promise<void>
}

type Addresses = {
  readonly coatcheck: string
  readonly application: string
  readonly plainPort: number
}

/** Coatcheck as the page starts it, an application, and the proxy in front of both. */
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
        async stopCoatcheck() {
          server.kill('SIGTERM')
          await server.ended
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
  return {
    name: 'nginx',
    probe: ['-v'],
    setUp(folder, port) {
      const { certificate, key } = makeCertificate(folder)
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
              // Nginx would name the port of the test in it.
              'return 302 /login': 'absolute_redirect off; return 302 /login',
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
    setUp(folder, port) {
      const { certificate, key } = makeCertificate(folder)
      return {
        args: ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')],
        env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
        files: {
          Caddyfile: [
            `{\nadmin off\nskip_install_trust\nhttp_port ${plainPort}\nhttps_port ${port}\n}`,
            replaced(CADDYFILE, {
              'shop.example {': `${NAME} {\nbind 127.0.0.1`,
              '/etc/ssl/shop.example.pem': certificate,
              '/etc/ssl/shop.example.key': key,
              '127.0.0.1:7377': coatcheck,
              '127.0.0.1:8080': application,
            }),
          ].join('\n'),
        },
      }
    },
  }
}

function haproxy({ coatcheck, application, plainPort }: Addresses): ProxyProgram {
  return {
    name: 'haproxy',
    probe: ['-v'],
    setUp(folder, port) {
      const { certificate, key } = makeCertificate(folder)
      return {
        args: ['-db', '-f', join(folder, 'haproxy.cfg')],
        files: {
          'shop.example.pem': readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'),
          'coatcheck.lua': replaced(LUA, { '127.0.0.1:7377': coatcheck }),
          'haproxy.cfg': replaced(HAPROXY, {
            '/etc/haproxy/': `${folder}/`,
            'bind :80': `bind 127.0.0.1:${plainPort}`,
            'bind :443': `bind 127.0.0.1:${port}`,
            '127.0.0.1:7377': coatcheck,
            '127.0.0.1:8080': application,
          }),
        },
      }
    },
  }
}

function makeCertificate(folder: string) {
  const openssl = findProgram('openssl', ['version'])
  const [certificate, key] = [join(folder, 'site.pem'), join(folder, 'site.key')]
  const subject = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`, '-days', '2']
  const output = ['-keyout', key, '-out', certificate]
  const made = spawnSync(openssl, [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes'],
    ...subject,
    ...output,
  ])
  assert.is(made.status, 0, String(made.stderr))
  return { certificate, key }
}

/** The first block of this language below a heading of the page. */
function blockIn(heading: string, language: string): string {
  const section = PAGE.slice(PAGE.indexOf(`\n${heading}`) + 1)
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

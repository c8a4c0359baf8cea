/**
 * The proxies that Debian has, as they come and as their manuals have them: what each tells of scheme,
 * host and address of who asks, and what Coatcheck makes of it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Answer,
  askProxy,
  type Asked,
  CLIENT_ADDRESS,
  openClient,
} from '../kit/clients/http-client.ts'
import { type ProxyProgram, type RunningProxy, startProxy } from '../kit/proxies/proxy-process.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('real proxies')

/** What a client writes that would be somebody else. */
const FORGED = {
  'x-forwarded-for': '198.51.100.66',
  forwarded: 'for=198.51.100.66;proto=https;host=forged.example',
  'x-real-ip': '198.51.100.66',
}

type Told = {
  /** The program, given where Coatcheck is. */
  readonly program: (coatcheck: string) => ProxyProgram
  /** Whether it passes on the host that the browser asked, or tells it in another way. */
  readonly tellsHost: boolean
  /** Whether it tells the client's address, and which one stands for a client that forges `Forwarded`. */
  readonly tellsAddress: boolean
  readonly forgersAddress: string
  /** Whether it is set to say that the browser spoke https. */
  readonly tellsHttps: boolean
}

const PLAIN = { tellsHost: true, tellsAddress: true, tellsHttps: false }
const HTTPS = { ...PLAIN, tellsHttps: true }
/** Of a proxy that appends to one header and passes the other on: where they differ, nobody's word. */
const ITSELF = '127.0.0.1'

const APACHE_MODULES = '/usr/lib/apache2/modules'

const PROXIES: Readonly<Record<string, Told>> = {
  'nginx as it comes': {
    program: (coatcheck) => nginx(`proxy_pass http://${coatcheck};`),
    ...{ tellsHost: false, tellsAddress: false, tellsHttps: false },
    // It passes on what its client wrote: it has to be told, as the manual does.
    forgersAddress: '198.51.100.66',
  },
  'nginx with the lines of its manual': {
    program: (coatcheck) =>
      nginx(
        'proxy_set_header Host $host;',
        'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
        'proxy_set_header X-Forwarded-Proto https;',
        'proxy_set_header X-Forwarded-Port $server_port;',
        `proxy_pass http://${coatcheck};`,
      ),
    ...HTTPS,
    forgersAddress: ITSELF,
  },
  'nginx with RFC 7239 alone': {
    program: (coatcheck) =>
      nginx(
        'proxy_set_header X-Forwarded-For "";',
        'proxy_set_header Forwarded "for=\\"$remote_addr:$remote_port\\";host=\\"$http_host\\";proto=https";',
        `proxy_pass http://${coatcheck};`,
      ),
    ...HTTPS,
    forgersAddress: CLIENT_ADDRESS,
  },
  'HAProxy as it comes': {
    program: (coatcheck) => haproxy(coatcheck),
    ...PLAIN,
    tellsAddress: false,
    forgersAddress: '198.51.100.66',
  },
  'HAProxy with forwardfor': {
    program: (coatcheck) =>
      haproxy(coatcheck, 'option forwardfor', 'http-request set-header X-Forwarded-Ssl on'),
    ...HTTPS,
    forgersAddress: ITSELF,
  },
  'Caddy as it comes': {
    program: (coatcheck) => caddy(`reverse_proxy ${coatcheck}`),
    ...PLAIN,
    forgersAddress: ITSELF,
  },
  'Caddy that says https': {
    program: (coatcheck) =>
      caddy(
        `reverse_proxy ${coatcheck} {`,
        'header_up X-Forwarded-Proto https',
        'header_up -Forwarded',
        '}',
      ),
    ...HTTPS,
    forgersAddress: CLIENT_ADDRESS,
  },
  'Varnish as it comes': {
    program: (coatcheck) => varnish(coatcheck),
    ...PLAIN,
    forgersAddress: ITSELF,
  },
  'Varnish behind a terminator of TLS': {
    program: (coatcheck) =>
      varnish(coatcheck, 'set req.http.X-Forwarded-Proto = "https"; unset req.http.Forwarded;'),
    ...HTTPS,
    forgersAddress: CLIENT_ADDRESS,
  },
  'Apache as it comes': {
    program: (coatcheck) => apache(coatcheck),
    ...PLAIN,
    forgersAddress: ITSELF,
  },
  'Apache with ProxyPreserveHost and rewriting': {
    program: (coatcheck) =>
      apache(
        coatcheck,
        'ProxyPreserveHost On',
        'RequestHeader set Front-End-Https On',
        'RequestHeader unset Forwarded',
        'RewriteEngine On',
        `RewriteRule ^/renamed/(.*)$ http://${coatcheck}/session/$1 [P]`,
      ),
    ...HTTPS,
    forgersAddress: CLIENT_ADDRESS,
  },
}

for (const [name, told] of Object.entries(PROXIES)) {
  test(`behind ${name} scheme, host and address are those of the browser`, async () => {
    await withSite(told.program, async (site) => {
      const scheme = told.tellsHttps ? 'https' : 'http'
      const own = `${scheme}://${site.host}`

      // Host and scheme: a page of the own origin, as a browser names it that knows no Sec-Fetch-Site.
      const body = '"ada"'
      const written = await site.ask('PUT /session/user', { headers: { origin: own }, body })
      assert.is(written.status, told.tellsHost ? 204 : 403, written.body)
      if (!told.tellsHost) assert.match(written.body, own)
      const first = await site.ask('PUT /session/user', { body })
      const secure = /^__Host-Http-sid=\S+; Path=\/; Secure;/
      assert.is(secure.test(first.setCookie), told.tellsHttps, first.setCookie)
      for (const origin of [
        `${scheme}://forged.example`,
        `${told.tellsHttps ? 'http' : 'https'}://${site.host}`,
        `${scheme}://${site.host}0`,
        'null',
      ]) {
        const refused = await site.ask('PUT /session/user', { headers: { origin }, body })
        assert.is(refused.status, 403, origin)
      }

      // The session is there again, and a proxy that asks is told so whatever the page's query is.
      const cookie = first.setCookie.split(';', 1)[0] ?? ''
      for (const [line, status] of [
        ['GET /session/user', 200],
        ['GET /verify?tag=a&tag=b', 200],
        ['GET /verify/search?q=%zz&q', 200],
        ['POST /verify/form', 200],
      ] as const) {
        assert.is((await site.ask(line, { headers: { cookie } })).status, status, line)
      }
      for (const line of ['GET /verify', 'GET /verify/x', 'POST /verify']) {
        assert.is((await site.ask(line)).status, 401, line)
      }

      // Its own address, however it lies.
      const address = told.tellsAddress ? CLIENT_ADDRESS : ITSELF
      assert.is(await site.addressOf(cookie), address)
      const forger = await site.ask('PUT /session/user', { headers: FORGED, body })
      const forged = forger.setCookie.split(';', 1)[0] ?? ''
      assert.is(await site.addressOf(forged), told.forgersAddress)
      const { 'x-forwarded-for': theirs } = FORGED
      const usual = await site.ask('PUT /session/user', {
        headers: { 'x-forwarded-for': theirs },
        body,
      })
      const seen = await site.addressOf(usual.setCookie.split(';', 1)[0] ?? '')
      assert.is(seen, told.tellsAddress ? CLIENT_ADDRESS : theirs)
    })
  })
}

for (const check of ['option httpchk', 'option httpchk GET /healthz']) {
  test(`HAProxy finds the server up by ${check}`, async () => {
    const program = (coatcheck: string) =>
      haproxy(
        `${coatcheck} check inter 100ms rise 1 fall 1`,
        check,
        'timeout check 5s',
        'stats enable',
      )
    await withSite(program, async (site) => {
      let checked = ''
      while (!/L7/.test(checked)) {
        const { body } = await site.ask('GET /haproxy?stats;csv')
        checked = body.split('\n').find((line) => line.startsWith('in,coatcheck,')) ?? ''
      }
      assert.match(checked, ',UP,')
      assert.match(checked, ',L7OK,')
    })
  })
}

test('Apache passes a rewritten path on as it is meant', async () => {
  const told = PROXIES['Apache with ProxyPreserveHost and rewriting']
  if (told === undefined) throw new Error('There is no such proxy')
  await withSite(told.program, async (site) => {
    const { status, setCookie } = await site.ask('PUT /renamed/a', { body: '1' })
    assert.is(status, 204)
    const cookie = setCookie.split(';', 1)[0] ?? ''
    assert.is((await site.ask('GET /session/a', { headers: { cookie } })).body, '1\n')
  })
})

test.run()

type Site = {
  /** With its port, as a browser writes it. */
  readonly host: string
  readonly ask: (line: string, asked?: Partial<Asked>) => Promise<Answer>
  /** What a back end is told of who began the session of this cookie. */
  readonly addressOf: (cookie: string) => Promise<string>
  close(): Promise<void>
}

/** Coatcheck that trusts the proxy's address alone, and the proxy, for as long as `use` takes. */
async function withSite(
  program: (coatcheck: string) => ProxyProgram,
  use: (site: Site) => Promise<void>,
): Promise<void> {
  const site = await openSite(program)
  try {
    await use(site)
  } finally {
    await site.close()
  }
}

async function openSite(program: (coatcheck: string) => ProxyProgram): Promise<Site> {
  const dataPath = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', dataPath, '--trust-proxy', '127.0.0.1'])
  const stopServer = async () => {
    server.kill('SIGTERM')
    await server.ended
  }
  let proxy: RunningProxy
  try {
    proxy = await startProxy(program(new URL(server.url).host))
  } catch (error) {
    await stopServer()
    throw error
  }
  const host = `shop.example:${proxy.port}`
  const key = readFileSync(`${dataPath}.api-key`, 'utf8').trim()
  const direct = openClient(server.url)
  return {
    host,
    ask: (line, asked) => askProxy(line, { port: proxy.port, host, ...asked }),
    async addressOf(cookie) {
      const { body } = await direct.ask('GET /session', { cookie, key })
      const session: { device: { address: string } } = JSON.parse(body)
      return session.device.address
    },
    async close() {
      direct.close()
      await proxy.stop()
      await stopServer()
    },
  }
}

function nginx(...lines: readonly string[]): ProxyProgram {
  return {
    name: 'nginx',
    probe: ['-v'],
    setUp: (folder, port) => ({
      args: ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'],
      files: {
        'nginx.conf': [
          'daemon off; master_process off; error_log stderr;',
          `pid ${folder}/nginx.pid; events {}`,
          'http { access_log off;',
          ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
            (name) => `${name}_temp_path ${folder}/${name};`,
          ),
          `server { listen 127.0.0.1:${port}; location / {`,
          ...lines,
          '} } }',
        ].join('\n'),
      },
    }),
  }
}

function haproxy(server: string, ...lines: readonly string[]): ProxyProgram {
  return {
    name: 'haproxy',
    probe: ['-v'],
    setUp: (folder, port) => ({
      args: ['-db', '-f', join(folder, 'haproxy.cfg')],
      files: {
        'haproxy.cfg': [
          'defaults',
          '  mode http',
          '  timeout connect 5s',
          '  timeout client 5s',
          '  timeout server 5s',
          'listen in',
          `  bind 127.0.0.1:${port}`,
          ...lines.map((line) => `  ${line}`),
          `  server coatcheck ${server}`,
          '',
        ].join('\n'),
      },
    }),
  }
}

function caddy(...lines: readonly string[]): ProxyProgram {
  return {
    name: 'caddy',
    probe: ['version'],
    setUp: (folder, port) => ({
      args: ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')],
      env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      files: {
        Caddyfile: ['{\nadmin off\n}', `http://:${port} {`, 'bind 127.0.0.1', ...lines, '}'].join(
          '\n',
        ),
      },
    }),
  }
}

function varnish(coatcheck: string, receive = ''): ProxyProgram {
  const [host = '', backPort = ''] = coatcheck.split(':')
  return {
    name: 'varnishd',
    probe: ['-V'],
    setUp: (folder, port) => ({
      args: [
        ...[
          '-F',
          '-j',
          'none',
          '-T',
          'none',
          '-n',
          join(folder, 'work'),
          '-a',
          `127.0.0.1:${port}`,
        ],
        ...['-f', join(folder, 'default.vcl'), '-s', 'malloc,1m'],
      ],
      files: {
        'default.vcl': [
          'vcl 4.0;',
          `backend default { .host = "${host}"; .port = "${backPort}"; }`,
          `sub vcl_recv { ${receive} }`,
          '',
        ].join('\n'),
      },
    }),
  }
}

function apache(coatcheck: string, ...lines: readonly string[]): ProxyProgram {
  const modules = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'headers', 'rewrite']
  return {
    name: 'apache2',
    probe: ['-v'],
    setUp: (folder, port) => ({
      args: ['-X', '-d', folder, '-f', join(folder, 'apache.conf')],
      files: {
        'apache.conf': [
          ...modules.map((name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`),
          'ServerName localhost',
          `PidFile ${folder}/apache.pid`,
          `DefaultRuntimeDir ${folder}`,
          `ErrorLog ${folder}/error.log`,
          `Listen 127.0.0.1:${port}`,
          'AllowEncodedSlashes NoDecode',
          ...lines,
          `ProxyPass / http://${coatcheck}/ nocanon`,
          '',
        ].join('\n'),
      },
    }),
  }
}

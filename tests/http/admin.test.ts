/** The admin listener's app, over real sockets. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Hono } from 'hono'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createAdminApp } from '../../lib/http/admin.ts'
import { adminRows, mainRows } from '../../lib/http/api-listeners.ts'
import { createHealthRoute } from '../../lib/http/routes/health-route.ts'
import type { AppEnv } from '../../lib/http/app-env.ts'
import { createServerCounts } from '../../lib/http/server/metric-routes.ts'
import { createRoutes } from '../../lib/http/routes/routes.ts'
import { createForwarded } from '../../lib/http/request/forwarded.ts'
import { forwardAuth } from '../../lib/http/routes/verify.ts'
import { startListeners } from '../../lib/http/server/listeners.ts'
import { type ListenAddress, startHttpServer } from '../../lib/http/server/server.ts'
import { parseAnswer, readToEnd } from '../kit/clients/raw-http.ts'
import { openServer } from '../kit/process/open-server.ts'

const test = suite('admin')

const LIMITS = {
  headerLimitBytes: 16_384,
  headerTimeoutMs: 5_000,
  requestTimeoutMs: 15_000,
  keepAliveTimeoutMs: 5_000,
  maxConnections: 100,
}
const LOOPBACK = { host: '127.0.0.1', port: 0 }

test('a path of the sessions is 404, whose words are the paths of this listener alone', async () => {
  const admin = await listenAdmin()
  for (const line of ['GET /session', 'PUT /session/a', 'GET /sessions', 'GET /verify', 'GET /x']) {
    const { status, body } = await admin.ask(line)
    assert.is(status, 404, line)
    assert.is(JSON.parse(body).code, 'route_not_found')
    assert.match(body, 'there are /healthz')
    assert.not.match(body, '/session')
  }
  await admin.stop()
})

test('a request that the main listener would refuse as ambiguous is refused', async () => {
  const admin = await listenAdmin()
  const twice = await admin.ask('GET /healthz', ['Host: 127.0.0.1', 'Host: localhost'])
  assert.is(twice.status, 400)
  assert.is((await admin.ask('GET /healthz', ['Host: a@b'])).status, 400)
  assert.is((await admin.ask('GET //..\\', ['Host: localhost'])).status, 400)
  assert.is((await admin.ask('GET /verify/..\\', ['Host: localhost'])).status, 400)
  await admin.stop()
})

test('a Host that a public name server may know is refused: no page of another site reads here', async () => {
  const admin = await listenAdmin()
  for (const host of [
    'rebind.example.com',
    'REBIND.example.com:7378',
    '127.0.0.1.example.com',
    'localhost.example.com',
    'example.com.',
    'local.com',
    'notinternal.co',
  ]) {
    for (const path of ['/', '/healthz', '/openapi.json', '/nothing']) {
      const { status, body } = await admin.ask(`GET ${path}`, [`Host: ${host}`])
      assert.is(status, 400, `${host} ${path}`)
      assert.match(body, 'its Host must be')
    }
  }
  // RFC 9112 section 3.2.2: the target's authority counts, whatever Host says.
  const absolute = await admin.ask('GET http://rebind.example.com/healthz', ['Host: localhost'])
  assert.is(absolute.status, 400)
  await admin.stop()
})

test('an address, localhost, a name of no public name server and that of the setting are taken', async () => {
  const admin = await listenAdmin({ address: { host: 'Metrics.Example.com', port: 0 } })
  for (const host of [
    '127.0.0.1:7378',
    '[::1]:7378',
    '10.0.0.7',
    'localhost',
    'localhost.',
    'a.localhost:7378',
    'coatcheck:7378',
    'coatcheck.default.svc.cluster.local',
    'vm.internal',
    'metrics.example.com:7378',
  ]) {
    assert.is((await admin.ask('GET /healthz', [`Host: ${host}`])).status, 200, host)
  }
  await admin.stop()
})

test('a request without a Host is taken, of HTTP/1.0 as well: no browser sends one', async () => {
  const admin = await listenAdmin()
  assert.match(await admin.send('GET /healthz HTTP/1.0\r\n\r\n'), 'HTTP/1.1 200')
  assert.match(
    await admin.send('GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'),
    'HTTP/1.1 200',
  )
  await admin.stop()
})

test('no answer lets a page of another origin read it', async () => {
  const admin = await listenAdmin()
  for (const line of [
    'GET /healthz',
    'GET /openapi.json',
    'GET /',
    'OPTIONS /',
    'OPTIONS /healthz',
  ]) {
    const { headers } = await admin.ask(line, [
      'Host: localhost',
      'Origin: http://evil.example',
      'Access-Control-Request-Method: GET',
    ])
    const cors = [...headers.keys()].filter((name) => name.startsWith('access-control'))
    assert.equal(cors, [], line)
    assert.is(headers.get('x-content-type-options'), 'nosniff', line)
  }
  const post = await admin.ask('POST /nothing', ['Host: localhost', 'Sec-Fetch-Site: cross-site'])
  assert.is(post.status, 403)
  await admin.stop()
})

test('another method of a path is 405', async () => {
  const admin = await listenAdmin()
  const { status, headers } = await admin.ask('DELETE /healthz')
  assert.equal([status, headers.get('allow')], [405, 'GET, HEAD'])
  assert.is((await admin.ask('OPTIONS /')).headers.get('allow'), 'GET, HEAD, OPTIONS')
  await admin.stop()
})

test('a browser gets a page with a link to each path, a program the 404 that names them', async () => {
  const admin = await listenAdmin()
  const page = await admin.ask('GET /', ['Host: localhost', 'Accept: text/html'])
  assert.is(page.status, 200)
  const paths = adminRows().flatMap(({ path, method }) => (method === 'GET' ? [path] : []))
  const linked = [...page.body.matchAll(/href="([^"]*)"/g)].map(([, path]) => path)
  assert.equal(linked, [...paths.filter((path) => path !== '/'), '/dashboard', '/docs'])
  assert.is((await admin.ask('GET /docs', ['Host: localhost', 'Accept: text/html'])).status, 200)
  for (const path of paths) {
    assert.is(
      (await admin.ask(`GET ${path}`, ['Host: localhost', 'Accept: text/html'])).status,
      200,
    )
  }
  assert.is((await admin.ask('GET /', ['Host: localhost', 'Accept: */*'])).status, 404)
  await admin.stop()
})

test('health and API document are those of the main listener', async () => {
  const admin = await listenAdmin()
  const { request } = openServer()
  for (const path of ['/healthz', '/openapi.json']) {
    const { status, body } = await admin.ask(`GET ${path}`)
    assert.is(status, 200)
    assert.equal(
      JSON.parse(Buffer.from(body, 'latin1').toString()),
      await (await request(`GET ${path}`)).json(),
    )
  }
  await admin.stop()
})

test('a row that is the admin listener’s alone leaves the main one beside it, and asks for no key there', async () => {
  const alone = createRoutes(mainRows(false))
  const beside = createRoutes(mainRows(true))
  assert.ok(alone.shownPaths.includes('/metrics'))
  assert.ok(alone.backEndTrees.some(({ path }) => path === '/metrics'))
  assert.not.ok(beside.shownPaths.includes('/metrics'))
  assert.not.ok(beside.backEndTrees.some(({ path }) => path === '/metrics'))
  assert.ok(beside.shownPaths.includes('/healthz'))

  const { store } = openServer()
  const app = new Hono<AppEnv>()
  const nothing = () => new Response()
  createRoutes(adminRows()).mount(app, {
    getHealth: createHealthRoute(store),
    getMetrics: nothing,
    getOpenApi: nothing,
    getFrontPage: nothing,
    getOptions: nothing,
  })
  const admin = await listenAdmin({ app })
  assert.is((await admin.ask('GET /metrics')).status, 200)
  await admin.stop()
})

test('each row that is the admin listener’s alone is there, and 404 on the main one beside it', async () => {
  const admin = await listenAdmin()
  const beside = openServer({ isBesideAdmin: true })
  const alone = openServer()
  for (const { path, admin: where } of adminRows()) {
    if (path === '/') continue
    assert.is((await admin.ask(`GET ${path}`)).status, 200, path)
    const isAway = (await beside.request(`GET ${path}`)).status === 404
    assert.is(isAway, where === 'only', path)
    assert.is.not((await alone.request(`GET ${path}`)).status, 404, path)
  }
  await admin.stop()
})

test('a crowd at one listener leaves the other open', async () => {
  for (const isMainFull of [true, false]) {
    const { app } = openServer({ isBesideAdmin: true })
    const listeners = await startListeners({
      ...LIMITS,
      maxConnections: 1,
      app,
      counts: createServerCounts(),
      forwardAuth,
      address: LOOPBACK,
      admin: { app: createAdmin(), address: LOOPBACK },
    })
    const urls = [listeners.url, listeners.adminUrl ?? '']
    const [full = '', other = ''] = isMainFull ? urls : urls.toReversed()
    const held = connect(addressOf(full))
    await once(held, 'connect')
    const refused = connect(addressOf(full))
    assert.match(await readToEnd(refused), 'overloaded')
    const free = connect(addressOf(other))
    free.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    assert.is(parseAnswer(await readToEnd(free)).status, 200)
    for (const socket of [held, refused, free]) socket.destroy()
    await listeners.stop(1_000)
  }
})

test('the app keeps to the quick router', async () => {
  const app = createAdmin()
  await app.request('/nothing')
  assert.is(app.router.name, 'SmartRouter + RegExpRouter')
})

function createAdmin(address: ListenAddress = LOOPBACK) {
  const { store, log, metrics, pages, dashboard } = openServer()
  return createAdminApp({
    ...{ store, log, metrics, pages, dashboard, address },
    forwarded: createForwarded([]),
  })
}

/** The app behind a real socket; `address` is what the setting says. */
async function listenAdmin({
  address = LOOPBACK as ListenAddress,
  app = createAdmin(address),
} = {}) {
  const server = await startHttpServer({
    app,
    counts: createServerCounts(),
    address: LOOPBACK,
    ...LIMITS,
  })

  async function send(bytes: string): Promise<string> {
    const socket = connect(addressOf(server.url))
    socket.write(bytes)
    const text = await readToEnd(socket)
    socket.destroy()
    return text
  }

  return {
    send,
    async ask(line: string, headers: readonly string[] = ['Host: localhost']) {
      return parseAnswer(
        await send([`${line} HTTP/1.1`, 'Connection: close', ...headers, '', ''].join('\r\n')),
      )
    },
    stop: () => server.stop(1_000),
  }
}

function addressOf(url: string) {
  return { host: '127.0.0.1', port: Number(new URL(url).port) }
}

test.run()

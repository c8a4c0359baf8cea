/** The store and the middleware under Express itself: log-in, log-out, cookies, and what a page costs. */
import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { session as middleware } from '../../../lib/clients/js/express.ts'
import { CoatcheckStore } from '../../../lib/clients/js/express-session.ts'
import type { Visit } from '../../../lib/clients/js/visits/visit.ts'
import { needClientPackages } from '../../kit/clients/client-packages.ts'
import { openClientServer, recordAsks } from '../../kit/clients/client-server.ts'
import {
  createBrowser,
  createExpress,
  type ExpressRequest,
  expressSession,
  serve,
} from '../../kit/clients/express-apps.ts'

const test = suite('express')

test('with express-session a page that reads costs one request, and none is sent for who has no cookie', async () => {
  const { browser, asked, close } = await openSessionApp()
  await browser.ask('GET', '/read')
  assert.equal(asked, [])
  await browser.ask('POST', '/set/user')
  assert.is(asked.length, 1)
  asked.length = 0
  await browser.ask('GET', '/read')
  assert.equal(
    asked.map((text) => text.split(' ')[0]),
    ['GET'],
  )
  asked.length = 0
  await browser.ask('POST', '/set/color')
  assert.equal(
    asked.map((text) => text.split(' ')[0]),
    ['GET', 'PATCH'],
  )
  assert.match(asked[1] ?? '', / \{"set":\{"color":1\}\}$/)
  await close()
})

test('with express-session a log-in renews, and a later write of the request goes to the new session', async () => {
  const { browser, client, close } = await openSessionApp()
  await browser.ask('POST', '/set/cart')
  const before = new Map(browser.jar)
  await browser.ask('POST', '/login')
  assert.is.not(browser.jar.get('connect.sid'), before.get('connect.sid'))
  const after = await browser.ask<Record<string, unknown>>('GET', '/read')
  assert.equal([after['user'], after['late'], after['cart']], ['ada', 1, undefined])
  assert.is(await client.sessions.count(), 1)

  browser.jar.set('connect.sid', before.get('connect.sid') ?? '')
  assert.is((await browser.ask<Record<string, unknown>>('GET', '/read'))['cart'], undefined)
  await close()
})

test('with express-session a slow request does not revive a log-out', async () => {
  const { browser, client, hold, close } = await openSessionApp()
  await browser.ask('POST', '/set/user')
  const slow = browser.ask('POST', '/slow')
  await hold.reached
  await browser.ask('POST', '/logout')
  hold.release()
  await slow
  assert.is(await client.sessions.count(), 0)
  assert.is((await browser.ask<Record<string, unknown>>('GET', '/read'))['user'], undefined)
  await close()
})

test('with express-session "remember me" is kept, though only the cookie has changed', async () => {
  const { browser, clock, close } = await openSessionApp({ idleTimeoutMs: 60_000 })
  await browser.ask('POST', '/set/user')
  await browser.ask('POST', '/remember')
  clock.advance(86_400_000)
  assert.is((await browser.ask<Record<string, unknown>>('GET', '/read'))['user'], 1)
  await close()
})

test('a stored __proto__ is no prototype of the cookie, and what it computes is not assigned', async () => {
  const { browser, client, close } = await openSessionApp()
  await browser.ask('POST', '/set/user')
  for await (const { id, data } of client.sessions.list()) {
    const text = JSON.stringify(data).replace(
      '"cookie":{',
      '"cookie":{"__proto__":{"secure":true},"data":{"secure":true},',
    )
    await client.sessions.put(id, { data: JSON.parse(text) as Record<string, unknown> })
  }
  const { cookie, user } = await browser.ask<{ cookie: object; user: number }>('GET', '/read')
  // express-session's own cookie renders itself by its toJSON.
  assert.equal(cookie, { originalMaxAge: null, expires: null, httpOnly: true, path: '/' })
  assert.is(user, 1)
  await close()
})

test('the middleware sets one cookie beside those of the application', async () => {
  await needClientPackages()
  const { client, close } = await openClientServer()
  const app = createExpress()
  app.use(middleware({ client }))
  app.post('/login', async (request, response) => {
    const res = response as unknown as { append(name: string, value: string): void }
    res.append('Set-Cookie', 'theme=dark')
    await visitOf(request).set('cart', ['tea'])
    res.append('Set-Cookie', 'lang=en')
    await visitOf(request).login('ada')
    await visitOf(request).append('cart', 'jam')
    response.end()
  })
  app.get('/read', async (request, response) => {
    response.json({ user: await visitOf(request).user(), ...(await visitOf(request).all()) })
  })
  app.post('/late', async (request, response) => {
    response.end()
    const error: unknown = await visitOf(request)
      .set('a', 1)
      .catch((refused: unknown) => refused)
    told.push((error as { code: string }).code)
  })
  const told: string[] = []
  const served = await serve(app)
  const browser = createBrowser(served.url)
  const login = await browser.send('POST', '/login')
  assert.equal(
    login.headers.getSetCookie().map((header) => header.split('=')[0]),
    ['theme', 'lang', 'sid'],
  )
  assert.equal(await browser.ask('GET', '/read'), { user: 'ada', cart: ['tea', 'jam'] })
  await createBrowser(served.url).send('POST', '/late')
  while (told.length === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(told, ['headers_sent'])
  await served.close()
  await close()
})

test('the cookie of a log-in leaves the application, however that sets its own', async () => {
  await needClientPackages()
  const { client, visit, close } = await openClientServer()
  type Response = {
    setHeader(name: string, value: string): void
    writeHead(status: number, ...others: unknown[]): void
    cookie(name: string, value: string, options?: object): void
    clearCookie(name: string): void
    end(): void
  }
  const ways: Record<string, (response: Response) => void> = {
    none: () => {},
    set: (response) => response.setHeader('Set-Cookie', 'theme=dark'),
    head: (response) => response.writeHead(200, { 'set-cookie': 'theme=dark', 'X-Own': '1' }),
    reason: (response) => response.writeHead(200, 'Fine', { 'Set-Cookie': ['theme=dark'] }),
    list: (response) => response.writeHead(200, ['Set-Cookie', 'theme=dark', 'X-Own', '1']),
    empty: (response) => response.writeHead(200),
    same: (response) => response.cookie('sid', 'x', { path: '/shop' }),
    clear: (response) => response.clearCookie('sid'),
    sameHead: (response) => response.writeHead(200, { 'Set-Cookie': ['sid=x; Path=/a', 'a=b'] }),
  }
  const app = createExpress()
  app.use(middleware({ client }))
  app.post('/:way', async (request, response) => {
    await visitOf(request).login('ada')
    ways[request.params['way'] ?? '']?.(response as unknown as Response)
    response.end()
  })
  const served = await serve(app)
  for (const way of Object.keys(ways)) {
    const answer = await fetch(`${served.url}/${way}`, { method: 'POST' })
    const cookies = answer.headers.getSetCookie()
    const others = cookies.filter((header) => !header.startsWith('sid='))
    const own = cookies.filter((header) => header.startsWith('sid='))
    assert.is(own.length, 1, `${way}: ${cookies}`)
    assert.is(await visit(own[0]?.split(';')[0]).user(), 'ada', way)
    const isThemed = ['set', 'head', 'reason', 'list'].includes(way)
    assert.equal(others, isThemed ? ['theme=dark'] : way === 'sameHead' ? ['a=b'] : [], way)
    if (way === 'head' || way === 'list') assert.is(answer.headers.get('x-own'), '1', way)
  }
  await served.close()
  await close()
})

test("the application's own faults are no status of the visitor's", async () => {
  await needClientPackages()
  const { options, close } = await openClientServer()
  const faults = [
    [{ ...options, apiKey: 'ck_another-key-of-the-tests' }, 500],
    [{ ...options, url: 'http://127.0.0.1:9', connectTimeout: 1 }, 503],
  ] as const
  // As express-session signs the id "abc".
  const signature = createHmac('sha256', 'of the tests').update('abc').digest('base64')
  const cookie = `connect.sid=${encodeURIComponent(`s:abc.${signature.replace(/=+$/, '')}`)}`
  for (const [faulty, status] of faults) {
    const store = new CoatcheckStore(faulty)
    const plain = createExpress()
    // Else its own logger prints each.
    plain.set('env', 'test')
    plain.use(expressSession(store))
    plain.post('/', (request, response) => {
      request.session['user'] = 'ada'
      response.end()
    })
    const own = createExpress()
    own.set('env', 'test')
    own.use(middleware(faulty))
    own.post('/', async (request, response) => {
      await visitOf(request).set('user', 'ada')
      response.end()
    })
    for (const app of [plain, own]) {
      const served = await serve(app)
      const answer = await fetch(served.url, {
        method: 'POST',
        headers: { cookie },
      })
      assert.is(answer.status, status)
      await answer.text()
      await served.close()
    }
    store.close()
  }
  await close()
})

test.run()

function visitOf(request: ExpressRequest): Visit<Record<string, unknown>> {
  return request.session as unknown as Visit<Record<string, unknown>>
}

async function openSessionApp(options: { idleTimeoutMs?: number } = {}) {
  await needClientPackages()
  const opened = await openClientServer(options)
  const asked = recordAsks(opened.client)
  const store = new CoatcheckStore({ client: opened.client })
  const app = createExpress()
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  app.use(expressSession(store))
  app.get('/read', (request, response) => response.json(request.session))
  app.post('/set/:key', (request, response) => {
    request.session[request.params['key'] ?? ''] = 1
    response.end()
  })
  app.post('/login', (request, response) => {
    request.session.regenerate(() => {
      request.session['user'] = 'ada'
      request.session.save(() => {
        request.session['late'] = 1
        response.end()
      })
    })
  })
  app.post('/logout', (request, response) => request.session.destroy(() => response.end()))
  app.post('/slow', async (request, response) => {
    reached.resolve()
    await released.promise
    request.session['user'] = 'eve'
    response.end()
  })
  app.post('/remember', (request, response) => {
    request.session.cookie.maxAge = 30 * 86_400_000
    response.end()
  })
  const served = await serve(app)
  return {
    ...opened,
    asked,
    browser: createBrowser(served.url),
    hold: { reached: reached.promise, release: released.resolve },
    async close() {
      await served.close()
      await opened.close()
    },
  }
}

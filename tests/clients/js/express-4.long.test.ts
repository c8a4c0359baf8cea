/** The store and the middleware under Express 4, as the manual says: it takes no errors of `async` handlers. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { session as middleware } from '../../../lib/clients/js/express.ts'
import { CoatcheckStore } from '../../../lib/clients/js/express-session.ts'
import type { Visit } from '../../../lib/clients/js/visits/visit.ts'
import { needClientPackages, requirePackage } from '../../kit/clients/client-packages.ts'
import { openClientServer } from '../../kit/clients/client-server.ts'
import {
  createBrowser,
  createExpress,
  type ExpressRequest,
  type ExpressResponse,
  expressSession,
  serve,
} from '../../kit/clients/express-apps.ts'

const test = suite('express 4')

type Next = (error?: unknown) => void
type Page = (session: Visit, response: ExpressResponse) => Promise<unknown>

test('the store keeps a session, a log-in renews it, a log-out ends it', async () => {
  const { client, close } = await openExpress4()
  const app = createExpress('express-4')
  app.use(expressSession(new CoatcheckStore({ client })))
  app.post('/set/:key', (request, response) => {
    request.session[request.params['key'] ?? ''] = 1
    response.end()
  })
  app.post('/login', (request, response) => {
    request.session.regenerate(() => {
      request.session['user'] = 'ada'
      response.end()
    })
  })
  app.post('/logout', (request, response) => request.session.destroy(() => response.end()))
  app.get('/read', (request, response) => response.json({ ...request.session, cookie: undefined }))
  const served = await serve(app)
  const browser = createBrowser(served.url)
  await browser.ask('POST', '/set/cart')
  const before = browser.jar.get('connect.sid')
  assert.equal(await browser.ask('GET', '/read'), { cart: 1 })
  await browser.ask('POST', '/login')
  assert.is.not(browser.jar.get('connect.sid'), before)
  assert.equal(await browser.ask('GET', '/read'), { user: 'ada' })
  await browser.ask('POST', '/logout')
  assert.equal(await browser.ask('GET', '/read'), {})
  assert.is(await client.sessions.count(), 0)
  await served.close()
  await close()
})

test('the middleware keeps a session, and sets one cookie beside those of the application', async () => {
  const { client, close } = await openExpress4()
  const served = await serveMiddleware({ client }, async (session, response) => {
    const own = response as unknown as { cookie(name: string, value: string): void }
    await session.append('cart', 'tea')
    own.cookie('theme', 'dark')
    await session.login('ada')
    response.json(await session.all())
  })
  const answer = await createBrowser(served.url).send('POST', '/')
  assert.equal(await answer.json(), { cart: ['tea'] })
  const names = answer.headers.getSetCookie().map((header) => header.split('=')[0])
  assert.equal(names.toSorted(), ['sid', 'theme'])
  assert.is(await client.sessions.count({ sub: 'ada' }), 1)
  await served.close()
  await close()
})

test('an error of a handler that is wrapped is answered, 503 where the server is away', async () => {
  const { options, close } = await openExpress4()
  const away = { ...options, url: 'http://127.0.0.1:9', connectTimeout: 1 }
  const served = await serveMiddleware(away, (session) => session.set('a', 1))
  const answer = await createBrowser(served.url).send('POST', '/')
  assert.is(answer.status, 503)
  await answer.text()
  await served.close()
  await close()
})

test.run()

async function openExpress4() {
  await needClientPackages()
  const { version } = requirePackage<{ readonly version: string }>('express-4/package.json')
  assert.match(version, /^4\./)
  return openClientServer()
}

function serveMiddleware(options: Parameters<typeof middleware>[0], page: Page) {
  const app = createExpress('express-4')
  // Else its own logger prints each error.
  app.set('env', 'test')
  app.use(middleware(options))
  const handle = async (request: ExpressRequest, response: ExpressResponse) =>
    await page(request.session as unknown as Visit, response)
  const wrapped = (request: ExpressRequest, response: ExpressResponse, next: Next) =>
    handle(request, response).catch(next)
  app.post('/', wrapped as Parameters<typeof app.post>[1])
  return serve(app)
}

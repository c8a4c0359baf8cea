/** The store under @fastify/session itself: what a page costs, and what visitors are told of failures. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CoatcheckError } from '../../../lib/clients/js/errors.ts'
import { CoatcheckStore } from '../../../lib/clients/js/express-session.ts'
import { needClientPackages, requirePackage } from '../../kit/clients/client-packages.ts'
import { openClientServer, recordAsks } from '../../kit/clients/client-server.ts'
import { createBrowser } from '../../kit/clients/express-apps.ts'

const test = suite('fastify')

test('a page that only reads its session asks the server once, whatever the cookie lasts', async () => {
  for (const cookie of [
    { maxAge: 30 * 60_000 },
    {},
    { expires: new Date(Date.now() + 86_400_000) },
  ]) {
    const { browser, asked, clock, close } = await openApp(cookie)
    await browser.ask('POST', '/set')
    await browser.ask('GET', '/read')
    for (let page = 0; page < 3; page++) {
      asked.length = 0
      clock.set(clock.now() + 1_000)
      assert.equal(await browser.ask('GET', '/read'), { user: 'ada' })
      assert.equal(asked.map(methodOf), ['GET'], JSON.stringify(cookie))
    }
    await close()
  }
})

test('a page that changes its session sends that change alone', async () => {
  const { browser, asked, close } = await openApp({ maxAge: 30 * 60_000 })
  await browser.ask('POST', '/set')
  asked.length = 0
  await browser.ask('POST', '/color')
  assert.equal(asked.map(methodOf), ['GET', 'PATCH'])
  assert.match(asked[1] ?? '', / \{"set":\{"color":1\}\}$/)
  await close()
})

test('what the server says of a fault reaches no visitor, and the log has it', async () => {
  const { browser, failed, close } = await openApp({ maxAge: 30 * 60_000 })
  const answer = await browser.send('POST', '/big')
  assert.is(answer.status, 500)
  const text = await answer.text()
  assert.not.match(text, /session-limit|65,536|bytes/)
  assert.match(text, 'The session store failed')
  const [error] = failed
  assert.is(error?.serverStatus, 413)
  assert.match(String(error?.cause), '--session-limit')
  await close()
})

test.run()

const methodOf = (asked: string) => asked.split(' ')[0]

type Request = { session: Record<string, unknown> }
type App = {
  register(plugin: unknown, options?: object): void
  get(path: string, handler: (request: Request) => Promise<unknown>): void
  post(path: string, handler: (request: Request) => Promise<unknown>): void
  addHook(
    name: 'onError',
    hook: (request: Request, reply: unknown, error: CoatcheckError) => Promise<void>,
  ): void
  listen(options: { port: number; host: string }): Promise<string>
  close(): Promise<void>
}

async function openApp(cookie: object) {
  await needClientPackages()
  const opened = await openClientServer()
  // @fastify/session reads the time itself.
  opened.clock.set(Date.now())
  const asked = recordAsks(opened.client)
  const app = requirePackage<() => App>('fastify')()
  app.register(requirePackage('@fastify/cookie'))
  app.register(requirePackage('@fastify/session'), {
    store: new CoatcheckStore({ client: opened.client }),
    secret: 'of the tests, and long enough for it',
    saveUninitialized: false,
    cookie: { secure: false, ...cookie },
  })
  const failed: CoatcheckError[] = []
  app.addHook('onError', async (_, __, error) => {
    failed.push(error)
  })
  app.get('/read', async ({ session }) => ({ user: session['user'] }))
  app.post('/set', async ({ session }) => {
    session['user'] = 'ada'
    return {}
  })
  app.post('/big', async ({ session }) => {
    session['big'] = 'x'.repeat(70_000)
    return {}
  })
  app.post('/color', async ({ session }) => {
    session['color'] = 1
    return {}
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    ...opened,
    asked,
    failed,
    browser: createBrowser(url),
    async close() {
      await app.close()
      await opened.close()
    },
  }
}

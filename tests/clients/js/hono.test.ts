import { Hono } from 'hono'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { session, type SessionVariables } from '../../../lib/clients/js/hono.ts'
import { openClientServer, recordAsks } from '../../kit/clients/client-server.ts'

const test = suite('hono middleware')

type Data = { cart: string[]; user?: string }

test('a page that does not use its session costs nothing, and sets no cookie', async () => {
  const { request, asked, close } = await openApp()
  const page = await request('/plain', 'sid=x')
  assert.equal([await page.text(), page.headers.getSetCookie()], ['plain', []])
  assert.equal(asked, [])
  await close()
})

test('a log-in sets one cookie beside those of the application', async () => {
  const { request, close } = await openApp()
  const login = await request('/login')
  const [theme, sid = '', ...others] = login.headers.getSetCookie()
  assert.equal([theme, others], ['theme=dark', []])
  const me = await request('/me', sid.split(';')[0])
  assert.equal(await me.json(), { user: 'ada', cart: ['tea', 'jam'] })
  await close()
})

test('the cookie is set though the handler throws, and on a response of its own making', async () => {
  const { request, close } = await openApp()
  for (const [path, status] of [
    ['/throws', 500],
    ['/own', 201],
  ] as const) {
    const answer = await request(path)
    assert.is(answer.status, status)
    assert.match(answer.headers.getSetCookie()[0] ?? '', /^sid=/)
  }
  await close()
})

test('an own cookie of the same name, by whatever path, does not leave the application', async () => {
  const { request, close } = await openApp()
  const headers = (await request('/same')).headers.getSetCookie()
  assert.equal(
    headers.map((header) => header.split('=')[0]),
    ['theme', 'sid'],
  )
  assert.match(headers[1] ?? '', /^sid=[\w-]{21}\./)
  await close()
})

test('who says so gets a Secure cookie', async () => {
  const { request, close } = await openApp({ secure: true })
  const login = await request('/login')
  assert.match(login.headers.getSetCookie()[1] ?? '', /^__Host-Http-sid=.*Secure/)
  await close()
})

test.run()

async function openApp(options: { secure?: boolean } = {}) {
  const { client, close } = await openClientServer()
  const asked = recordAsks(client)
  const app = new Hono<{ Variables: SessionVariables<Data> }>()
  app.onError((_, c) => c.text('failed', 500))
  app.use(session<Data>({ client, ...options, address: () => '192.0.2.9' }))
  app.get('/plain', (c) => c.text('plain'))
  app.get('/login', async (c) => {
    c.header('Set-Cookie', 'theme=dark')
    await c.get('session').set('cart', ['tea'])
    await c.get('session').login('ada')
    await c.get('session').append('cart', 'jam')
    return c.text('welcome')
  })
  app.get('/same', async (c) => {
    await c.get('session').login('ada')
    c.header('Set-Cookie', 'sid=x; Path=/shop', { append: true })
    c.header('Set-Cookie', 'theme=dark', { append: true })
    c.header('Set-Cookie', 'sid=; Max-Age=0', { append: true })
    return c.text('welcome')
  })
  app.get('/me', async (c) => {
    const user = await c.get('session').user()
    return c.json({ user, cart: await c.get('session').get('cart', []) })
  })
  app.get('/throws', async (c) => {
    await c.get('session').set('cart', [])
    throw new Error('of the test')
  })
  app.get('/own', async (c) => {
    await c.get('session').set('cart', [])
    return new Response('own', { status: 201 })
  })
  const request = (path: string, cookie = '') =>
    Promise.resolve(app.request(path, { headers: cookie === '' ? {} : { cookie } }))
  return { request, asked, close }
}

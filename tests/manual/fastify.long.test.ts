import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBrowser } from '../kit/clients/express-apps.ts'
import { readPage } from '../kit/manual/page.ts'
import { withExample } from '../kit/manual/run-example.ts'
import { runPage } from '../kit/manual/run-page.ts'

const PAGE = readPage('fastify.md')

const test = suite('fastify.md')

test('fastify.md tells to type nothing but the installation', async () => {
  assert.equal(await runPage(PAGE), { compared: 0, ran: 0, servers: 0, notRun: 1 })
})

test('the application does what the page says', async () => {
  await withExample(PAGE, { args: ['app.js'] }, async ({ url, output }) => {
    const browser = createBrowser(url)
    await browser.page('POST', '/cart', '{"item":"tea"}')
    const guest = browser.jar.get('sessionId')
    await Promise.all([1, 2].map((n) => browser.page('POST', '/cart', `{"item":"jam${n}"}`)))
    assert.match(await browser.page('GET', '/'), /^Hello stranger, in your cart: tea(,jam\d){2}$/)
    await browser.page('POST', '/login', '{"user":"ada"}')
    assert.match(await browser.page('GET', '/'), /^Hello ada, in your cart: tea(,jam\d){2}$/)
    assert.is.not(browser.jar.get('sessionId'), guest)
    await browser.page('POST', '/logout')
    assert.match(await browser.page('GET', '/'), /^Hello stranger, in your cart: nothing$/)
    assert.is(output(), '')
  })
})

test.run()

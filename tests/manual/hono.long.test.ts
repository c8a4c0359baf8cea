import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBrowser } from '../kit/clients/express-apps.ts'
import { readPage } from '../kit/manual/page.ts'
import { withExample } from '../kit/manual/run-example.ts'
import { runPage } from '../kit/manual/run-page.ts'

const PAGE = readPage('hono.md')

const test = suite('hono.md')

const form = (fields: Record<string, string>) => new URLSearchParams(fields)

test('hono.md tells to type nothing but the installation', async () => {
  assert.equal(await runPage(PAGE), { compared: 0, ran: 0, servers: 0, notRun: 1 })
})

test('the application does what the page says', async () => {
  await withExample(PAGE, { args: ['app.js'] }, async ({ url, output }) => {
    const browser = createBrowser(url)
    await browser.page('POST', '/cart', form({ item: 'tea' }))
    const guest = browser.jar.get('sid')
    assert.is(await browser.page('GET', '/'), 'Added tea. Hello stranger, in your cart: tea')
    await browser.page('POST', '/login', form({ user: 'ada' }))
    assert.is.not(browser.jar.get('sid'), guest)
    assert.is(await browser.page('GET', '/'), ' Hello ada, in your cart: tea')
    const other = createBrowser(url)
    await other.page('POST', '/login', form({ user: 'ada' }))
    await other.page('POST', '/logout-everywhere')
    assert.match(await browser.page('GET', '/'), 'Hello stranger')
    await browser.page('POST', '/login', form({ user: 'ada' }))
    await browser.page('POST', '/logout')
    assert.equal([...browser.jar], [])
    assert.is(output(), '')
  })
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { withExample } from '../kit/manual/run-example.ts'
import { runPage } from '../kit/manual/run-page.ts'
import { openChromium } from '../kit/proxies/chromium.ts'

const PAGE = readPage('spa.md')

const test = suite('spa.md')

test('spa.md tells to type nothing but the installation', async () => {
  assert.equal(await runPage(PAGE), { compared: 0, ran: 0, servers: 0, notRun: 1 })
})

test("in a browser the page counts, remembers and forgets, through Vite's server", async () => {
  const vite = ['node_modules/vite/bin/vite.js', '--host', '127.0.0.1', '--port', '3000']
  await withExample(PAGE, { args: [...vite, '--strictPort'] }, async ({ url }) => {
    const browser = await openChromium()
    try {
      const page = await (await browser.openProfile()).openPage()
      const state = (wanted: string, click = '') =>
        page.run(`
          const ends = performance.now() + 5_000
          const text = () => document.querySelector('#state').textContent
          ${click === '' ? '' : `document.querySelector('${click}').click()`}
          while (text() !== '${wanted}' && performance.now() < ends) {
            await new Promise((resolve) => setTimeout(resolve, 20))
          }
          return text()`)
      await page.goTo(url)
      assert.is(await state('Teas: 0'), 'Teas: 0')
      assert.is(await state('Teas: 1', '#add'), 'Teas: 1')
      assert.is(await state('Teas: 2', '#add'), 'Teas: 2')
      await page.goTo(url)
      assert.is(await state('Teas: 2'), 'Teas: 2')
      assert.is(await page.run('return document.cookie'), '')
      assert.is(await state('Teas: 0', '#leave'), 'Teas: 0')
    } finally {
      await browser.close()
    }
  })
})

test.run()

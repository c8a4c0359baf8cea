/** The pages in a real browser: nothing is cut off, refused or hard to read. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readAllPages } from '../kit/manual/page.ts'
import { openChromium, type Page, type Screen } from '../kit/proxies/chromium.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('/docs in a browser')

const PAGES = readAllPages()
  .map(({ path }) => /^lib\/manual\/(.+)\.md$/.exec(path)?.[1])
  .flatMap((name) => (name === undefined ? [] : [`/docs/${name}`]))
const PATHS = ['/', '/docs', '/docs?q=log+out', '/docs?q=zzzz', '/docs/nope', ...PAGES]

const SCREENS: readonly Screen[] = [360, 768, 1280].flatMap((width) =>
  (['light', 'dark'] as const).map((scheme) => ({ width, height: 800, scheme })),
)

/** The protocol puts it into the page, whose policy takes no script. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES =
  "{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }"

/** What a page's policy has refused, from its first byte on. */
const WATCH =
  "window.refused = []; addEventListener('securitypolicyviolation', " +
  "({ violatedDirective, blockedURI }) => refused.push(violatedDirective + ' ' + blockedURI))"

async function withPage(act: (page: Page, url: string) => Promise<void>): Promise<void> {
  const server = await spawnServer(['--data', join(makeFolder(), 'sessions.db')])
  const browser = await openChromium()
  try {
    const page = await (await browser.openProfile()).openPage()
    await page.runFirst(WATCH)
    await act(page, server.url)
  } finally {
    await browser.close()
    server.kill('SIGTERM')
    await server.ended
  }
}

test('no page is wider than its window, and nothing of it is refused', () =>
  withPage(async (page, url) => {
    const faults: string[] = []
    for (const screen of SCREENS) {
      await page.show(screen)
      for (const path of PATHS) {
        await page.goTo(`${url}${path}`)
        const found = await page.run(`
          const wide = document.documentElement.scrollWidth > innerWidth ? ['too wide'] : []
          const styled = getComputedStyle(document.querySelector('.top')).display === 'flex' ? [] : ['no style']
          return [...wide, ...styled, ...refused].join()`)
        if (found !== '')
          faults.push(`${path} at ${screen.width}, ${screen.scheme}: ${String(found)}`)
      }
    }
    assert.equal(faults, [])
  }))

test('what a policy refuses is seen', () =>
  withPage(async (page, url) => {
    await page.goTo(`${url}/docs`)
    const found = await page.run(`
      document.body.append(Object.assign(document.createElement('img'), { src: 'http://other.example/x' }))
      await new Promise((resolve) => setTimeout(resolve, 100))
      return refused.join()`)
    assert.match(String(found), 'img-src')
  }))

test('axe has nothing to say, on a light phone and a dark desk', () =>
  withPage(async (page, url) => {
    const faults: string[] = []
    for (const screen of [SCREENS[0], SCREENS[5]].filter((one) => one !== undefined)) {
      await page.show(screen)
      for (const path of PATHS) {
        await page.goTo(`${url}${path}`)
        await page.run(`(function () { ${AXE} }).call(window)`)
        const found = await page.run(`
          const { violations } = await axe.run(${RULES})
          return violations.map(({ id, nodes }) => id + ' ' + nodes.length + ' ' + nodes[0].html.slice(0, 200)).join('; ')`)
        if (found !== '')
          faults.push(`${path} at ${screen.width}, ${screen.scheme}: ${String(found)}`)
      }
    }
    assert.equal(faults, [])
  }))

test('the keyboard goes first to the way past the menus, and there on', () =>
  withPage(async (page, url) => {
    await page.show({ width: 1280, height: 800, scheme: 'light' })
    await page.goTo(`${url}/docs/start`)
    const found = await page.run(`
      const all = [...document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')]
      const [first] = all.filter((element) => element.checkVisibility())
      first.focus()
      const { top } = first.getBoundingClientRect()
      first.click()
      await new Promise((resolve) => setTimeout(resolve, 100))
      return [first.textContent, top >= 0, document.activeElement.id].join()`)
    assert.is(found, 'Skip to the content,true,content')
  }))

test('on paper there is the text alone', () =>
  withPage(async (page, url) => {
    await page.show({ width: 794, height: 1123, scheme: 'dark', isPaper: true })
    await page.goTo(`${url}/docs/operating`)
    const found = await page.run(`
      const hidden = ['.top', '.side', '.contents', '.turn'].filter((one) => document.querySelector(one).checkVisibility())
      const { backgroundColor, color } = getComputedStyle(document.body)
      return [...hidden, backgroundColor, color].join(' ')`)
    assert.is(found, 'rgb(255, 255, 255) rgb(0, 0, 0)')
  }))

test('a search is one line and one key', () =>
  withPage(async (page, url) => {
    await page.goTo(`${url}/`)
    await page.run("document.querySelector('[name=q]').value = '--idle-timeout'")
    await page.run("document.querySelector('form').requestSubmit()")
    // The script of a page that is left ends with an error.
    const firstHit = () =>
      page
        .run("return document.querySelector('.hits a')?.getAttribute('href')")
        .catch(() => undefined)
    let found: unknown
    for (let tries = 0; found === undefined && tries < 200; tries++) {
      await sleep(50)
      found = await firstHit()
    }
    assert.is(found, '/docs/settings#all-settings')
  }))

test.run()

/** How the tour looks and is used: any width, light and dark, by keyboard, without script, in Chinese. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OPERATIONS } from '../../lib/tour/browser/tutorial/operations.ts'
import { chinese } from '../../lib/tour/browser/words/chinese.ts'
import { type Visitor, withTour } from '../kit/clients/tour-visitor.ts'
import type { Screen } from '../kit/proxies/chromium.ts'

const test = suite('tour: looks')

const SCREENS: readonly Screen[] = [360, 768, 1280, 1920].flatMap((width) =>
  (['light', 'dark'] as const).map((scheme) => ({ width, height: 800, scheme })),
)
const LANGUAGES = ['en', 'zh']

/** The protocol puts it into the page, whose policy takes no script. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES =
  "{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }"

/** What has no other name in Chinese, and what stands in the examples. */
const NAMES =
  'API Cookie Flask JSON Python Session True False None claims data session interface regenerate ' +
  'clear ada tea theme'

/** A name and a value without a place to break a line. */
const LONG = 'x'.repeat(90)

test('no page is wider than its window, empty or full', () =>
  withTour(async (visitor) => {
    const faults: string[] = []
    for (const fullness of ['empty', 'full']) {
      if (fullness === 'full') await fillUp(visitor)
      for (const lang of LANGUAGES) {
        for (const screen of SCREENS.filter(({ scheme }) => scheme === 'light')) {
          await open(visitor, screen, lang)
          if (fullness === 'full') await visitor.press('set', { key: LONG, value: `'${LONG}'` })
          // On a phone, the browser makes the window as wide as what is in it.
          const width = Number(
            await visitor.page.run('return document.documentElement.scrollWidth'),
          )
          const found = await visitor.faults()
          if (width > screen.width || found !== '') {
            faults.push(`${fullness} ${lang} ${screen.width}: ${width} ${found}`)
          }
        }
      }
    }
    assert.equal(faults, [])
  }))

test('axe has nothing to say, empty or full, in light and dark', () =>
  withTour(async (visitor) => {
    const faults: string[] = []
    for (const fullness of ['empty', 'full']) {
      if (fullness === 'full') await fillUp(visitor)
      for (const [lang, screen] of [
        ['en', SCREENS[0]],
        ['zh', SCREENS[1]],
        ['zh', SCREENS[4]],
        ['en', SCREENS[5]],
      ] as const) {
        if (screen === undefined) continue
        await open(visitor, screen, lang)
        if (fullness === 'full') {
          await visitor.press('all')
          await visitor.press('setDefault')
          await visitor.press('set', { value: 'wrong' })
          // Until what is new has faded in.
          await visitor.until(
            'return document.getAnimations().every((one) => one instanceof CSSTransition || one.playState !== "running")',
          )
        }
        await visitor.page.run(`(function () { ${AXE} }).call(window)`)
        const found = await visitor.page.run(`
          const { violations } = await axe.run(${RULES})
          return violations.map(({ id, nodes }) => id + ' ' + nodes.length + ' ' + nodes[0].html.slice(0, 200)).join('; ')`)
        if (found !== '')
          faults.push(`${fullness} ${lang} ${screen.width} ${screen.scheme}: ${String(found)}`)
      }
    }
    assert.equal(faults, [])
  }))

test('the keyboard alone is enough', () =>
  withTour(async ({ page, until, server, faults }) => {
    const focused = async () =>
      String(
        await page.run(
          'return document.activeElement.id || document.activeElement.name || document.activeElement.tagName',
        ),
      )
    await page.press('Tab')
    assert.is(await page.run('return document.activeElement.className'), 'skip')
    await page.press('Enter')
    await until("return document.activeElement.id === 'content'")

    // A button, by the way to it.
    for (let presses = 0; (await focused()) !== 'run-set'; presses++) {
      assert.ok(presses < 80, 'too many presses of Tab')
      await page.press('Tab')
      // Whatever has the focus is in sight, and is seen to have it.
      await until(`
        const at = document.activeElement
        const { top, bottom, width } = at.getBoundingClientRect()
        const { outlineStyle } = getComputedStyle(at)
        return width > 0 && bottom > 0 && top < innerHeight && outlineStyle !== 'none'`)
    }
    await page.press(' ')
    await until("return document.querySelector('#step-set output').textContent !== ''")
    assert.is(await focused(), 'run-set')
    assert.equal((await server()).body['data'], { user: 'ada' })

    // A field, and Enter in it.
    await page.run("document.querySelector('#step-get [name=key]').focus()")
    await page.type('s')
    await page.press('Enter')
    await until("return document.querySelector('#step-get output').textContent !== ''")
    assert.match(
      String(await page.run("return document.querySelector('#step-get output').textContent")),
      /404|200/,
    )

    // An earlier request is a press away, too.
    await page.run("document.querySelector('.history li:last-child button').focus()")
    await page.press('Enter')
    await until(
      "return document.querySelector('.message .first').textContent.includes('PUT /session/user')",
    )
    assert.is(await faults(), '')
  }))

test('without script it says so, and shows the lines of curl', () =>
  withTour(async ({ page, url }) => {
    await page.switchScriptsOff()
    for (const screen of [SCREENS[0], SCREENS[4]]) {
      if (screen === undefined) continue
      await page.show(screen)
      await page.goTo(`${url}/tour`)
      const found = await page.run(`
        const isShown = (one) => one.checkVisibility()
        const all = (selector) => [...document.querySelectorAll(selector)]
        return JSON.stringify({
          notice: all('.notice').map(({ innerText }) => innerText.slice(0, 28).trim()),
          lines: all('[data-curl]').filter(isShown).length,
          buttons: all('button').filter(isShown).length,
          fields: all('input').filter(({ readOnly }) => !readOnly).length,
          panes: all('.pane').filter(isShown).length,
          isWide: document.documentElement.scrollWidth > ${screen.width},
        })`)
      assert.equal(JSON.parse(String(found)), {
        notice: ['The buttons need JavaScript,'],
        lines: OPERATIONS.length,
        buttons: 0,
        fields: 0,
        panes: 0,
        isWide: false,
      })
    }
  }))

test('in Chinese all is Chinese, and stays so', () =>
  withTour(async (visitor) => {
    const { page, url, press, until } = visitor
    await page.run("document.querySelector('.language').click()").catch(() => undefined)
    await until(
      "return document.documentElement.lang === 'zh-Hans' && document.documentElement.className === 'live'",
    )
    await page.goTo(`${url}/tour`)
    assert.is(await page.run('return document.documentElement.lang'), 'zh-Hans')
    assert.is(await page.run('return document.title'), `${chinese.title} · Coatcheck`)

    assert.is(await press('set'), '204 | 会话开始了 | 新增 user')
    assert.is(await press('setCookie'), '204 | 新增 Cookie theme')
    assert.match(await press('getDefault'), "200 | 'red'")
    const { browser, server, wire } = await visitor.panes()
    assert.match(browser, '号牌')
    assert.match(browser, '任何脚本都读不到它')
    assert.match(browser, 'tour-lang zh')
    assert.match(server, '闲置超时')
    assert.match(server, '最长寿命')
    assert.match(wire, '浏览器发出的请求')
    await press('logOut')
    await press('set', { value: 'wrong' })

    // English are only code, names, and what the server itself says.
    const left = await page.run(`
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      const found = []
      while (walker.nextNode()) {
        const { data, parentElement } = walker.currentNode
        if (parentElement.closest('code, pre, .status, .method, .headers, .first, .attribute, .language, .history, noscript, script, .id, .value, .name, .glance b, .brand')) continue
        const words = data.match(/[A-Za-z]{3,}/g) ?? []
        found.push(...words)
      }
      return [...new Set(found)].join(' ')`)
    const english = String(left)
      .split(' ')
      .filter((word) => !NAMES.split(' ').includes(word))
    assert.equal(english, [])
    assert.is(await visitor.faults(), '')

    await page.run("document.querySelector('.language').click()").catch(() => undefined)
    await until("return document.documentElement.lang === 'en'")
  }))

test.run()

async function open({ page, url, until }: Visitor, screen: Screen, lang: string): Promise<void> {
  await page.show(screen)
  await page.goTo(`${url}/tour?lang=${lang}`)
  await until("return document.querySelector('[data-pane=browser]').textContent !== ''")
}

/** Cookies and a session with much in it. */
async function fillUp({ press }: Visitor): Promise<void> {
  await press('setCookie', { value: LONG, maxAge: '9000' })
  await press('setCookieUntil', { name: LONG, value: '你好; 世界' })
  await press('setHiddenCookie')
  await press('set', {
    value: "{'name': '\u4f60\u597d', 'roles': ['a', 'b'], 'n': 12345678901234567890}",
  })
  await press('update')
  await press('flash')
  await press('permanent')
}

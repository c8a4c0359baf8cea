/** The dashboard in a real browser: each page and button, by mouse and keyboard, with hostile sessions. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeFolder, type RunningServer, spawnServer } from '../kit/process/spawn-server.ts'
import { openChromium, type Page, type Screen } from '../kit/proxies/chromium.ts'

const test = suite('dashboard in a browser')

const KEY = 'ck_the-key-of-a-dashboard-1'
const EVIL = '"><img src=x onerror=alert(1)><script>alert(2)</script>'

const SCREENS: readonly Screen[] = [360, 768, 1280].flatMap((width) =>
  (['light', 'dark'] as const).map((scheme) => ({ width, height: 800, scheme })),
)

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES =
  "{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }"

/** What the policy refused, and what would have been a dialog, from the first byte of each page on. */
const WATCH = `
  window.seen = []
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
    seen.push(violatedDirective + ' ' + blockedURI))
  for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => void seen.push(name)
  addEventListener('error', ({ message }) => seen.push(message))
  addEventListener('unhandledrejection', ({ reason }) => seen.push(String(reason)))`

type Visit = {
  readonly page: Page
  readonly server: RunningServer
  /** Creates a session by the API, and returns its id. */
  readonly create: (session: object) => Promise<string>
  readonly ask: (line: string, body?: string) => Promise<Response>
  readonly logIn: (key?: string) => Promise<void>
  readonly go: (path: string) => Promise<void>
  /** Waits until the page, whichever that is by then, is loaded and the expression is true in it. */
  readonly until: (expression: string) => Promise<void>
}

async function visit(act: (visit: Visit) => Promise<void>, flags: string[] = []): Promise<void> {
  const data = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', data, ...flags], { COATCHECK_API_KEY: KEY })
  const browser = await openChromium()
  try {
    const page = await (await browser.openProfile()).openPage()
    await page.runFirst(WATCH)
    await page.show({ width: 1280, height: 900, scheme: 'light' })
    const go = (path: string) => page.goTo(`${server.url}${path}`)
    const ask = (line: string, body?: string) => {
      const [method = '', path = ''] = line.split(' ')
      const headers = { authorization: `Bearer ${KEY}` }
      return fetch(`${server.url}${path}`, { method, headers, ...(body !== undefined && { body }) })
    }
    async function until(expression: string): Promise<void> {
      for (let tries = 0; tries < 200; tries++) {
        // The script of a page that is left ends with an error.
        const isSo = await page
          .run(`return document.readyState === 'complete' && Boolean(${expression})`)
          .catch(() => false)
        if (isSo === true) return
        await sleep(50)
      }
      throw new Error(`It has not come true in the page: ${expression}`)
    }
    await act({
      ...{ page, server, ask, go, until },
      async create(session) {
        const answer = await ask('POST /sessions', JSON.stringify(session))
        const { id }: { id: string } = JSON.parse(await answer.text())
        return id
      },
      async logIn(key = KEY) {
        await go('/dashboard/login')
        // Who has logged in already is led on.
        if ((await page.run("return document.getElementById('key') === null")) === true) {
          await page.run('document.querySelector(\'[action="/dashboard/logout"]\').requestSubmit()')
          await until("location.pathname === '/dashboard/login'")
        }
        await page.run(`
          document.getElementById('key').value = ${JSON.stringify(key)}
          document.querySelector('form').requestSubmit()`)
        await until("location.pathname === '/dashboard' && document.querySelector('h1')")
      },
    })
  } finally {
    await browser.close()
    server.kill('SIGTERM')
    await server.ended
  }
}

/** Sessions of every kind; returns the paths of all pages. */
async function fill({ create, ask }: Visit): Promise<string[]> {
  const long =
    'a-user-with-a-name-that-is-longer-than-any-column-of-any-table-on-any-phone@example.org'
  const device = { address: '2001:db8:85a3::8a2e:370:7334', userAgent: EVIL }
  const live = await create({
    data: { [EVIL]: EVIL, text: 'x'.repeat(9_000), list: Array.from({ length: 50 }, (_, n) => n) },
    claims: { sub: EVIL, [EVIL]: [EVIL] },
    device,
  })
  const ended = await create({ claims: { sub: long } })
  await ask(`DELETE /sessions/${ended}`)
  const renewed = await create({ claims: { sub: EVIL } })
  await ask(`POST /sessions/${renewed}/renew`)
  await create({ claims: { sub: long }, data: { a: 1 } })
  await create({})
  const chosen = 'a-session-of-my-own-with-an-id-as-long-as-ids-may-be-'.padEnd(128, 'x')
  await ask(`PUT /sessions/${chosen}`, JSON.stringify({ claims: { sub: 'ada' } }))
  const evil = encodeURIComponent(EVIL)
  return [
    '/dashboard',
    '/dashboard/sessions',
    `/dashboard/sessions?q=${evil}`,
    `/dashboard/sessions?q=${chosen.slice(0, 8)}`,
    `/dashboard/sessions?sub=${encodeURIComponent(long)}`,
    ...[live, ended, renewed, chosen].map((id) => `/dashboard/session/${id}`),
    '/dashboard/users',
    '/dashboard/users?q=zzz',
    `/dashboard/users/log-out?sub=${evil}`,
    '/dashboard/feed',
    `/dashboard/feed?what=ended-revoked&sub=${evil}`,
    '/dashboard/keys',
    '/dashboard/storage',
    `/dashboard/nothing?${evil}`,
    '/dashboard/session/an-id-that-nobody-has',
  ]
}

test('no page is wider than its window, and what is in sessions does nothing', () =>
  visit(async (all) => {
    const { page, go } = all
    const paths = await fill(all)
    await all.logIn()
    const faults: string[] = []
    for (const screen of SCREENS) {
      await page.show(screen)
      for (const path of ['/dashboard/login', ...paths]) {
        await go(path)
        const found = await page.run(`
          const wide = document.documentElement.scrollWidth > innerWidth ? ['too wide'] : []
          const styled = getComputedStyle(document.querySelector('.card')).borderRadius === '10px' ? [] : ['no style']
          const foreign = document.querySelector('img, main script') === null ? [] : ['an element of a session']
          return [...wide, ...styled, ...foreign, ...seen].join()`)
        if (found !== '') faults.push(`${path} at ${screen.width}: ${String(found)}`)
      }
    }
    assert.equal(faults, [])
  }))

test('axe has nothing to say, on a light phone and a dark desk', () =>
  visit(async (all) => {
    const { page, go } = all
    const paths = await fill(all)
    const faults: string[] = []
    const judge = async (path: string, { width, scheme }: Screen) => {
      await page.run(`(function () { ${AXE} }).call(window)`)
      const found = await page.run(`
        const { violations } = await axe.run(${RULES})
        return violations.map(({ id, nodes }) => id + ' ' + nodes.length + ' ' + nodes[0].html.slice(0, 200)).join('; ')`)
      if (found !== '') faults.push(`${path} at ${width}, ${scheme}: ${String(found)}`)
    }
    for (const screen of [SCREENS[0], SCREENS[5]].filter((one) => one !== undefined)) {
      await page.show(screen)
      await go('/dashboard')
      await judge('the log-in', screen)
      await all.logIn()
      for (const path of paths) {
        await go(path)
        await page.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
        await judge(path, screen)
      }
      await go('/dashboard/sessions')
      await page.run("document.querySelector('td.act button').click()")
      await judge('the dialog of an end', screen)
      await page.run('document.querySelector(\'[action="/dashboard/logout"]\').requestSubmit()')
      await all.until("location.pathname === '/dashboard/login'")
    }
    assert.equal(faults, [])
  }))

test('a session is ended by its button, which asks once', () =>
  visit(async ({ page, create, ask, logIn, go, until }) => {
    const [kept, ended] = [await create({ claims: { sub: 'kept' } }), await create({})]
    await logIn()
    await go('/dashboard/sessions')
    await page.run(`
      document.querySelector('[popovertarget="end-${ended}"]').click()
      document.querySelector('#end-${ended} [popovertargetaction=hide]').click()`)
    assert.is((await ask(`GET /sessions/${ended}`)).status, 200)
    await page.run(`
      document.querySelector('[popovertarget="end-${ended}"]').click()
      const dialog = document.getElementById('end-${ended}')
      if (!dialog.matches(':popover-open')) throw new Error('The dialog is not open')
      dialog.querySelector('.filled').click()`)
    await until(`location.pathname === '/dashboard/session/${ended}'`)
    assert.match(String(await page.run('return document.body.innerText')), 'One session was ended')
    assert.is((await ask(`GET /sessions/${ended}`)).status, 410)
    assert.is((await ask(`GET /sessions/${kept}`)).status, 200)
  }))

test('a user is found, and logged out everywhere', () =>
  visit(async ({ page, create, ask, logIn, go, until }) => {
    for (let n = 0; n < 3; n++) await create({ claims: { sub: 'ada' } })
    await logIn()
    await go('/dashboard/users')
    await page.run('document.querySelector(\'td a[href$="log-out?sub=ada"]\').click()')
    await until("document.body.innerText.includes('End all 3 sessions')")
    await page.run("document.querySelector('form.ask .filled').click()")
    await until("document.body.innerText.includes('3 sessions were ended')")
    assert.equal(await (await ask('GET /sessions?sub=ada&count=true')).json(), { count: 0 })
    const text = String(await page.run('return document.body.innerText'))
    assert.is(text.match(/revoked/g)?.length, 3)
  }))

test('why a user was logged out is found from the name in some seconds', () =>
  visit(async ({ page, create, ask, logIn, until }) => {
    const id = await create({ claims: { sub: 'grace' } })
    await ask(`DELETE /sessions/${id}`)
    await logIn()
    await page.press('2')
    await until("location.pathname === '/dashboard/sessions'")
    await page.press('/')
    for (const letter of 'grace') await page.press(letter)
    await page.press('Enter')
    await until("document.body.innerText.includes('What happened to grace')")
    await page.run(`document.querySelector('a.id[href$="${id}"]').click()`)
    await until("document.body.innerText.includes('Why it ended')")
    assert.match(String(await page.run('return document.body.innerText')), 'with an API key')
  }))

test('a key is made, copied by hand, used and revoked; its dashboard is logged out', () =>
  visit(async ({ page, logIn, go, until }) => {
    await logIn()
    await go('/dashboard/keys')
    await page.run(`
      document.getElementById('name').value = 'looker'
      document.getElementById('scope').value = 'read'
      document.querySelector('form.new').requestSubmit()`)
    await until("document.querySelector('.secret code')")
    const key = String(await page.run("return document.querySelector('.secret code').textContent"))
    assert.match(key, /^ck_[\w-]{43}$/)
    await page.run('document.querySelector(\'[action="/dashboard/logout"]\').requestSubmit()')
    await until("location.pathname === '/dashboard/login'")
    await logIn(key)
    assert.match(String(await page.run('return document.body.innerText')), 'may only look')
    await go('/dashboard/keys')
    assert.is(await page.run("return document.querySelectorAll('main form').length"), 0)
    await logIn()
    await go('/dashboard/keys')
    await page.run(`
      const [button] = [...document.querySelectorAll('td.act button')].filter((one) => one.textContent.includes('looker'))
      button.click()
      document.querySelector(':popover-open .filled').click()`)
    await until("document.body.innerText.includes('is revoked')")
  }))

test('the sweep is started by its button, and the feed is filtered by its form', () =>
  visit(async ({ page, create, logIn, go, until }) => {
    await create({ claims: { sub: 'ada' }, idleTimeout: 1 })
    await create({ claims: { sub: 'eve' } })
    await sleep(1_100)
    await logIn()
    await go('/dashboard/storage')
    await page.run(
      'document.querySelector(\'[action="/dashboard/storage/sweep"]\').requestSubmit()',
    )
    await until("document.body.innerText.includes('one expired session was ended')")
    await go('/dashboard/feed')
    await page.run(`
      document.getElementById('what').value = 'ended-idle_timeout'
      document.querySelector('form.filter').requestSubmit()`)
    await until("location.search.includes('idle_timeout')")
    const rows = await page.run(
      "return [...document.querySelectorAll('.events tbody tr')].map((row) => row.innerText)",
    )
    assert.is((rows as string[]).length, 1)
    assert.match(String(rows), 'ada')
  }))

test('numbers and events move by themselves, and stop where somebody says so', () =>
  visit(async ({ page, create, ask, logIn, go, until }) => {
    await logIn()
    await until("document.documentElement.dataset.stream === 'live'")
    await create({ claims: { sub: 'ada' } })
    await until("document.querySelector('[data-figure=sessions]').textContent === '1'")
    await until("document.querySelector('[data-events]').innerText.includes('ada')")
    await until("document.querySelector('[data-line=reads]').getAttribute('d').length > 20")

    await go('/dashboard/feed?sub=eve')
    await until("document.documentElement.dataset.stream === 'live'")
    await create({ claims: { sub: 'ada' } })
    await create({ claims: { sub: EVIL } })
    const id = await create({ claims: { sub: 'eve' } })
    await until("document.querySelector('[data-events]').innerText.includes('eve')")
    assert.is(await page.run("return document.querySelectorAll('[data-events] tr').length"), 1)
    await page.run("document.querySelector('[data-pause]').click()")
    await ask(`DELETE /sessions/${id}`)
    await sleep(1_500)
    assert.is(await page.run("return document.querySelectorAll('[data-events] tr').length"), 1)
    await page.run("document.querySelector('[data-pause]').click()")
    await until("document.querySelectorAll('[data-events] tr').length === 2")
    assert.is(await page.run('return seen.join()'), '')
  }))

test('a dashboard whose key was revoked stops moving', () =>
  visit(async ({ page, server, logIn, go, until }) => {
    await logIn()
    await go('/dashboard/keys')
    await page.run(`
      document.getElementById('name').value = 'mine'
      document.querySelector('form.new').requestSubmit()`)
    await until("document.querySelector('.secret code')")
    const key = String(await page.run("return document.querySelector('.secret code').textContent"))
    await logIn(key)
    await until("document.documentElement.dataset.stream === 'live'")
    const login = await fetch(`${server.url}/dashboard/login`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ key: KEY }),
    })
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const keys = await (await fetch(`${server.url}/dashboard/keys`, { headers: { cookie } })).text()
    const [, hash = ''] = /name="hash" value="([^"]*)"/.exec(keys) ?? []
    await fetch(`${server.url}/dashboard/keys/revoke`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie },
      body: new URLSearchParams({ hash }),
    })
    await until("document.documentElement.dataset.stream === 'waits'")
    await go('/dashboard')
    assert.is(await page.run("return document.getElementById('key') !== null"), true)
  }))

test('the keyboard alone is enough', () =>
  visit(async ({ page, create, logIn, until }) => {
    const ids = [await create({}), await create({}), await create({})].toReversed()
    await logIn()
    for (const [key, path] of [
      ['3', 'users'],
      ['4', 'feed'],
      ['5', 'keys'],
      ['6', 'storage'],
      ['2', 'sessions'],
    ] as const) {
      await page.press(key)
      await until(
        `location.pathname === '/dashboard/${path}' && document.readyState === 'complete'`,
      )
    }
    const focused = () => page.run("return document.activeElement.getAttribute('href') ?? ''")
    await page.press('j')
    assert.match(String(await focused()), ids[0] ?? '')
    await page.press('j')
    await page.press('j')
    await page.press('j')
    assert.match(String(await focused()), ids[2] ?? '')
    await page.press('k')
    assert.match(String(await focused()), ids[1] ?? '')
    await page.press('?')
    assert.is(
      await page.run("return document.getElementById('keyboard').matches(':popover-open')"),
      true,
    )
    await page.press('Escape')
    assert.is(
      await page.run("return document.getElementById('keyboard').matches(':popover-open')"),
      false,
    )
    await page.press('k')
    await page.press('Enter')
    await until(`location.pathname === '/dashboard/session/${ids[0]}'`)
    // What is typed into a field is text.
    await page.press('2')
    await until("location.pathname === '/dashboard/sessions'")
    await page.press('/')
    for (const letter of 'j2k?') await page.press(letter)
    assert.is(await page.run("return document.getElementById('q').value"), 'j2k?')
    // The first stop is the way past the menu.
    await page.run('document.activeElement.blur(); scrollTo(0, 0)')
    await page.press('Tab')
    await page.press('Tab')
    const found = await page.run(`
      const [first] = [...document.querySelectorAll('a[href], button, input')].filter((one) => one.checkVisibility())
      first.focus()
      const { top } = first.getBoundingClientRect()
      first.click()
      await new Promise((resolve) => setTimeout(resolve, 100))
      return [first.textContent, top >= 0, document.activeElement.id].join()`)
    assert.is(found, 'Skip to the content,true,content')
  }))

test('the theme is chosen by a button, at once and for the next page', () =>
  visit(async ({ page, logIn, go }) => {
    await logIn()
    const background = () => page.run('return getComputedStyle(document.body).backgroundColor')
    assert.is(await background(), 'rgb(247, 247, 245)')
    await page.run("document.querySelector('.themes [value=dark]').click()")
    assert.is(await background(), 'rgb(15, 17, 16)')
    await sleep(300)
    await go('/dashboard/users')
    assert.is(await background(), 'rgb(15, 17, 16)')
    await page.show({ width: 1280, height: 900, scheme: 'dark' })
    await page.run("document.querySelector('.themes [value=light]').click()")
    assert.is(await background(), 'rgb(247, 247, 245)')
    await page.run("document.querySelector('.themes [value=system]').click()")
    assert.is(await background(), 'rgb(15, 17, 16)')
  }))

test('a stop waits for no dashboard that is looked at', () =>
  visit(async ({ server, logIn, until }) => {
    await logIn()
    await until("document.documentElement.dataset.stream === 'live'")
    const startedAt = performance.now()
    server.kill('SIGTERM')
    assert.is((await server.ended).code, 0)
    assert.ok(performance.now() - startedAt < 6_000)
  }))

test('an admin listener has the dashboard, and the main address has none', () =>
  visit(
    async ({ server, page, until }) => {
      const [, url = ''] = /^Dashboard: (\S+)$/m.exec(server.stdout()) ?? []
      assert.is.not(new URL(url).host, new URL(server.url).host)
      assert.is((await fetch(`${server.url}/dashboard`)).status, 404)
      await page.goTo(url)
      await page.run(`
        document.getElementById('key').value = '${KEY}'
        document.querySelector('form').requestSubmit()`)
      await until("document.querySelector('h1')?.textContent === 'Overview'")
      await until("document.documentElement.dataset.stream === 'live'")
    },
    ['--admin-listen', '127.0.0.1:0'],
  ))

test.run()

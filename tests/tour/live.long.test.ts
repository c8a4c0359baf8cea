/** The panes of the tour follow whatever happens, by themselves. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openTab, type Visitor, withTour } from '../kit/clients/tour-visitor.ts'

const test = suite('tour: live')

const KEY = 'ck_the-key-of-all-the-tests'

test('the bars run, and a touch sets the idle timeout back, not the lifetime', () =>
  withTour(async (visitor) => {
    const { page, press, until } = visitor
    await press('set')
    const idle = secondsOf(0)
    const lifetime = secondsOf(1)
    await until(`return ${idle} <= 1797 && ${lifetime} <= 43197`)
    const widths = String(
      await page.run(`
        return [...document.querySelectorAll('.limits .rest')].map(({ style }) => style.transform).join(' ')`),
    )
    assert.match(widths, /^scaleX\(0\.99[78]\d*\) scaleX\(0\.9999\d*\)$/)
    assert.match(String(await page.run(`return ${meter(0)}.ariaValueText`)), /^29:5\d$/)

    await press('touch')
    await until(`return ${idle} >= 1799`)
    assert.ok(Number(await page.run(`return ${lifetime}`)) <= 43_197)
    await press('look')
    await until(`return ${idle} <= 1798`)
    assert.is(await visitor.faults(), '')
  }))

test('the bars follow the page’s clock, and find the server’s again where that one is off', () =>
  withTour(async ({ page, press, until }) => {
    await press('set')
    await page.run(`
      window.least = Infinity
      const see = () => (least = Math.min(least, ${secondsOf(0)}))
      new MutationObserver(see).observe(${meter(0)}, { attributes: true })
      const real = Date.now
      Date.now = () => real() + 600_000`)
    // Ten minutes are gone, until the next look tells how far away the server's clock is.
    await until(`return least < 1260 && ${secondsOf(0)} > 1740`)
    assert.match(await press('touch'), '200')
  }))

test('a session that nobody used in time is shown as ended, and why', () =>
  withTour(
    async (visitor) => {
      await visitor.press('set')
      await until(visitor, 'server', 'nobody asked for it in time (idle timeout)')
      assert.is((await visitor.server()).body['reason'], 'idle_timeout')
      const before = await visitor.profile.cookies()
      assert.match(await visitor.press('set'), 'a session begins')
      assert.not.equal(await visitor.profile.cookies(), before)
      assert.is(await visitor.faults(), '')
    },
    ['--idle-timeout', '3s'],
  ))

test('a cookie that runs out is gone from the pane, as from the browser', () =>
  withTour(async (visitor) => {
    await visitor.press('setCookie', { maxAge: '2' })
    assert.match((await visitor.panes()).browser, 'theme dark')
    await until(visitor, 'browser', 'No cookies yet.')
    assert.equal(await visitor.profile.cookies(), [])
  }))

test('a press in another tab is shown in this one', () =>
  withTour(async (visitor) => {
    const other = await openTab(visitor)
    await other.press('set', { key: 'from', value: "'the other tab'" })
    await until(visitor, 'server', 'from "the other tab"')
    await other.press('setCookie', { name: 'theirs' })
    await until(visitor, 'browser', 'theirs dark Path=/ Max-Age=60')
    await visitor.press('logOut')
    await until(other, 'server', 'No session for this browser yet.')
    assert.is((await visitor.faults()) + (await other.faults()), '')
  }))

test('another private window is another browser: clear() leaves its session alone', () =>
  withTour(async (visitor) => {
    const [own, { body: theirs }] = [visitor, await begin(visitor.url)]
    await own.press('set')
    await own.press('clear')
    assert.equal((await own.server()).body['data'], {})
    const answer = await fetch(`${visitor.url}/session`, { headers: { cookie: theirs } })
    assert.equal(JSON.parse(await answer.text()).data, { mine: 1 })
  }))

test('what another program writes is shown, without a touch by the page', () =>
  withTour(async (visitor) => {
    await visitor.press('set')
    await visitor.server('PUT', '/session/from', '"curl"')
    const { body } = await visitor.server()
    await until(visitor, 'server', 'from "curl"')
    const looks = `performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('touch=false')).length`
    const seen = Number(await visitor.page.run(`return ${looks}`))
    await visitor.until(`return ${looks} > ${seen + 1}`)
    assert.is((await visitor.server()).body['lastSeenAt'], body['lastSeenAt'])
  }))

test('what a back end does is shown: claims, and the end', () =>
  withTour(
    async (visitor) => {
      await visitor.press('set')
      const id = String((await visitor.server()).body['id'])
      const asBackEnd = (method: string, body?: string) =>
        fetch(`${visitor.url}/sessions/${id}`, {
          method,
          headers: { authorization: `Bearer ${KEY}` },
          ...(body === undefined ? {} : { body }),
        })
      await asBackEnd('PATCH', '{"claims":{"role":"admin"}}')
      await until(visitor, 'server', 'role "admin"')
      await asBackEnd('DELETE')
      await until(visitor, 'server', 'a back end ended it (revoked)')
      assert.match(await visitor.press('set'), '204 | a session begins')
    },
    [],
    { COATCHECK_API_KEY: KEY },
  ))

test('a server that refuses or does not answer is no fault of the page', () =>
  withTour(
    async (visitor) => {
      assert.match(await visitor.press('set'), /^403 \| Cannot /)
      await visitor.page.run(
        "const real = fetch; window.fetch = () => Promise.reject(new Error('gone')); window.back = () => (window.fetch = real)",
      )
      assert.is(await visitor.press('get'), 'The server did not answer.')
      assert.match((await visitor.panes()).server, 'The server does not answer.')
      await visitor.page.run('back()')
      await until(visitor, 'server', 'No session for this browser yet.')
      assert.is(await visitor.faults(), '')
    },
    ['--holder-access', 'read'],
  ))

test('two presses at once are two requests, one after the other', () =>
  withTour(async (visitor) => {
    await visitor.page.run(`
      for (let n = 0; n < 20; n++) document.querySelector('#run-increment').click()`)
    await until(visitor, 'server', 'visits 20')
    assert.equal((await visitor.server()).body['data'], { visits: 20 })
  }))

test.run()

const meter = (at: number) => `document.querySelectorAll('.limits [role=meter]')[${at}]`
const secondsOf = (at: number) => `Number(${meter(at)}.ariaValueNow)`

/** Until the pane has the text. */
function until(visitor: Visitor, pane: 'browser' | 'server', text: string): Promise<void> {
  return visitor.until(`
    const { innerText } = document.querySelector('[data-pane=${pane}]')
    return innerText.replace(/\\s+/g, ' ').includes(${JSON.stringify(text)})`)
}

async function begin(url: string): Promise<{ readonly body: string }> {
  const answer = await fetch(`${url}/session/mine`, { method: 'PUT', body: '1' })
  return { body: answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '' }
}

/** Every button of the tour in a real browser: it does on the server what its line of Flask says. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OPERATIONS } from '../../lib/tour/browser/tutorial/operations.ts'
import { type Visitor, withTour } from '../kit/clients/tour-visitor.ts'

const test = suite('tour: buttons')

test('each button does what its line says, and both panes follow', () =>
  withTour(async (visitor) => {
    const { page, panes, profile, server } = visitor
    const pressed = new Set<string>()
    const press: Visitor['press'] = (id, typed) => {
      pressed.add(id)
      return visitor.press(id, typed)
    }
    const cookieOf = async (name: string) =>
      (await profile.cookies()).find((cookie) => cookie.name === name)
    const dataOf = async () => (await server()).body['data']
    const secondsLeft = async (name: string) =>
      ((await cookieOf(name))?.expires ?? 0) - Date.now() / 1000

    // Nothing yet, and reading makes nothing.
    assert.match((await panes()).browser, 'No cookies yet.')
    assert.match((await panes()).server, 'No session for this browser yet.')
    assert.is(await press('get'), '404 | None | nothing changes')
    assert.is(await press('has'), '404 | False | nothing changes')
    assert.is(await press('pop'), "404 | KeyError: 'user' | nothing changes")
    assert.is(await press('all'), '404 | {} | nothing changes')
    assert.equal(await profile.cookies(), [])

    // Cookies: strings in the browser.
    assert.is(await press('setCookie'), '204 | cookie theme set')
    assert.is((await cookieOf('theme'))?.value, 'dark')
    assert.ok(Math.abs((await secondsLeft('theme')) - 60) < 10)
    assert.match((await panes()).browser, /theme dark Path=\/ Max-Age=60 (1:00|0:5\d)/)
    assert.match((await panes()).browser, 'document.cookie → "theme=dark')
    assert.match((await panes()).wire, 'Set-Cookie: theme=dark; Max-Age=60; Path=/')

    assert.is(
      await press('setCookie', { value: 'light; x', maxAge: '' }),
      '204 | cookie theme changed',
    )
    assert.is((await cookieOf('theme'))?.session, true)
    assert.match((await panes()).browser, 'light%3B%20x reads as light; x')
    assert.match((await panes()).browser, 'until the browser closes')
    assert.is(await press('getCookie'), "200 | 'light; x' | nothing changes")

    assert.is(await press('setCookieUntil'), '204 | cookie offer set')
    assert.ok(Math.abs((await secondsLeft('offer')) - 300) < 10)

    assert.is(await press('setHiddenCookie', { sameSite: 'Strict' }), '204 | cookie pass set')
    const hidden = await cookieOf('pass')
    assert.equal([hidden?.value, hidden?.httpOnly, hidden?.sameSite], ['k3y', true, 'Strict'])
    assert.match((await panes()).browser, /pass hidden •+ Path=\/ ?HttpOnly ?SameSite=Strict/)
    assert.not.match((await panes()).browser, 'k3y')
    assert.is(
      await press('allCookies'),
      "200 | {'theme': 'light; x', 'offer': 'tea', 'pass': 'k3y'} | nothing changes",
    )

    assert.is(await press('deleteCookie'), '204 | cookie theme gone')
    assert.is(await cookieOf('theme'), undefined)
    assert.not.match((await panes()).browser, 'theme')
    assert.is(await press('getCookie'), '404 | None | nothing changes')

    // A session: an object on the server.
    assert.is(await press('set'), '204 | a session begins | user set')
    assert.equal(await dataOf(), { user: 'ada' })
    assert.is((await cookieOf('sid'))?.httpOnly, true)
    assert.is(await press('set', { key: 'age', value: '12345678901234567890' }), '204 | age set')
    assert.match((await panes()).server, 'age 12345678901234567890')
    assert.match(await press('get'), "200 | 'ada'")
    assert.match(await press('getDefault'), "200 | 'red'")
    assert.match(await press('has'), '200 | True')
    assert.is(await press('increment'), '200 | 1 | visits set')
    assert.is(await press('increment', { by: '2.5' }), '200 | 3.5 | visits changed')
    assert.is(
      await press('update', { values: "{'cart': ['tea'], 'age': None}" }),
      '200 | cart set | age gone',
    )
    assert.equal(await dataOf(), { user: 'ada', visits: 3.5, cart: ['tea'] })
    assert.match(await press('setDefault'), /^412 \| Cannot write: it is there already/)
    assert.is(await press('setDefault', { key: 'lang', value: "'en'" }), '204 | lang set')
    assert.match(
      await press('all'),
      "200 | {'user': 'ada', 'visits': 3.5, 'cart': ['tea'], 'lang': 'en'}",
    )
    await holdsSame(visitor)

    // Out again.
    assert.is(await press('pop'), "200 | 'ada' | user gone")
    assert.match(await press('pop'), "404 | KeyError: 'user'")
    assert.match(await press('popDefault', { default: "{'a': True}" }), "200 | {'a': True}")
    assert.is(await press('popDefault', { key: 'lang' }), "200 | 'en' | lang gone")
    const { id } = (await server()).body
    assert.is(await press('clear'), '204 | visits gone | cart gone')
    const cleared = (await server()).body
    assert.equal([cleared['id'], cleared['data']], [id, {}])

    // How long it lasts.
    assert.is(await press('permanent'), '200 | permanent: True')
    assert.is((await server()).body['permanent'], true)
    assert.ok(Math.abs((await secondsLeft('sid')) / 86_400 - 31) < 0.1)
    assert.match((await panes()).browser, /Max-Age (31 d 00:00|30 d 23:5)/)
    assert.match((await panes()).server, 'later than the lifetime')
    assert.match(
      (await panes()).wire,
      /Set-Cookie: sid=[\w-]{21}\.•••; Max-Age=26\d{5}; Path=\/; HttpOnly/,
    )
    assert.is(await press('permanent', { permanent: 'False' }), '200 | permanent: False')
    assert.is((await cookieOf('sid'))?.session, true)
    const seenAt = async () => String((await server()).body['lastSeenAt'])
    const before = await seenAt()
    assert.is(await press('look'), '200 | {} | nothing changes')
    assert.is(await seenAt(), before)
    assert.is(await press('touch'), '200 | {} | idle timeout set back')
    assert.ok((await seenAt()) > before)

    // Flash.
    assert.is(await press('flash'), '200 | _flashes set')
    assert.is(
      await press('flash', { message: 'Again', category: 'error' }),
      '200 | _flashes changed',
    )
    assert.equal(await dataOf(), {
      _flashes: [
        ['info', 'Saved.'],
        ['error', 'Again'],
      ],
    })
    assert.is(
      await press('flashed'),
      "200 | [('info', 'Saved.'), ('error', 'Again')] | _flashes gone",
    )
    assert.match(await press('flashed'), '200 | [] |')

    // Log in, log out.
    const old = (await cookieOf('sid'))?.value ?? ''
    assert.is(await press('renew'), '204 | a new id and ticket')
    const renewed = (await cookieOf('sid'))?.value ?? ''
    assert.not.equal(old, renewed)
    const ask = async (token: string) => {
      const response = await fetch(`${visitor.url}/session`, {
        headers: { cookie: `sid=${token}` },
      })
      return { status: response.status, body: JSON.parse(await response.text()) }
    }
    assert.is((await ask(old)).body.reason, 'renewed')
    assert.is(await press('logOut'), '204 | the session is gone')
    assert.is((await ask(renewed)).body.reason, 'logout')
    assert.is(await cookieOf('sid'), undefined)
    assert.match((await panes()).server, 'No session for this browser yet.')

    assert.equal(
      OPERATIONS.map(({ id }) => id).filter((id) => !pressed.has(id)),
      [],
    )
    assert.is(await visitor.faults(), '')
    // The panes hide what they say they hide.
    const text = String(await page.run('return document.documentElement.outerHTML'))
    for (const token of [old, renewed]) assert.not.match(text, token.split('.')[1] ?? token)
  }))

test('a field that cannot be sent says why, and nothing is', () =>
  withTour(async (visitor) => {
    const { page, press, server } = visitor
    assert.is(await press('set', { value: 'ada' }), '')
    const seen = await page.run(`
      const field = document.querySelector('#step-set [name=value]')
      return [document.querySelector('#fault-set').textContent, field.ariaInvalid ?? field.getAttribute('aria-invalid'), document.activeElement === field].join(' | ')`)
    assert.match(String(seen), "Not a Python value: a text needs quotes, as in 'ada'")
    assert.match(String(seen), '| true | true')
    assert.is((await server()).status, 404)
    assert.is(await press('set', { value: '[True]' }), '204 | a session begins | user set')
    assert.equal((await server()).body['data'], { user: [true] })
    assert.is(await visitor.faults(), '')
  }))

test('the line of curl follows what is typed', () =>
  withTour(async ({ page, url }) => {
    const line = await page.run(`
      const form = document.querySelector('#step-set')
      form.elements.namedItem('key').value = "it's/ok"
      form.elements.namedItem('value').value = "{'a': (1.0, None)}"
      form.elements.namedItem('key').dispatchEvent(new Event('input', { bubbles: true }))
      return form.querySelector('[data-curl]').textContent`)
    const quoted = `'${url}/session/it'\\''s%2Fok'`
    assert.is(line, `curl -b jar -c jar -X PUT -d '{"a":[1.0,null]}' ${quoted}`)
  }))

test('what is hostile is text', () =>
  withTour(async (visitor) => {
    const { page, press, server } = visitor
    const hostile = [
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "'-alert(1)-'",
      '</code><svg onload=alert(1)>',
      '`[x](/docs)*{name}',
      'javascript:alert(1)',
      '\u202eabc\u0000',
    ]
    const count = "return document.querySelectorAll('script, img, svg, iframe').length"
    const before = await page.run(count)
    for (const text of hostile) {
      await press('setCookie', { value: text })
      await press('set', { key: text, value: JSON.stringify(text) })
      await press('flash', { message: text, category: text })
      await press('all')
      assert.is(await press('get', { key: text }).then((shown) => shown.startsWith('200')), true)
      await press('setCookie', { name: text })
      await press('allCookies')
    }
    const data = Object.entries((await server()).body['data'] ?? {})
    assert.equal(
      data.filter(([key]) => key !== '_flashes'),
      hostile.map((text) => [text, text]),
    )
    assert.is(await page.run(count), before)
    assert.is(await visitor.faults(), '')
    assert.match(
      (await visitor.panes()).server,
      '<script>alert(1)</script> "<script>alert(1)</script>"',
    )
  }))

test('an address bar full of hostile words, and a memory of somebody else’s, do nothing', () =>
  withTour(async (visitor) => {
    const { page, url } = visitor
    await page.run(`
      for (const text of ['{', '[1]', '[["a"]]', '[["theme", {"setCookie": "<img>", "setAt": 1}]]', '"x"'])
        localStorage.setItem('coatcheck-tour', text)
      document.cookie = 'theme=<b>1</b>'`)
    await page.goTo(
      `${url}/tour?lang=%3Cscript%3E&x="><script>alert(1)</script>#<img src=x onerror=alert(1)>`,
    )
    await visitor.until(
      "return document.querySelector('[data-pane=browser]').innerText.includes('<b>1</b>')",
    )
    assert.is(await visitor.faults(), '')
  }))

test.run()

/** The server's pane shows the session that the server has. */
async function holdsSame({ page, server }: Visitor): Promise<void> {
  const { body } = await server()
  const shown = await page.run(`
    const pane = document.querySelector('[data-pane=server]')
    const rows = [...pane.querySelector('.members').querySelectorAll('div')]
    const pairs = rows.map((row) => [row.querySelector('dt').textContent, JSON.parse(row.querySelector('dd').textContent)])
    return JSON.stringify({ id: pane.querySelector('.id').textContent, data: Object.fromEntries(pairs) })`)
  assert.equal(JSON.parse(String(shown)), { id: body['id'], data: body['data'] })
}

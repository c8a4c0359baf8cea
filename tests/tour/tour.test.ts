/** How the tour is served. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isTourOn } from '../../lib/tour/tour.ts'
import { CHAPTERS, OPERATIONS } from '../../lib/tour/browser/tutorial/operations.ts'
import { cookieOf, openServer, refusalOf, type ServerOptions } from '../kit/process/open-server.ts'
import { readHtml } from '../kit/texts/html.ts'

const test = suite('/tour')

const openTour = (options: ServerOptions = {}) => openServer({ ...options, hasTour: true })

test('where it is off its path is as unknown as any other', async () => {
  const { request } = openServer()
  const unknown = await (await request('GET /nothing')).text()
  for (const path of ['/tour', '/tour/', '/tour/style.css', '/tour/tour.ts', '/tour?lang=zh']) {
    const answer = await request(`GET ${path}`, { headers: { accept: 'text/html' } })
    assert.is(answer.status, 404, path)
    assert.is(answer.headers.get('set-cookie'), null)
    assert.is(await answer.text(), unknown, path)
  }
  const front = await (await request('GET /', { headers: { accept: 'text/html' } })).text()
  assert.not.match(front, '/tour')
})

test('it is on where nobody but this machine comes, unless told otherwise', () => {
  const local = {
    tour: 'auto',
    host: '127.0.0.1',
    listenPath: undefined,
    trustedProxies: [],
  } as const
  assert.is(isTourOn(local), true)
  for (const host of ['localhost', '::1', '127.0.0.2'])
    assert.is(isTourOn({ ...local, host }), true)
  for (const other of [
    { host: '0.0.0.0' },
    { host: '::' },
    { host: '192.168.1.2' },
    { host: 'sessions.example' },
    { listenPath: '/run/coatcheck.sock' },
    { trustedProxies: ['127.0.0.0/8'] },
  ]) {
    assert.is(isTourOn({ ...local, ...other }), false, JSON.stringify(other))
    assert.is(isTourOn({ ...local, ...other, tour: 'on' }), true)
    assert.is(isTourOn({ ...local, ...other, tour: 'off' }), false)
  }
  assert.is(isTourOn({ ...local, tour: 'off' }), false)
})

test('methods that would change something are 405', async () => {
  const { request } = openTour()
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    for (const path of ['/tour', '/tour/tour.ts', '/tour/nope']) {
      const answer = await request(`${method} ${path}`, {})
      assert.is(answer.headers.get('allow'), 'GET, HEAD', `${method} ${path}`)
      assert.is(await refusalOf(answer), '405 method_not_allowed')
    }
  }
})

test('no path leads out of it', async () => {
  const { request } = openTour()
  for (const path of [
    ...[
      '/tour/../package.json',
      '/tour/..%2fpackage.json',
      '/tour/%2e%2e/docs',
      '/tour//etc/passwd',
    ],
    ...['/tour/browser/tour.ts', '/tour/page.ts', '/tour/tsconfig.json', '/tour/clock.test.ts'],
    ...['/tour/TOUR.TS', '/tour/tour.ts/', '/tour/__proto__', '/tour/words/', '/tour/tokens.css'],
  ]) {
    assert.is(await refusalOf(await request(`GET ${path}`)), '404 route_not_found', path)
  }
})

test('the page runs what is of this server alone, sends nowhere else, and cannot be framed', async () => {
  const { request } = openTour()
  for (const path of ['/tour', '/tour/', '/tour/style.css', '/tour/tour.ts']) {
    const { headers } = await request(`GET ${path}`)
    assert.is(
      headers.get('content-security-policy'),
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; " +
        "require-trusted-types-for 'script'; trusted-types 'none'",
    )
    assert.is(headers.get('x-content-type-options'), 'nosniff')
    assert.is(headers.get('referrer-policy'), 'no-referrer')
  }
})

test('nothing in the page is a script or a style of its own', async () => {
  const { request } = openTour()
  for (const lang of ['en', 'zh']) {
    const page = await (await request(`GET /tour?lang=${lang}`)).text()
    const scripts = page.match(/<script[^]*?<\/script>/g)
    assert.equal(scripts, ['<script type="module" src="/tour/tour.ts"></script>'])
    assert.not.match(page, /<style|\sstyle=|\son\w+=|javascript:|srcdoc|<base/i)
  }
})

test('the style and the scripts are told from their types, and not sent twice', async () => {
  const { request } = openTour()
  const page = await (await request('GET /tour')).text()
  const [, style = ''] = /href="(\/tour\/style\.css\?v=[\w-]+)"/.exec(page) ?? []
  const kept = await request(`GET ${style}`)
  assert.match(kept.headers.get('cache-control') ?? '', 'immutable')
  assert.match(await kept.text(), '--accent')
  for (const [path, type] of [
    ['/tour/style.css', 'text/css; charset=utf-8'],
    ['/tour/tour.ts', 'text/javascript; charset=utf-8'],
    ['/tour/words/chinese.ts', 'text/javascript; charset=utf-8'],
  ]) {
    const first = await request(`GET ${path}`)
    assert.is(first.headers.get('content-type'), type)
    assert.is(first.headers.get('cache-control'), 'no-cache')
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' }
    assert.is((await request(`GET ${path}`, { headers })).status, 304, path)
  }
  const script = await (await request('GET /tour/tour.ts')).text()
  assert.not.match(script, /import type|: State\b/)
})

test('HEAD has the headers of GET, and no body', async () => {
  const { request } = openTour()
  for (const path of ['/tour', '/tour?lang=zh', '/tour/tour.ts']) {
    const [get, head] = [await request(`GET ${path}`), await request(`HEAD ${path}`)]
    assert.equal([...head.headers], [...get.headers], path)
    assert.is(await head.text(), '')
  }
})

test('the language is the first of the browser that there is', async () => {
  const { request } = openTour()
  const languageFor = async (header: string | undefined): Promise<string> => {
    const headers = header === undefined ? {} : { 'accept-language': header }
    return await languageOf(await request('GET /tour', { headers }))
  }
  for (const header of [
    ...[undefined, '', 'en', 'en-GB,en;q=0.9', 'fr,de', 'fr,en;q=0.5,zh;q=0.4', 'zh;q=0, en;q=0.1'],
    ...['*', 'zhx', 'x-zh', 'zh;q=abc', 'en, zh', ';;;,,,', 'en;q=0.5, zh;q=0.4'],
  ]) {
    assert.is(await languageFor(header), 'en', header)
  }
  for (const header of [
    ...['zh', 'zh-CN', 'zh-Hans-CN,zh;q=0.9,en;q=0.8', 'zh-TW', 'ZH-cn', 'fr, zh;q=0.3'],
    ...['en;q=0.4, zh;q=0.5', ' zh-CN ;q=0.9 , en;q=0.8', 'zh,en'],
  ]) {
    assert.is(await languageFor(header), 'zh-Hans', header)
  }
})

test('a language that is chosen is remembered, for this page alone', async () => {
  const { request } = openTour()
  const chosen = await request('GET /tour?lang=zh', { headers: { 'accept-language': 'en' } })
  assert.is(await languageOf(chosen), 'zh-Hans')
  assert.is(
    chosen.headers.get('set-cookie'),
    'tour-lang=zh; Max-Age=31536000; Path=/tour; SameSite=Lax',
  )
  assert.is(chosen.headers.get('vary'), 'Accept-Language, Cookie')
  assert.is(chosen.headers.get('content-language'), 'zh-Hans')

  const cookie = cookieOf(chosen)
  const next = await request('GET /tour', { cookie, headers: { 'accept-language': 'en' } })
  assert.is(next.headers.get('set-cookie'), null)
  assert.is(await languageOf(next), 'zh-Hans')
  const back = await request('GET /tour?lang=en', { cookie })
  assert.is(await languageOf(back), 'en')
  assert.is(cookieOf(back), 'tour-lang=en')
})

test('a language that there is not is nobody’s choice', async () => {
  const { request } = openTour()
  for (const lang of ['fr', '', '__proto__', 'zhx', '%3Cscript%3E']) {
    const answer = await request(`GET /tour?lang=${lang}`)
    assert.is(answer.headers.get('set-cookie'), null, lang)
    assert.is(await languageOf(answer), 'en', lang)
  }
  const cookie = 'tour-lang="><script>; tour-lang=zh'
  assert.is(await languageOf(await request('GET /tour', { cookie })), 'en')
})

test('every operation is on the page with its line of Flask and its line of curl', async () => {
  const { request } = openTour()
  const headers = { host: 'sessions.example:8080' }
  for (const lang of ['en', 'zh']) {
    const page = await (await request(`GET /tour?lang=${lang}`, { headers })).text()
    for (const { id } of CHAPTERS) assert.match(page, `id="${id}"`)
    const lines = readHtml(page).filter(({ name, text }) => name === 'pre' && /^curl /.test(text))
    assert.is(lines.length, OPERATIONS.length)
    for (const { text } of lines) assert.match(text, 'http://sessions.example:8080/')
    for (const { id } of OPERATIONS) assert.match(page, `id="run-${id}"`)
  }
})

test('a host that is none, and a cookie of any name, are text', async () => {
  const { request } = openTour({ cookieName: "s'&d" })
  for (const host of ['"><script>alert(1)</script>', 'a"b', '$(id)', "a'b"]) {
    const page = await (await request('GET /tour', { headers: { host } })).text()
    assert.not.match(page, host)
    assert.match(page, 'http://localhost:7377/session')
    assert.match(page, 'data-cookie="s&#39;&amp;d"')
  }
})

test('over https the cookie has the name and the attributes that it has there', async () => {
  const { request } = openTour()
  const answer = await request('GET /tour?lang=zh', { origin: 'https://localhost' })
  assert.match(answer.headers.get('set-cookie') ?? '', 'Path=/tour; Secure; SameSite=Lax')
  const page = await answer.text()
  assert.match(page, 'data-cookie="__Host-Http-sid"')
  assert.match(page, 'data-attributes="Path=/; Secure; HttpOnly; SameSite=Lax"')
  assert.match(page, 'data-origin="https://')
})

test('the texts say the limits that are in force', async () => {
  const page = await (await openTour().request('GET /tour')).text()
  assert.match(page, '(30 minutes)')
  assert.match(page, '(12 hours)')
  assert.match(page, '(31 days and 31 days)')
})

test('the front page and the manual lead to it', async () => {
  const { request } = openTour()
  for (const path of ['/', '/docs', '/docs/api']) {
    const page = await (await request(`GET ${path}`, { headers: { accept: 'text/html' } })).text()
    assert.match(page, 'href="/tour"', path)
  }
})

test.run()

async function languageOf(answer: Response): Promise<string> {
  assert.is(answer.status, 200)
  return /<html lang="([^"]*)"/.exec(await answer.text())?.[1] ?? ''
}

/** How the pages are served. */
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openServer, problemOf, refusalOf } from '../kit/process/open-server.ts'
import { ROOT } from '../kit/manual/page.ts'

const test = suite('/docs')

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const asBrowser = { headers: { accept: BROWSER } }

test('methods that would change something are 405', async () => {
  const { request } = openServer()
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    for (const path of ['/docs', '/docs/start', '/docs/nope']) {
      const answer = await request(`${method} ${path}`, {})
      assert.is(answer.headers.get('allow'), 'GET, HEAD', `${method} ${path}`)
      assert.is(await refusalOf(answer), '405 method_not_allowed')
    }
  }
})

test('no path leads out of the manual', async () => {
  const { request } = openServer()
  for (const path of [
    '/docs/../package.json',
    '/docs/..%2fpackage.json',
    '/docs/%2e%2e/%2e%2e/package.json',
    '/docs/..\\package.json',
    '/docs//etc/passwd',
    '/docs/start.md%00',
    '/docs/start/',
    '/docs/START',
    '/docs/__proto__',
    '/docs/constructor',
    '/docs/tokens.css',
    '/docs/%',
  ]) {
    assert.is(await refusalOf(await request(`GET ${path}`)), '404 route_not_found', path)
    const page = await request(`GET ${path}`, asBrowser)
    assert.is(page.status, 404, path)
    assert.is(page.headers.get('content-type'), 'text/html; charset=utf-8', path)
    assert.match(await page.text(), '<h1>No such page</h1>')
  }
})

test('a path that is not there is not repeated', async () => {
  const { request } = openServer()
  const page = await (await request('GET /docs/x"><script>alert(1)</script>', asBrowser)).text()
  assert.not.match(page, 'alert')
  const { detail } = await problemOf(await request('GET /docs/ck_secret'))
  assert.is(
    detail,
    'Cannot find this page of the manual: /docs has them all, /docs?q=WORDS searches',
  )
})

test('a page runs nothing, cannot be framed, and is asked for anew', async () => {
  const { request } = openServer()
  for (const path of ['/', '/docs', '/docs/start', '/docs/api', '/docs?q=ada', '/docs/nope']) {
    const { headers } = await request(`GET ${path}`, asBrowser)
    assert.is(
      headers.get('content-security-policy'),
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; " +
        "frame-ancestors 'none'",
      path,
    )
    assert.is(headers.get('x-content-type-options'), 'nosniff')
    assert.is(
      headers.get('cache-control'),
      ['/', '/docs/nope'].includes(path) ? 'no-store' : 'no-cache',
      path,
    )
    assert.match(headers.get('vary') ?? '', 'Accept')
    assert.is(headers.get('set-cookie'), null)
  }
})

test('who has a page already is told so', async () => {
  const { request } = openServer()
  for (const path of ['/docs', '/docs/start', '/docs/api', '/docs/start.md', '/docs/icon.svg']) {
    const first = await request(`GET ${path}`, asBrowser)
    const tag = first.headers.get('etag') ?? ''
    assert.match(tag, /^"[\w-]{22}"$/, path)
    const headers = { accept: BROWSER, 'if-none-match': tag }
    const again = await request(`GET ${path}`, { headers })
    assert.is(again.status, 304, path)
    assert.is(await again.text(), '')
    const other = await request(`GET ${path}`, { headers: { ...headers, 'if-none-match': '"x"' } })
    assert.is(other.status, 200, path)
  }
})

test('HEAD has the headers of GET, and no body', async () => {
  const { request } = openServer()
  for (const path of ['/docs', '/docs/start', '/docs?q=ada', '/docs/start.md']) {
    const get = await request(`GET ${path}`, asBrowser)
    const head = await request(`HEAD ${path}`, asBrowser)
    assert.is(head.status, 200, path)
    assert.equal([...head.headers], [...get.headers], path)
    assert.is(await head.text(), '')
  }
})

test('the source of a page is the bytes of its file', async () => {
  const { request } = openServer()
  const source = readFileSync(`${ROOT}/lib/manual/start.md`, 'utf8')
  const accept = { headers: { accept: 'text/markdown' } }
  for (const answer of [
    await request('GET /docs/start.md'),
    await request('GET /docs/start', accept),
  ]) {
    assert.is(answer.headers.get('content-type'), 'text/markdown; charset=utf-8')
    assert.is(await answer.text(), source)
  }
  const both = await request('GET /docs/start', { headers: { accept: 'text/html, text/markdown' } })
  assert.match(both.headers.get('content-type') ?? '', 'text/html')
})

test('the client for Python is the bytes of its file', async () => {
  const { request } = openServer()
  const answer = await request('GET /docs/coatcheck.py')
  assert.is(answer.headers.get('content-type'), 'text/x-python; charset=utf-8')
  assert.is(await answer.text(), readFileSync(`${ROOT}/lib/clients/python/coatcheck.py`, 'utf8'))
})

test('the style is kept for long under the name of its version alone', async () => {
  const { request } = openServer()
  const page = await (await request('GET /docs', asBrowser)).text()
  const href = /href="(\/docs\/style\.css\?v=[\w-]+)"/.exec(page)?.[1] ?? ''
  const style = await request(`GET ${href}`)
  assert.is(style.headers.get('content-type'), 'text/css; charset=utf-8')
  assert.match(style.headers.get('cache-control') ?? '', 'immutable')
  assert.match(await style.text(), '--bg: light-dark(')
  for (const other of ['/docs/style.css', '/docs/style.css?v=old']) {
    assert.is((await request(`GET ${other}`)).headers.get('cache-control'), 'no-cache')
  }
})

test('the lines of curl name the server as it was asked, and no host that is none', async () => {
  const { request } = openServer()
  const at = async (host: string) => {
    const answer = await request('GET /docs/api', { headers: { accept: BROWSER, host } })
    return await answer.text()
  }
  assert.match(await at('sessions.example:8080'), 'http://sessions.example:8080/session')
  for (const host of ['<script>', 'a"b', 'x/y', 'a b', '$(id)', 'a;b', "a'b", '`id`']) {
    const page = await at(host)
    assert.not.match(page, `http://${host}`)
    assert.match(page, 'http://localhost:7377/session')
  }
})

test('a search repeats what was asked for as text', async () => {
  const { request } = openServer()
  const query = encodeURIComponent('"><script>alert(1)</script> session')
  const page = await (await request(`GET /docs?q=${query}`, asBrowser)).text()
  assert.not.match(page, '<script')
  assert.match(page, 'value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; session"')
})

test('an empty search is the first page', async () => {
  const { request } = openServer()
  const first = await (await request('GET /docs', asBrowser)).text()
  for (const path of ['/docs?q=', '/docs?q=+', '/docs?', '/docs/', '/docs?other=1']) {
    assert.is(await (await request(`GET ${path}`, asBrowser)).text(), first, path)
  }
  assert.is(await refusalOf(await request('GET /docs?q=a&q=b', asBrowser)), '400 bad_request')
})

test.run()

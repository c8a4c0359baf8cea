/** Cookies of the server in the jars of curl and of Chromium: kept as they were meant, and sent back. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KeptCookie } from '../../kit/proxies/chromium.ts'
import {
  CORPUS,
  type CorpusCookie,
  deletionOf,
  encodedOf,
  HOST,
} from '../../kit/texts/cookie-corpus.ts'
import { ask, withChromium, withServer } from '../../kit/clients/shop.ts'
import { skip } from '../../kit/runner/skip.ts'

const test = suite('cookie jars')

const LEEWAY_SECONDS = 60

test('curl keeps every cookie as it was meant, sends it back, and drops it when told to', async () => {
  await withCurl(async (url, folder) => {
    for (const cookie of CORPUS) {
      // curl takes Secure cookies without TLS from the host "localhost" only, which has no subdomains.
      if (cookie.secure && cookie.domain !== undefined) continue
      const host = cookie.secure ? 'localhost' : HOST
      const curl = curlAt(url, host, join(folder, `jar-${CORPUS.indexOf(cookie)}`))
      const { name, ...body } = cookie
      const what = JSON.stringify(cookie).slice(0, 200)
      assert.is(
        curl('PUT', `/cookies/${encodeURIComponent(name)}`, JSON.stringify(body)),
        '204',
        what,
      )
      assertInJar(curl.jar(), cookie, host, what)
      if (isSentTo('/cookies', cookie)) {
        const read = curl('GET', `/cookies/${encodeURIComponent(name)}`)
        assert.is(read, `${JSON.stringify(cookie.value)}\n200`, what)
      }
      const deletion = `/cookies/${encodeURIComponent(name)}${deletionOf(cookie)}`
      assert.is(curl('DELETE', deletion), '204', what)
      assert.equal(curl.jar(), [], what)
    }
  })
})

test('curl keeps the session cookie through its whole life', async () => {
  await withCurl(async (url, folder) => {
    const curl = curlAt(url, 'localhost', join(folder, 'jar'))
    assert.is(curl('PUT', '/session/user', '"ada"'), '204')
    const [first] = curl.jar()
    assert.is(first?.slice(0, -1).join(' '), '#HttpOnly_localhost FALSE / TRUE 0 __Host-Http-sid')
    assert.is(curl('POST', '/session/renew'), '204')
    const [renewed] = curl.jar()
    assert.not.equal(renewed?.at(-1), first?.at(-1))
    assert.match(curl('PATCH', '/session', '{"permanent":true}'), /200$/)
    assert.ok(Number(curl.jar()[0]?.[4]) > Date.now() / 1000 + 30 * 86_400)
    assert.is(curl('GET', '/session/user'), '"ada"\n200')
    assert.is(curl('DELETE', '/session'), '204')
    assert.equal(curl.jar(), [])
  })
})

test('Chromium keeps every cookie as it was meant, sends it back, and drops it when told to', async () => {
  await withChromium(async (chromium, origin) => {
    const profile = await chromium.openProfile()
    const page = await profile.openPage()
    await page.goTo(`${origin}/page`)
    for (const cookie of CORPUS) {
      const { name, ...body } = cookie
      const path = `/cookies/${encodeURIComponent(name)}`
      const what = JSON.stringify(cookie).slice(0, 200)
      assert.is((await ask(page, 'PUT', path, JSON.stringify(body))).status, 204, what)
      const kept = await profile.cookies()
      assert.equal(kept.map(meaningOf), [meaningOf(expectedInChromium(cookie))], what)
      assertExpires(kept[0]?.expires ?? 0, cookie, what)
      if (isSentTo('/cookies', cookie)) {
        assert.is((await ask(page, 'GET', path)).text, `${JSON.stringify(cookie.value)}\n`, what)
      }
      assert.is((await ask(page, 'DELETE', `${path}${deletionOf(cookie)}`)).status, 204, what)
      assert.equal(await profile.cookies(), [], what)
    }
  })
})

test('a script in Chromium reads a value with decodeURIComponent, and writes one that is read back', async () => {
  await withChromium(async (chromium, origin) => {
    const profile = await chromium.openProfile()
    const page = await profile.openPage()
    await page.goTo(`${origin}/page`)
    const value = '张三; 50% "🍪"'
    await ask(page, 'PUT', '/cookies/a', JSON.stringify({ value }))
    assert.is(await page.run("return decodeURIComponent(document.cookie.split('=')[1])"), value)
    await page.run("document.cookie = 'b=' + encodeURIComponent('李四 100%'); return ''")
    assert.is((await ask(page, 'GET', '/cookies/b')).text, '"李四 100%"\n')
    await page.run("document.cookie = 'c=100%'; return ''")
    assert.is((await ask(page, 'GET', '/cookies/c')).text, '"100%"\n')
  })
})

test('Chromium keeps the session cookie through its whole life, out of reach of scripts', async () => {
  await withChromium(async (chromium, origin) => {
    const profile = await chromium.openProfile()
    const page = await profile.openPage()
    await page.goTo(`${origin}/page`)
    assert.is((await ask(page, 'PUT', '/session/user', '"ada"')).status, 204)
    const [first] = await profile.cookies()
    const meant = { domain: HOST, path: '/', httpOnly: true, secure: true, sameSite: 'Lax' }
    assert.equal(meaningOf(first), {
      name: '__Host-Http-sid',
      value: first?.value,
      ...meant,
      session: true,
    })
    assert.is(await page.run('return document.cookie'), '')
    await ask(page, 'POST', '/session/renew')
    const [renewed] = await profile.cookies()
    assert.not.equal(renewed?.value, first?.value)
    await ask(page, 'PATCH', '/session', '{"permanent":true}')
    const [lasting] = await profile.cookies()
    assert.is(lasting?.value, renewed?.value)
    assertExpires(lasting?.expires ?? 0, { name: '', value: '', maxAge: 31 * 86_400 }, 'permanent')
    assert.is((await ask(page, 'GET', '/session/user')).text, '"ada"\n')
    assert.is((await ask(page, 'DELETE', '/session')).status, 204)
    assert.equal(await profile.cookies(), [])
  })
})

async function withCurl(run: (url: string, folder: string) => Promise<void>): Promise<void> {
  if (spawnSync('curl', ['--version']).status !== 0) skip('curl is not installed')
  await withServer(run)
}

/** A path that the cookie goes to: its own, and those below it. */
function isSentTo(path: string, { path: own = '/' }: CorpusCookie): boolean {
  return own === '/' || own === path
}

function expectedInChromium(cookie: CorpusCookie): KeptCookie {
  const { name, value, path = '/', domain, secure = false, httpOnly = false, sameSite } = cookie
  return {
    ...{ name, value: encodedOf(value), path, secure, httpOnly },
    domain: domain === undefined ? HOST : `.${canonical(domain)}`,
    session: cookie.maxAge === undefined && cookie.expires === undefined,
    expires: 0,
    ...(sameSite === undefined ? {} : { sameSite }),
  }
}

function meaningOf(cookie: KeptCookie | undefined): object {
  const { name, value, domain, path, httpOnly, secure, session, sameSite } = cookie ?? {}
  return { name, value, domain, path, httpOnly, secure, sameSite, session }
}

function assertExpires(at: number, { maxAge, expires }: CorpusCookie, what: string): void {
  if (maxAge === undefined && expires === undefined) return
  const wanted =
    maxAge === undefined ? Date.parse(expires ?? '') / 1000 : Date.now() / 1000 + maxAge
  assert.ok(Math.abs(at - wanted) < LEEWAY_SECONDS, `${what} expires at ${at}, not ${wanted}`)
}

/** curl with a jar of its own; what it says is the body, and the status behind it. */
function curlAt(url: string, host: string, jar: string) {
  const { port } = new URL(url)
  function curl(method: string, path: string, body?: string): string {
    const { stdout, stderr } = spawnSync(
      'curl',
      [
        ...['-sS', '-b', jar, '-c', jar, '-X', method, '-w', '%{http_code}'],
        ...['--resolve', `${host}:${port}:127.0.0.1`, '-H', 'X-Forwarded-Proto: https'],
        ...(body === undefined ? [] : ['--data-binary', body]),
        `http://${host}:${port}${path}`,
      ],
      { encoding: 'utf8' },
    )
    return `${stdout}${stderr}`
  }
  /** The lines of the jar, Netscape's format: domain, subdomains, path, secure, expires, name, value. */
  return Object.assign(curl, {
    jar(): string[][] {
      if (!existsSync(jar)) return []
      const lines = readFileSync(jar, 'utf8').split('\n')
      return lines
        .filter((line) => line !== '' && (!line.startsWith('#') || line.startsWith('#HttpOnly_')))
        .map((line) => line.split('\t'))
    },
  })
}

function assertInJar(
  lines: readonly string[][],
  cookie: CorpusCookie,
  host: string,
  what: string,
): void {
  assert.is(lines.length, 1, what)
  const [domain, subdomains, path, secure, expires, name, value] = lines[0] ?? []
  const own = cookie.domain === undefined ? host : `.${canonical(cookie.domain)}`
  const flag = (is = false): string => (is ? 'TRUE' : 'FALSE')
  assert.equal(
    { domain, subdomains, path, secure, name, value },
    {
      domain: cookie.httpOnly ? `#HttpOnly_${own}` : own,
      subdomains: flag(cookie.domain !== undefined),
      path: cookie.path ?? '/',
      secure: flag(cookie.secure),
      name: cookie.name,
      value: encodedOf(cookie.value),
    },
    what,
  )
  const isLasting = cookie.maxAge !== undefined || cookie.expires !== undefined
  if (isLasting) assertExpires(Number(expires), cookie, what)
  else assert.is(expires, '0', what)
}

function canonical(domain: string): string {
  return domain.replace(/^\./, '').toLowerCase()
}

test.run()

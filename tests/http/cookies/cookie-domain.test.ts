/** A browser that has the session cookie from before `--cookie-domain` was given, or changed. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBackEnd } from '../../kit/clients/back-end.ts'
import { type Ask, openServer, problemOf, type Request } from '../../kit/process/open-server.ts'

const test = suite('cookie domain')

const HOST = 'app.example.com'

/** What stood in the browser before: the domain of the cookie, or none for the host's alone. */
const FORMER: readonly (readonly [scheme: string, domain: string, former: string | undefined])[] = [
  ['http', 'example.com', undefined],
  ['https', 'example.com', undefined],
  ['http', 'example.com', HOST],
  ['https', 'example.com', HOST],
  ['http', HOST, 'example.com'],
  ['https', HOST, 'example.com'],
]

for (const [scheme, domain, former] of FORMER) {
  const what = `${scheme}, ${domain} after ${former ?? 'the host alone'}`
  const open = (token: string) => {
    const { request } = openServer({ cookieDomain: domain })
    const browser = createBrowser(request, scheme)
    const name = scheme === 'https' ? '__Secure-sid' : 'sid'
    browser.store(`${name}=${token}; Path=/${former === undefined ? '' : `; Domain=${former}`}`)
    return { browser, request, name }
  }

  test(`a browser with two cookies is well after one write: ${what}`, async () => {
    const { browser, name } = open('old')
    browser.store(`${name}=new; Path=/; Domain=${domain}`)
    assert.is(browser.cookies().length, 2)
    assert.is((await problemOf(await browser.ask('GET /session'))).reason, 'two_tokens')
    assert.is((await browser.ask('PUT /session/a', { body: '1' })).status, 204)
    assert.is(browser.cookies().length, 1)
    assert.is(await (await browser.ask('GET /session/a')).text(), '1')
    assert.is((await browser.ask('DELETE /session')).status, 204)
    assert.equal(browser.cookies(), [])
  })

  test(`a log-out with two cookies leaves none: ${what}`, async () => {
    const { browser, name } = open('old')
    browser.store(`${name}=new; Path=/; Domain=${domain}`)
    const answer = await browser.ask('DELETE /session')
    assert.is((await problemOf(answer)).reason, 'two_tokens')
    assert.equal(browser.cookies(), [])
  })

  test(`a session of before is renewed into the new cookie alone: ${what}`, async () => {
    const { request } = openServer({ cookieDomain: domain })
    const before = createBrowser(request, scheme)
    await before.ask('PUT /session/a', { body: '1' })
    const pair = before.cookies()[0] ?? ''
    const browser = createBrowser(request, scheme)
    browser.store(`${pair}; Path=/${former === undefined ? '' : `; Domain=${former}`}`)
    assert.is((await browser.ask('POST /session/renew')).status, 204)
    assert.is(browser.cookies().length, 1)
    assert.is(await (await browser.ask('GET /session/a')).text(), '1')
  })
}

test('the cookie that counts comes last, for clients that know cookies by name alone', async () => {
  const { request } = openServer({ cookieDomain: 'example.com' })
  const ask = { origin: `http://${HOST}`, cookie: 'sid=a; sid=b', body: '1' }
  const set = (await request('PUT /session/a', ask)).headers.getSetCookie()
  assert.equal(
    set.map((one) => one.replace(/sid=[^;]+/, 'sid=TOKEN').replace(/ Expires=[^;]*;/, '')),
    [
      'sid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax',
      `sid=; Max-Age=0; Path=/; Domain=${HOST}; HttpOnly; SameSite=Lax`,
      'sid=TOKEN; Path=/; Domain=example.com; HttpOnly; SameSite=Lax',
    ],
  )
})

test('no more goes out than the one cookie where nothing of before can be there', async () => {
  const count = async (options: object, line: string, ask: Ask) => {
    const { request } = openServer(options)
    return (await request(line, ask)).headers.getSetCookie().length
  }
  const shared = { cookieDomain: 'example.com' }
  const two = 'sid=a; sid=b'
  assert.is(await count(shared, 'PUT /session/a', { body: '1' }), 1)
  assert.is(await count(shared, 'PUT /session/a', { body: '1', cookie: 'other=1; sidx=2' }), 1)
  assert.is(await count({}, 'PUT /session/a', { body: '1', cookie: two }), 1)
  assert.is(await count({}, 'DELETE /session', { cookie: two }), 0)
  assert.is(await count(shared, 'GET /session', { cookie: two }), 0)
  assert.is(await count(shared, 'DELETE /session', { cookie: 'sid=a' }), 0)
  const foreign = { cookie: two, headers: { origin: 'http://evil.test' } }
  assert.is(await count(shared, 'DELETE /session', foreign), 0)
})

test("a back end's write that finds two tokens clears the way for the next log-in", async () => {
  const { ask } = openBackEnd({ cookieDomain: 'example.com' })
  const body = '{"claims":{"sub":"ada"}}'
  const answer = await ask('PATCH /session', { cookie: 'sid=a; sid=b', body })
  assert.is(answer.status, 404)
  assert.match(answer.headers.getSetCookie().join(), /sid=; .*Domain=example\.com/)
})

test.run()

/** Keeps cookies as RFC 6265 section 5.3 has it: by name and domain, a host's own beside its domains'. */
function createBrowser(request: Request, scheme: string) {
  const kept = new Map<string, string>()
  const cookies = () => [...kept.values()]

  function store(header: string): void {
    const [pair = '', ...attributes] = header.split('; ')
    const name = pair.split('=')[0] ?? ''
    const domain = attributes.find((one) => one.startsWith('Domain='))?.slice('Domain='.length)
    if (domain !== undefined && domain !== HOST && !HOST.endsWith(`.${domain}`)) return
    const key = `${name} ${domain ?? 'host only'}`
    if (attributes.includes('Max-Age=0')) kept.delete(key)
    else kept.set(key, pair)
  }

  return {
    store,
    cookies,
    async ask(line: string, given: Ask = {}): Promise<Response> {
      const cookie = cookies().join('; ')
      const answer = await request(line, { ...given, cookie, origin: `${scheme}://${HOST}` })
      for (const one of answer.headers.getSetCookie()) store(one)
      return answer
    },
  }
}

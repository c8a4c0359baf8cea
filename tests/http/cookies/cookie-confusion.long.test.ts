/** Cookies that a neighbour plants beside the session's, in a real browser and on the wire. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HOST, SITE } from '../../kit/texts/cookie-corpus.ts'
import { openServer, signIn } from '../../kit/process/open-server.ts'
import { listenRaw, parseAnswer, rawRequest } from '../../kit/clients/raw-http.ts'
import { ask, withChromium } from '../../kit/clients/shop.ts'
import { PROGRAM } from '../../kit/process/spawn-server.ts'
import { type Breakage, breakProgram } from '../../torture/engine/server/breakage.ts'

const test = suite('cookie confusion')

test('in Chromium no cookie that a neighbour plants opens a session in place of the protected one', async () => {
  const { opened, tried } = await plantAll()
  assert.equal(opened, [])
  assert.ok(tried > 90, `only ${tried} were tried`)
})

// What is inside the binary cannot be broken.
const breakages: Record<string, Breakage> =
  process.env['TEST_BINARY'] === undefined
    ? {
        'takes the plain cookie over https': { seam: 'secure-cookie-only', by: '' },
        'decodes names': {
          seam: 'prefixed-cookie-name',
          by: "return findCookies(header.replaceAll('%48', 'H'), secure.name)",
        },
      }
    : {}
for (const [way, breakage] of Object.entries(breakages)) {
  test(`a server that ${way} is noticed`, async () => {
    const { opened } = await plantAll(breakage)
    assert.ok(opened.length > 0, 'nothing was noticed')
  })
}

test('two Cookie headers are read as one, and two session cookies in them are no session', async () => {
  const server = await listenRaw()
  const start = async (user: string) => {
    const put = await server.send(rawRequest('PUT /session/user', [], `"${user}"`))
    return parseAnswer(put).headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  }
  const [ada, eve] = [await start('ada'), await start('eve')]
  const read = async (...headers: string[]) =>
    parseAnswer(await server.send(rawRequest('GET /session/user', headers)))
  assert.is((await read(`Cookie: ${eve}`, `Cookie: ${ada}`)).status, 404)
  assert.is((await read(`Cookie: ${ada}`, `cookie: a=1`, `COOKIE: ${eve}`)).status, 404)
  assert.is((await read(`Cookie: a=1`, `Cookie: ${ada}`)).body, '"ada"\n')
  assert.is((await read(`Cookie: ${ada}`, `Cookie: ${ada}`)).body, '"ada"\n')
  // A header that ends in the middle of a name does not begin one in the next.
  assert.is((await read(`Cookie: a=1; s`, `Cookie: id=${ada.slice(4)}`)).status, 404)
  await server.stop()
})

test('180 cookies beside it, nearly of its name, neither hide the session nor take its place', async () => {
  const { request } = openServer()
  const [ada, eve] = [
    await signIn(request, { user: 'ada' }),
    await signIn(request, { user: 'eve' }),
  ]
  const token = eve.slice('sid='.length)
  const planted = Array.from({ length: 180 }, (_, n) => {
    const names = [
      `sid${n}`,
      `${n}sid`,
      'Sid',
      `=sid`,
      `"sid"`,
      `s%69d`,
      `\xa0sid`,
      `a; =`,
      'sid\xa0',
    ]
    return `${names[n % names.length]}=${token}`
  })
  for (const place of [0, 90, 180]) {
    const cookie = planted.toSpliced(place, 0, ada).join('; ')
    assert.is(await (await request('GET /session/user', { cookie })).text(), '"ada"')
  }
  const cookie = planted.join('; ')
  assert.is((await request('GET /session/user', { cookie })).status, 404)
  assert.is(
    (await request('GET /session/user', { cookie: `${cookie}; ${ada}; ${eve}` })).status,
    404,
  )
})

test('a token in the URL opens nothing', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { user: 'ada' })
  const token = cookie.slice('sid='.length)
  for (const query of [cookie, `token=${token}`, `access_token=${token}`, token]) {
    assert.is((await request(`GET /session/user?${query}`)).status, 404, query)
    assert.is((await request(`GET /verify?${query}`)).status, 401, query)
  }
  assert.is((await request(`GET /session/user;${cookie}`)).status, 404)
})

test.run()

/** Which of the tricks made the server take ada, or nobody, for eve, whose token they plant. */
async function plantAll(breakage?: Breakage): Promise<{ opened: string[]; tried: number }> {
  const opened: string[] = []
  let tried = 0
  const { program, env } =
    breakage === undefined ? { program: PROGRAM, env: {} } : breakProgram(breakage)
  await withChromium(
    async (chromium, origin) => {
      const eve = await chromium.openProfile()
      const hers = await eve.openPage()
      await hers.goTo(`${origin}/page`)
      await ask(hers, 'PUT', '/session/user', '"eve"')
      const token = (await eve.cookies())[0]?.value ?? ''

      const ada = await chromium.openProfile()
      const page = await ada.openPage()
      await page.goTo(`${origin}/page`)
      const neighbour = await ada.openPage()
      await neighbour.goTo(`${origin.replace(HOST, `evil.${SITE}`)}/page`)
      for (const isLoggedIn of [false, true]) {
        for (const from of [page, neighbour]) {
          for (const trick of tricksWith(token)) {
            if (isLoggedIn) await ask(page, 'PUT', '/session/user', '"ada"')
            await from.run(trick)
            const { text } = await ask(page, 'GET', '/session/user')
            const verified = await ask(page, 'GET', '/verify')
            if (/eve/.test(text + verified.text)) opened.push(trick.replaceAll(token, 'TOKEN'))
            await ada.clearCookies()
            tried++
          }
        }
      }
      const { text } = await ask(hers, 'GET', '/session')
      if (text.includes('ada')) opened.push('a write of the victim went into the session of eve')
    },
    { program, env },
  )
  return { opened, tried }
}

/** What a script can write into `document.cookie` to have a token sent as if it were the session's. */
function tricksWith(token: string): readonly string[] {
  const secure = '; Path=/; Secure'
  const wide = `; Domain=${SITE}${secure}`
  const names = [
    ...['sid', '__Host-Http-sid', '__host-http-sid', '__HOST-HTTP-SID', '__Http-sid', '__Host-sid'],
    ...[
      '=__Host-Http-sid',
      '==__Host-Http-sid',
      ' __Host-Http-sid',
      '__Host-Http-sid ',
      '\t__Host-Http-sid',
    ],
    ...[
      '\u00a0__Host-Http-sid',
      '__Host-Http-sid\u00a0',
      '\u200b__Host-Http-sid',
      '\ufeff__Host-Http-sid',
    ],
    ...['__%48ost-Http-sid', '%5F_Host-Http-sid', '"__Host-Http-sid"', '$__Host-Http-sid'],
    ...[
      'a; __Host-Http-sid',
      'a, __Host-Http-sid',
      'a="; __Host-Http-sid',
      '\u2000__Host-Http-sid',
    ],
  ]
  const endings = [secure, wide, `${secure}; HttpOnly`, '; Path=/session; Secure']
  const written = names.map((name) =>
    endings
      .map((ending) => `document.cookie = ${JSON.stringify(`${name}=${token}${ending}`)}`)
      .join(';'),
  )
  // So many that the browser lets go of others, the session's own perhaps; then again.
  const bomb = `for (let n = 0; n < 400; n++) document.cookie = 'n' + n + '=1${wide}'`
  return [...written, `${bomb}; ${written.join(';')}`]
}

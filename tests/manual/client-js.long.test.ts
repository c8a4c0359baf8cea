import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBrowser } from '../kit/clients/express-apps.ts'
import { readPage } from '../kit/manual/page.ts'
import { filesOf, withExample } from '../kit/manual/run-example.ts'
import { runPage } from '../kit/manual/run-page.ts'

const PAGE = readPage('client-js.md')

const test = suite('client-js.md')

test('client-js.md tells to type nothing but the installation', async () => {
  assert.equal(await runPage(PAGE), { compared: 0, ran: 0, servers: 0, notRun: 1 })
})

test('the application counts visits, and says so where the server is away', async () => {
  await withExample(PAGE, { args: ['app.js'] }, async ({ url, server, output }) => {
    const browser = createBrowser(url)
    assert.is(await browser.page('GET', '/'), 'Visit 1')
    assert.is(await browser.page('GET', '/'), 'Visit 2')
    server.kill('SIGTERM')
    await server.ended
    const away = await browser.send('GET', '/')
    assert.equal([away.status, await away.text()], [503, 'Come back in a minute'])
    assert.match(output(), /^unreachable Cannot reach Coatcheck at http:/)
  })
})

test('the program with ids prints what its comments say', async () => {
  const text = filesOf(PAGE).get('by-id.js') ?? ''
  const promised = [...text.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, said]) => said)
  assert.ok(promised.length >= 4)
  await withExample(PAGE, { args: ['by-id.js'], listens: false }, ({ output }) => {
    assert.equal(output().trim().split('\n'), promised)
    return Promise.resolve()
  })
})

const SIGN_UP = `
import { auth } from './auth.js'
const { api } = auth
const body = { email: 'ada@example.test', password: 'of the tests', name: 'Ada' }
const cookieOf = (headers) => headers.getSetCookie().map((one) => one.split(';')[0]).join('; ')
const up = await api.signUpEmail({ body, returnHeaders: true })
const first = new Headers({ cookie: cookieOf(up.headers) })
console.log((await api.getSession({ headers: first })).user.name)
const second = new Headers({ cookie: cookieOf((await api.signInEmail({ body, returnHeaders: true })).headers) })
console.log((await api.listSessions({ headers: second })).length)
await api.revokeSessions({ headers: second })
console.log(await api.getSession({ headers: first }), await api.getSession({ headers: second }))
const third = new Headers({ cookie: cookieOf((await api.signInEmail({ body, returnHeaders: true })).headers) })
console.log((await api.getSession({ headers: third })).user.name)
await api.signOut({ headers: third })
console.log(await api.getSession({ headers: third }))
process.exit()
`

test('better-auth signs up, revokes all and signs in, with its sessions in Coatcheck', async () => {
  const page = { ...PAGE, blocks: [...PAGE.blocks, fileBlock('sign-up.js', SIGN_UP)] }
  await withExample(page, { args: ['sign-up.js'], listens: false }, ({ output }) => {
    const lines = output().trim().split('\n')
    assert.equal(lines.slice(-5), ['Ada', '2', 'null null', 'Ada', 'null'], output())
    return Promise.resolve()
  })
})

test.run()

function fileBlock(name: string, text: string) {
  return {
    language: 'js',
    text: `// ${name}\n${text}`,
    line: 0,
    notRun: undefined,
    isServer: false,
  }
}

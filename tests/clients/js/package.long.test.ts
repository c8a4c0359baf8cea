/** The package as it is published: packed, installed in an empty folder, and used on each Node. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildClientPackage, ENTRIES } from '../../../lib/build/client-package.ts'
import { CLIENT_PACKAGES, needClientPackages } from '../../kit/clients/client-packages.ts'
import { openClientServer } from '../../kit/clients/client-server.ts'
import { makeFolder } from '../../kit/process/spawn-server.ts'
import { skip } from '../../kit/runner/skip.ts'

const test = suite('client package')

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const run = promisify(execFile)

/** What an application does, by what it has imported. */
const USE = `
const { createClient, CoatcheckError } = client
const options = { url: process.argv[2], apiKey: process.argv[3] }
const coatcheck = createClient(options)
async function main() {
  const first = coatcheck.visit({ headers: {} })
  await first.set('cart', ['té ☕'])
  await first.login('ada')
  const cookie = first.setCookies[0].split(';')[0]
  const visit = coatcheck.visit(new Request('http://shop.test/', { headers: { cookie } }))
  const session = await visit.session()
  const ids = []
  for await (const { id } of coatcheck.sessions.list({ sub: 'ada' })) ids.push(id)
  const store = new expressSession.CoatcheckStore({ client: coatcheck })
  await new Promise((resolve) => store.set('sid', { a: 1, cookie: {} }, resolve))
  const kept = await new Promise((resolve) => store.get('sid', (_, found) => resolve(found)))
  const storage = betterAuth.secondaryStorage({ client: coatcheck })
  const refused = await visit.increment('cart').catch((error) => error)
  console.log(JSON.stringify({
    user: await visit.user(),
    cart: await visit.get('cart'),
    listed: ids.length === 1 && ids[0] === session.id,
    kept: kept.a,
    absent: await storage.get('none'),
    middlewares: [typeof express.session(options), typeof hono.session(options)],
    refused: [refused instanceof CoatcheckError, refused.code, refused.serverStatus],
    ended: await coatcheck.logoutEverywhere('ada'),
  }))
}
main()
`

const EXPECTED = {
  user: 'ada',
  cart: ['té ☕'],
  listed: true,
  kept: 1,
  absent: null,
  middlewares: ['function', 'function'],
  refused: [true, 'wrong_type', 409],
  ended: 1,
}

const NAMES = {
  client: 'client',
  'express-session': 'expressSession',
  express: 'express',
  hono: 'hono',
  'better-auth': 'betterAuth',
}
const specifierOf = (entry: string) => `coatcheck-client${entry === 'client' ? '' : `/${entry}`}`

test('installed from its tarball it runs on the oldest Node and on the newest, imported and required', async () => {
  const { options, close } = await openClientServer()
  const { folder, files } = await installTarball()
  const esm = ENTRIES.map((entry) => `import * as ${NAMES[entry]} from '${specifierOf(entry)}'`)
  const cjs = ENTRIES.map((entry) => `const ${NAMES[entry]} = require('${specifierOf(entry)}')`)
  writeFileSync(join(folder, 'use.mjs'), esm.join('\n') + USE)
  writeFileSync(join(folder, 'use.cjs'), cjs.join('\n') + USE)
  for (const node of [process.execPath, await findOtherNode()]) {
    for (const file of ['use.mjs', 'use.cjs']) {
      // It ends by itself: an idle client keeps no process alive.
      const { stdout, stderr } = await run(node, [file, String(options.url), options.apiKey], {
        cwd: folder,
        timeout: 20_000,
      })
      assert.is(stderr, '')
      assert.equal(JSON.parse(stdout), EXPECTED, `${node} ${file}`)
    }
  }
  assert.ok(files.includes('README.md') && files.includes('LICENSE'))
  assert.equal(
    files.filter(
      (file) => !/\.(js|mjs|d\.ts|d\.mts)$|^(README\.md|LICENSE|package\.json)$/.test(file),
    ),
    [],
  )
  rmSync(folder, { recursive: true })
  await close()
})

test('it has no dependencies, and says what it needs', async () => {
  const folder = makeFolder()
  await buildClientPackage(join(folder, 'package'))
  const manifest = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8')) as Record<
    string,
    unknown
  >
  assert.is(manifest['dependencies'], undefined)
  assert.equal(manifest['engines'], { node: '>=20' })
  assert.is(
    manifest['version'],
    JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version,
  )
  rmSync(folder, { recursive: true })
})

test('publint and are-the-types-wrong have nothing to say', async () => {
  await needClientPackages()
  const { folder, tarball } = await pack()
  const { publint } = await importPackage<Publint>('publint')
  const { messages } = await publint({ pkgDir: join(folder, 'package'), level: 'suggestion' })
  assert.equal(messages, [])
  const { checkPackage, createPackageFromTarballData } =
    await importPackage<TypesCheck>('@arethetypeswrong/core')
  const data = new Uint8Array(readFileSync(tarball))
  const { problems, types } = await checkPackage(createPackageFromTarballData(data))
  assert.ok(types)
  assert.equal(problems, [])
  rmSync(folder, { recursive: true })
})

const TYPED = `
import session from 'express-session'
import express from 'express'
import { Hono } from 'hono'
import { createClient, type Visit } from 'coatcheck-client'
import { CoatcheckStore } from 'coatcheck-client/express-session'
import { session as visits, type SessionRequest } from 'coatcheck-client/express'
import { session as honoVisits, type SessionVariables } from 'coatcheck-client/hono'
import { secondaryStorage } from 'coatcheck-client/better-auth'

type Data = { user?: string; cart: string[]; n: number }
const options = { url: 'http://127.0.0.1:7377', apiKey: 'ck_1' }
const client = createClient<Data>(options)
const visit: Visit<Data> = client.visit(new Request('http://x/'))
const cart: string[] | undefined = await visit.get('cart')
const user: string = await visit.get('user', 'nobody')
const kept: string[] | undefined = await visit.append('cart', 'tea')
// @ts-expect-error An item of another type.
await visit.append('cart', 1)
// @ts-expect-error A key that there is not.
await visit.get('other')
// @ts-expect-error A value of another type.
await visit.set('n', '1')
for await (const one of client.sessions.list({ sub: 'ada' })) one.data.cart.length.toFixed()

const list = await visit.get('cart', [])
list.push('tea')
const popped: string[] = await visit.pop('cart', [])
// @ts-expect-error An item of another type.
list.push(1)

const untyped: Visit = createClient(options).visit(new Request('http://x/'))
await untyped.set('anything', { a: 1 })
const anything: unknown = await untyped.get('anything')
const items = await untyped.get('cart', [])
items.push('x')
const name: string = await untyped.get('user', 'nobody')
const none: unknown = await untyped.get('user', null)
await untyped.append('cart', 'tea')
await untyped.update({ b: 2 })
await untyped.login('ada', { data: { c: 3 } })
for await (const one of createClient(options).sessions.list()) String(one.data['x'])

const app = express()
app.use(session({ store: new CoatcheckStore({ client }), secret: 'x' }))
app.use(visits({ client }))
app.get('/', async (request, response) => {
  const { session } = request as unknown as SessionRequest<Data>
  response.json(await session.all())
})
const hono = new Hono<{ Variables: SessionVariables<Data> }>()
hono.use(honoVisits<Data>(options))
hono.get('/', async (c) => c.json(await c.get('session').get('cart', [])))
const storage: { get(key: string): Promise<string | null> } = secondaryStorage({ client })
export { cart, user, kept, storage, popped, anything, items, name, none }
`

test('its types fit those of the frameworks, for import and for require', async () => {
  await needClientPackages()
  const { folder } = await installTarball()
  for (const name of ['express', 'express-session', 'hono']) link(folder, name)
  for (const name of ['express', 'express-session', 'node']) link(folder, `@types/${name}`)
  writeFileSync(join(folder, 'typed.mts'), TYPED)
  // Without types for "require", a default import would be the module.
  writeFileSync(
    join(folder, 'typed.cts'),
    TYPED.replace(/^import session .*|^import express .*/gm, '')
      .replace(/const app[^]*?\n}\)\n/, '')
      .replace(/(await|for await) (?=visit)/g, 'void ')
      .replace(/= void/g, '= await')
      .replace(/^(const client[^]*)$/m, 'async function main() {\n$1')
      .replace(/export \{.*\}/, 'return { cart, user, kept, storage }\n}\nvoid main()'),
  )
  const compiler = {
    module: 'nodenext',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
  }
  const config = {
    compilerOptions: { ...compiler, lib: ['es2023', 'dom'] },
    files: ['typed.mts', 'typed.cts'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const output = await run(process.execPath, [tsc, '-p', folder]).then(
    () => '',
    (error: unknown) => String((error as { stdout: string }).stdout),
  )
  assert.is(ownErrors(output), '')
  rmSync(folder, { recursive: true })
})

test.run()

type Publint = {
  publint(options: object): Promise<{ readonly messages: readonly object[] }>
}
type TypesCheck = {
  createPackageFromTarballData(tarball: Uint8Array): object
  checkPackage(
    checked: object,
  ): Promise<{ readonly types: unknown; readonly problems: readonly object[] }>
}

/** Those of the packages are the packages' own. */
function ownErrors(output: string): string {
  return output
    .split(/\n(?! )/)
    .filter(
      (line) =>
        /error TS/.test(line) && (!line.includes('node_modules') || line.includes('coatcheck')),
    )
    .join('\n')
}

async function pack() {
  const folder = makeFolder()
  await buildClientPackage(join(folder, 'package'))
  const { stdout } = await npm(['pack', '--json', './package'], folder)
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]
  const tarball = join(folder, packed?.filename ?? '')
  return { folder, tarball, files: (packed?.files ?? []).map(({ path }) => path) }
}

/** In an otherwise empty folder. */
async function installTarball() {
  const { folder, tarball, files } = await pack()
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  writeFileSync(join(empty, 'package.json'), '{"private":true}')
  await npm(
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=peer', tarball],
    empty,
  )
  return { folder: empty, files }
}

function npm(args: readonly string[], cwd: string) {
  return run('npm', [...args, '--prefix', cwd], { cwd, timeout: 120_000 })
}

function link(folder: string, name: string): void {
  const target = join(CLIENT_PACKAGES, 'node_modules', name)
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  symlinkSync(target, join(folder, 'node_modules', name))
}

async function importPackage<Module>(name: string): Promise<Module> {
  const { createRequire } = await import('node:module')
  const path = createRequire(`${CLIENT_PACKAGES}package.json`).resolve(name)
  return (await import(path)) as Module
}

/** The machine's own Node, which need not be the pinned one; the oldest that is supported is 20. */
async function findOtherNode(): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder.includes('node_modules')) continue
    const node = join(folder, 'node')
    const found = await run(node, ['--version']).catch(() => undefined)
    if (found?.stdout.startsWith('v20.') === true) return node
  }
  return skip('no Node 20 is on the PATH')
}

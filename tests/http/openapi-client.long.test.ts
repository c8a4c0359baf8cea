/** A client generated from the document by tools of others: it compiles, refuses mistakes, and works. */
import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { renderOpenApi } from '../../lib/http/openapi.ts'
import { API_KEY } from '../kit/process/open-server.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('openapi: a generated client')

// openapi-typescript prints by the JavaScript API of TypeScript 5, which stands here under another name.
registerHooks({
  resolve: (name, context, next) => next(name === 'typescript' ? 'typescript-5' : name, context),
})
const { default: generate, astToString } = await import('openapi-typescript')

const PROGRAM = `
import createClient from 'openapi-fetch'
import type { paths } from './api.d.ts'

const [url = '', key = ''] = process.argv.slice(2)
const client = createClient<paths>({ baseUrl: url, headers: { authorization: \`Bearer \${key}\` } })

const created = await client.POST('/sessions', {
  body: { data: { cart: ['tea'] }, claims: { sub: 'ada' } },
})
if (created.data === undefined) throw new Error(created.error.code)
const id: string = created.data.id
const token: string | undefined = created.data.token

const path = { id, key: 'visits' }
await client.PATCH('/sessions/{id}/{key}', { params: { path }, body: { increment: 2 } })
const visits = await client.GET('/sessions/{id}/{key}', { params: { path } })

const page = await client.GET('/sessions', { params: { query: { sub: 'ada', limit: 10 } } })
// With ?count=true it would be a count.
const listed = page.data !== undefined && 'sessions' in page.data ? page.data.sessions : []
const subs: string[] = listed.map((session) => session.id)

const ended = await client.DELETE('/sessions', { params: { query: { sub: 'ada' } } })
const after = await client.GET('/sessions/{id}', { params: { path: { id } } })
const code: string = after.error === undefined ? 'none' : after.error.code
const reason: string | undefined = after.error?.reason
console.log(
  JSON.stringify({
    hasToken: token !== undefined,
    visits: visits.data,
    found: subs.includes(id),
    ended: ended.data?.ended,
    code,
    reason,
  }),
)
`

/** Each is an error for the compiler. */
const MISTAKES = [
  "await client.GET('/nothing')",
  "await client.POST('/sessions', { body: { claims: 'ada' } })",
  "await client.PUT('/cookies/{name}', { params: { path: { name: 'a' } }, body: {} })",
  "const session = await client.GET('/session'); if (session.error?.code === 'wrong_type') throw 1",
  "await client.GET('/sessions', { params: { query: { limit: 'ten' } } })",
  "const session = await client.GET('/session'); console.log(session.data?.device.address.sub)",
]

test('the client compiles, and does what it is told on a real server', async () => {
  const folder = await makeClient({ 'program.ts': PROGRAM })
  assert.is(await compile(folder), '')
  const server = await spawnServer(['--api-key-file', writeKey(folder)])
  const printed = await run(process.execPath, [join(folder, 'program.ts'), server.url, API_KEY])
  assert.equal(JSON.parse(printed), {
    hasToken: true,
    visits: 2,
    found: true,
    ended: 1,
    code: 'session_ended',
    reason: 'revoked',
  })
  server.kill('SIGTERM')
  await server.ended
})

test('what the document forbids does not compile', async () => {
  const head = PROGRAM.slice(0, PROGRAM.indexOf('const created'))
  const files = Object.fromEntries(
    MISTAKES.map((line, index) => [`mistake-${index}.ts`, `${head}\n${line}\n`]),
  )
  const errors = await compile(await makeClient(files))
  for (const [index, line] of MISTAKES.entries()) {
    assert.match(errors, new RegExp(`mistake-${index}\\.ts.* error TS`), line)
  }
})

test.run()

async function makeClient(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(makeFolder(), 'client')
  mkdirSync(folder)
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  const types = astToString(await generate(JSON.parse(renderOpenApi())))
  const compilerOptions = {
    ...{ strict: true, noEmit: true, target: 'esnext', module: 'nodenext', types: ['node'] },
    ...{ allowImportingTsExtensions: true, exactOptionalPropertyTypes: true, skipLibCheck: true },
    typeRoots: ['./node_modules/@types'],
  }
  const all = {
    ...files,
    'api.d.ts': types,
    'package.json': '{"type":"module"}',
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['*.ts'] }),
  }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text)
  return folder
}

/** What the compiler has to say; empty where all is right. */
function compile(folder: string): Promise<string> {
  const compiler = resolve('node_modules/typescript/bin/tsc')
  return run(process.execPath, [compiler, '-p', folder])
}

function writeKey(folder: string): string {
  const path = join(folder, 'key')
  writeFileSync(path, `${API_KEY}\n`)
  return path
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((done) => {
    execFile(command, args, (_error, stdout, stderr) => done(stdout + stderr))
  })
}

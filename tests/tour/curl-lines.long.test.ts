/** The tour's lines of curl, typed into a shell: they do what the buttons do, whatever is typed. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { curlOf } from '../../lib/tour/browser/tutorial/curl.ts'
import { readFields } from '../../lib/tour/browser/tutorial/fields.ts'
import { OPERATIONS, type Operation } from '../../lib/tour/browser/tutorial/operations.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('tour: lines of curl')

const run = promisify(execFile)

const HOSTILE = [
  `'; touch broken; '`,
  '$(touch broken)',
  '`touch broken`',
  '@/etc/hostname',
  '"; touch broken; "',
  'a\\b',
  'line\nfeed',
  '$HOME !! *',
  '[1-9]{a,b}',
  '-o broken',
  '#?&=%41',
  '你好',
]

type Type = (operation: Operation, typed?: Readonly<Record<string, string>>) => Promise<string>

async function withShell(act: (type: Type, url: string) => Promise<void>): Promise<void> {
  const folder = makeFolder()
  const server = await spawnServer(['--data', join(folder, 'data/sessions.db')])
  const type: Type = async (operation, typed = {}) => {
    const filled = readFields(
      operation,
      (name) => typed[name] ?? operation.fields[name]?.initial ?? '',
    )
    if ('faults' in filled) throw new Error(`Not to be typed: ${JSON.stringify(typed)}`)
    const line = curlOf(operation.ask(filled.given, Date.now()), server.url)
    const quiet = line.replace('curl', 'curl -s -w "%{stderr}%{http_code}"')
    const { stdout, stderr } = await run('bash', ['-c', quiet], { cwd: folder })
    return operation.id === 'has' ? stderr : `${stderr} ${stdout.trim()}`.trim()
  }
  try {
    await act(type, server.url)
    assert.equal(readdirSync(folder).toSorted(), ['data', 'jar'])
  } finally {
    server.kill('SIGTERM')
    await server.ended
  }
}

test('each does what its button does', () =>
  withShell(async (type) => {
    const printed: string[] = []
    for (const operation of OPERATIONS) {
      const text = await type(operation)
      printed.push(
        `${operation.id} ${text
          .replace(/^412 .*/, '412')
          .replace(/"id".*?"data"/, '…"data"')
          .replace(/,"claims".*/, '…')}`,
      )
    }
    assert.equal(printed, [
      'setCookie 204',
      'setCookieUntil 204',
      'setHiddenCookie 204',
      'getCookie 200 "dark"',
      'allCookies 200 {"theme":"dark","offer":"tea","pass":"k3y"}',
      'deleteCookie 204',
      'set 204',
      'get 200 "ada"',
      'getDefault 200 "red"',
      'has 200',
      'increment 200 1',
      'update 200 {…"data":{"user":"ada","visits":1,"cart":["tea","jam"],"lang":"en"}…',
      'setDefault 412',
      'all 200 {…"data":{"user":"ada","visits":1,"cart":["tea","jam"],"lang":"en"}…',
      'pop 200 "ada"',
      'popDefault 200 null',
      'clear 204',
      'permanent 200 {…"data":{}…',
      'touch 200 {…"data":{}…',
      'look 200 {…"data":{}…',
      'flash 200 [["info","Saved."]]',
      'flashed 200 [["info","Saved."]]',
      'renew 204',
      'logOut 204',
    ])
  }))

test('whatever is typed is what the server gets, and nothing to the shell', () =>
  withShell(async (type) => {
    const of = (id: string): Operation => {
      const found = OPERATIONS.find((operation) => operation.id === id)
      if (found === undefined) throw new Error(`The tour has no ${id}`)
      return found
    }
    for (const text of HOSTILE) {
      const value = JSON.stringify(text)
      assert.is(await type(of('set'), { key: text, value }), '204', text)
      assert.is(await type(of('get'), { key: text }), `200 ${value}`)
      assert.is(await type(of('getDefault'), { key: 'none', default: value }), `200 ${value}`)
      assert.is(await type(of('pop'), { key: text }), `200 ${value}`)
      assert.is(await type(of('setCookie'), { value: text }), '204')
      assert.is(await type(of('getCookie')), `200 ${value}`)
      await type(of('flash'), { message: text, category: text })
      assert.is(await type(of('flashed')), `200 [[${value},${value}]]`)
    }
  }))

test.run()

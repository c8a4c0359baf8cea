/** `npx coatcheck` for commands in a clone, and what `npm start` says of them. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { personsEnvironment } from '../kit/process/persons-environment.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'

const test = suite('npx')

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const ENV = personsEnvironment()

test('npx coatcheck runs every command in a clone, without a registry', () => {
  const data = join(makeFolder(), 'sessions.db')
  const npx = (...args: string[]) =>
    spawnSync('npx', ['coatcheck', ...args, '--data', data], {
      cwd: ROOT,
      env: ENV,
      encoding: 'utf8',
    })
  const made = npx('import', '--lenient')
  assert.is(made.status, 0, made.stderr)
  const empty = npx('import')
  assert.is(empty.status, 65, 'the exit code is handed on')
  const key = npx('key', 'new', 'laptop')
  assert.is(key.status, 0)
  assert.match(key.stdout, /^ck_[\w-]{43}\n$/)
  const exported = npx('export')
  assert.equal([exported.status, exported.stdout], [0, ''])
})

test('npm start refuses a command with the words that are right', () => {
  const { status, stderr } = spawnSync('npm', ['start', '--', 'export'], {
    cwd: ROOT,
    env: ENV,
    encoding: 'utf8',
  })
  assert.is(status, 64)
  assert.match(stderr, 'type npx coatcheck export')
})

test('npm start tells of a flag that npm has kept for itself', () => {
  for (const args of [['--port', '8080'], ['--port=8080']]) {
    const { status, stderr } = spawnSync('npm', ['start', ...args], {
      cwd: ROOT,
      env: ENV,
      encoding: 'utf8',
    })
    assert.is(status, 64)
    assert.match(stderr, 'npm start -- --port')
  }
})

test.run()

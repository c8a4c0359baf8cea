import { execFileSync } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keepPassword } from '../../lib/program/kept-password.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'

const test = suite('kept password')

test('a password that is in no file stays as it is', () => {
  assert.is(keepPassword({ password: 'a', passwordPath: undefined }), 'a')
  assert.is(keepPassword({ password: undefined, passwordPath: undefined }), undefined)
})

test('a password in a file is read anew, and the last counts while there is none', async () => {
  const passwordPath = join(makeFolder(), 'password')
  writeFileSync(passwordPath, 'first\n')
  const read = keepPassword({ password: 'first', passwordPath })
  if (typeof read !== 'function') return assert.unreachable('it is not read anew')
  // A thread that answers holds nothing up, so somebody must.
  const awake = setInterval(() => {}, 1_000)
  assert.equal(await Promise.all([read(), read()]), ['first', 'first'])

  writeFileSync(`${passwordPath}.new`, 'second\r\nanother line')
  renameSync(`${passwordPath}.new`, passwordPath)
  assert.is(await read(), 'second')
  writeFileSync(passwordPath, '\n')
  assert.is(await read(), 'second')
  rmSync(passwordPath)
  assert.is(await read(), 'second')
  writeFileSync(passwordPath, 'third')
  assert.is(await read(), 'third')
  rmSync(passwordPath)
  // A pipe into which nobody writes.
  execFileSync('mkfifo', [passwordPath])
  assert.is(await read(), 'third')
  clearInterval(awake)
})

test.run()

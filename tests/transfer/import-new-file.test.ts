/** Import, and a dry run of it, where no server has made the data file yet. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { importCommand } from '../../lib/commands/import.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idOf, idsIn } from '../kit/store/session-file.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'

const test = suite('import into a new file')

const LIMITS = '"idleTimeoutMs":1800000,"lifetimeMs":3600000'

test('a dry run without a data file counts as on an empty one, and makes nothing', async () => {
  const lines = [1, 2].map((n) => `{"id":"${idOf(n)}",${LIMITS}}`)
  const folder = makeFolder()
  writeFileSync(join(folder, 'empty.db'), '')
  const before = readdirSync(folder)
  for (const name of ['none.db', 'new/sessions.db', 'empty.db']) {
    const stdin = inputOf(...lines, 'wrong')
    const args = ['--dry-run', '--data', join(folder, name)]
    const run = await runHere(importCommand, args, { stdin })
    assert.is(run.refusal, '', name)
    assert.is(run.code, 65)
    assert.is(run.out, 'Would import 2; left out 0 that were there, 0 expired and 1 wrong\n')
    assert.equal(readdirSync(folder), before)
  }
  assert.is(statSync(join(folder, 'empty.db')).size, 0)
})

test('a dry run refuses the file that an import would', async () => {
  const folder = makeFolder()
  mkdirSync(join(folder, 'folder.db'))
  writeFileSync(join(folder, 'foreign.db'), 'x'.repeat(8_192))
  writeFileSync(join(folder, 'gone.db-wal'), 'x'.repeat(8_192))
  for (const [name, fault] of [
    ['folder.db', 'unwritable'],
    ['foreign.db', 'foreign'],
    ['gone.db', 'damaged'],
  ] as const) {
    for (const flags of [[], ['--dry-run']]) {
      const run = await runHere(importCommand, [...flags, '--data', join(folder, name)])
      assert.is(run.fault, fault, `${name} ${flags.join()}`)
    }
  }
  assert.is(statSync(join(folder, 'gone.db-wal')).size, 8_192)
})

test('an import into an empty file makes it ready', async () => {
  const path = join(makeFolder(), 'empty.db')
  writeFileSync(path, '')
  const run = await runHere(importCommand, ['--data', path], {
    stdin: inputOf(`{"id":"${idOf(1)}",${LIMITS}}`),
  })
  assert.is(run.refusal, '')
  assert.is(run.code, 0)
  assert.equal(idsIn(path), [idOf(1)])
})

async function* inputOf(...lines: string[]): AsyncGenerator<Buffer> {
  yield Buffer.from(lines.join('\n'))
}

test.run()

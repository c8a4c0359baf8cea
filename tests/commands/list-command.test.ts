import { exec } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listCommand } from '../../lib/commands/list.ts'
import { showCommand } from '../../lib/commands/show.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idOf, makeSessionFile, tamper } from '../kit/store/session-file.ts'
import { skip } from '../kit/runner/skip.ts'
import { PROGRAM } from '../kit/process/spawn-server.ts'

const test = suite('list command')

const NOW = Date.UTC(2026, 0, 1)

test('list and show on a disk that is full say so, and do not pretend that all is written', async () => {
  if (!existsSync('/dev/full')) skip('there is no /dev/full')
  const path = makeSessionFile(1)
  const program = PROGRAM.map((word) => `'${word}'`).join(' ')
  for (const words of ['list', 'export', `show ${idOf(0)}`, 'key new laptop']) {
    const line = `${program} ${words} --data '${path}' > /dev/full`
    const failed: { code?: number; stderr?: string } = await promisify(exec)(line).then(
      () => ({}),
      (error) => error,
    )
    assert.is(failed.code, 74, words)
    assert.match(failed.stderr ?? '', 'Cannot write to stdout: ENOSPC')
  }
})

test('list and show in JSON are one line a session, whatever line ends its data has', async () => {
  const path = makeSessionFile(2, { now: NOW, data: '{"a":[1,\r\n2.0],\n"b":"\\n"}' })
  const { out } = await runHere(listCommand, ['--json', '--data', path])
  const lines = out.trimEnd().split('\n')
  assert.is(lines.length, 2)
  assert.match(lines[0] ?? '', '"data":{"a":[1,  2.0], "b":"\\n"}')
  const shown = await runHere(showCommand, [idOf(0), '--data', path])
  assert.is(shown.out, `${lines[0]}\n`)
})

test('list shows what could draw on a terminal as escapes', async () => {
  const path = makeSessionFile(1, { now: NOW })
  tamper(path, `update sessions set claims = '{"sub":"a' || char(155, 8238) || '2J"}'`)
  const { out } = await runHere(listCommand, ['--data', path])
  assert.is(out.split('\t')[1], '"a\\u009b\\u202e2J"')
})

test.run()

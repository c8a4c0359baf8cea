import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT, listExitCodes, listExitCodesOf } from '../../lib/command-line/exit-codes.ts'
import { commands } from '../../lib/commands/commands.ts'
import { renderUsage } from '../../lib/commands/command.ts'

const test = suite('exit codes')

test('each code stands once, in order, with one meaning', () => {
  const codes = listExitCodes().map(([code]) => code)
  assert.equal(
    codes,
    [...new Set(codes)].toSorted((a, b) => a - b),
  )
  assert.is(new Set(listExitCodes().map(([, meaning]) => meaning)).size, codes.length)
})

test('the help of each command has the codes that it names, and 0, 1 and 64', () => {
  for (const command of commands.values()) {
    const [, list = ''] = renderUsage(command).split('Exit codes:\n')
    const shown = [...list.matchAll(/^ {2}(\d+) /gm)].map(([, code]) => Number(code))
    const named = (command.exitCodes ?? []).map((name) => EXIT[name])
    assert.equal(
      shown,
      [0, 1, 64, ...named].toSorted((a, b) => a - b),
      command.usage[0],
    )
  }
})

test('a command may say more closely what a code means for it', () => {
  assert.equal(listExitCodesOf('show', ['notFound']).at(-1), [
    67,
    'there is no session of this id, or it has ended',
  ])
})

test('a code that is written out in JavaScript is the one of the table', () => {
  const starter = readFileSync(new URL('../../lib/program/pinned-node.js', import.meta.url), 'utf8')
  const written = [...starter.matchAll(/EXIT_NOT_LOADED = (\d+)/g)].map(([, code]) => Number(code))
  assert.equal(written, [EXIT.notLoaded])
  assert.not.match(starter, /process\.exit\(\d/)
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commands } from '../../lib/commands/commands.ts'
import { readPage, sectionOf } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const PAGE = readPage('commands.md')

const test = suite('commands.md')

test('commands.md prints what the commands print', async () => {
  assert.equal(await runPage(PAGE), { compared: 7, ran: 3, servers: 0, notRun: 0 })
})

test('commands.md has a section for each command', () => {
  for (const name of commands.keys()) assert.match(sectionOf(PAGE, `## ${name}`), 'Usage:')
})

test.run()

/** The README's first screen, typed as printed; and its table of settings, which the code renders. */
import { exec } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { renderExitCodeTable, renderSettingsTable } from '../kit/texts/markdown-tables.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const TIME = /\d{4}-\d\d-\d\dT[\d:.]*Z/g
const ADDRESS = 'http://127.0.0.1:7377'

const test = suite('readme')

test('README prints what curl prints', async () => {
  const folder = makeFolder()
  const server = await spawnServer(['--data', `${folder}/sessions.db`])
  const transcript = /```console\n([^]*?)```/.exec(README)?.[1] ?? ''
  const steps = transcript.split(/^\$ /m).slice(1)
  assert.is(steps.length, 8)
  for (const step of steps) {
    const [command = '', ...printed] = step.split('\n')
    const { stdout } = await promisify(exec)(`${command.replaceAll(ADDRESS, server.url)} -sS`, {
      cwd: folder,
    })
    assert.is(steady(stdout), steady(printed.join('\n')), command)
  }
  server.kill('SIGTERM')
  await server.ended
})

test('README has the table of settings that the code has', () => {
  const printed = /<!-- settings -->\n([^]*?)<!-- \/settings -->/.exec(README)?.[1] ?? ''
  assert.is(printed.trim(), renderSettingsTable().trim())
})

test('README has the table of exit codes that the help has', () => {
  const printed = /<!-- exit codes -->\n([^]*?)<!-- \/exit codes -->/.exec(README)?.[1] ?? ''
  assert.is(printed.trim(), renderExitCodeTable().trim())
})

/** Without what differs from run to run. */
function steady(text: string): string {
  return text
    .replaceAll('\r', '')
    .replace(/sid=[^;]*/, 'sid=TOKEN')
    .replace(/"id":"[^"]*"/, '"id":"ID"')
    .replace(/^Date: .*$/m, 'Date: DATE')
    .replace(TIME, (time) => `${minutesBetween(text.match(TIME)?.[0], time)} MINUTES LATER`)
    .trim()
}

function minutesBetween(first = '', time: string): number {
  return Math.round((Date.parse(time) - Date.parse(first)) / 60_000)
}

test.run()

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage, runPrograms } from '../kit/manual/run-page.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const PAGE = readPage('back-ends.md')

const test = suite('back-ends.md')

test('back-ends.md prints what curl and coatcheck print', async () => {
  assert.equal(await runPage(PAGE), { compared: 34, ran: 0, servers: 1, notRun: 0 })
})

test('back-ends.md says in its Python what it prints, in at most ten lines', async () => {
  assert.ok(PAGE.blocks.every(isShort))
  assert.is(await runPrograms(PAGE, 'python'), 1)
})

test('back-ends.md says in its JavaScript what it prints, in at most ten lines', async () => {
  assert.is(await runPrograms(PAGE, 'js'), 1)
})

test('the first key is where the page says, is told once, and is for its own user alone', async () => {
  assert.match(PAGE.text, '`data/sessions.db.api-key`')
  const dataPath = join(makeFolder(), 'sessions.db')
  const keyPath = `${dataPath}.api-key`
  const first = await spawnServer(['--data', dataPath])
  first.kill('SIGTERM')
  const { stdout, stderr } = await first.ended
  assert.match(stdout, keyPath)
  assert.not.match(stdout + stderr, readFileSync(keyPath, 'utf8').trim())
  assert.is(statSync(keyPath).mode & 0o777, 0o600)

  const again = await spawnServer(['--data', dataPath])
  again.kill('SIGTERM')
  assert.not.match((await again.ended).stdout, keyPath)
})

test.run()

function isShort({ language, text }: { language: string; text: string }): boolean {
  return !['js', 'python'].includes(language) || text.split('\n').length <= 10
}

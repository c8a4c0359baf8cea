import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage, ROOT } from '../kit/manual/page.ts'
import { runPage, runPrograms } from '../kit/manual/run-page.ts'

const PAGE = readPage('python.md')

const test = suite('python.md')

test('python.md fetches the client from the server', async () => {
  assert.equal(await runPage(PAGE), { compared: 1, ran: 0, servers: 0, notRun: 0 })
})

test('python.md says in its program what it prints', async () => {
  const ran = await runPrograms(PAGE, 'python', (folder) => {
    copyFileSync(`${ROOT}/lib/clients/python/coatcheck.py`, join(folder, 'coatcheck.py'))
  })
  assert.is(ran, 1)
})

test.run()

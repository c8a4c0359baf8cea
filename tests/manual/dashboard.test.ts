import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('dashboard.md')

test('dashboard.md prints what it prints', async () => {
  const run = await runPage(readPage('dashboard.md'))
  assert.equal(run, { compared: 3, ran: 0, servers: 0, notRun: 0 })
})

test.run()

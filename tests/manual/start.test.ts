import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('start.md')

test('start.md prints what curl prints', async () => {
  const run = await runPage(readPage('start.md'))
  assert.equal(run, { compared: 7, ran: 0, servers: 3, notRun: 1 })
})

test.run()

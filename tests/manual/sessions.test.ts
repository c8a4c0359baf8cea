import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('sessions.md')

test('sessions.md prints what curl prints', async () => {
  const run = await runPage(readPage('sessions.md'))
  assert.equal(run, { compared: 32, ran: 0, servers: 0, notRun: 0 })
})

test.run()

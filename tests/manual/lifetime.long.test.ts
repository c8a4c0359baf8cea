import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('lifetime.md')

test('lifetime.md gives the limits it says', async () => {
  const run = await runPage(readPage('lifetime.md'))
  assert.equal(run, { compared: 10, ran: 0, servers: 3, notRun: 0 })
})

test.run()

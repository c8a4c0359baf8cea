import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('openapi.md')

test('openapi.md tells to type nothing that is not typed elsewhere', async () => {
  const run = await runPage(readPage('openapi.md'))
  assert.equal(run, { compared: 0, ran: 0, servers: 0, notRun: 1 })
})

test.run()

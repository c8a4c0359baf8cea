import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('cookies.md')

test('cookies.md prints what curl and coatcheck print', async () => {
  const run = await runPage(readPage('cookies.md'))
  assert.equal(run, { compared: 10, ran: 0, servers: 1, notRun: 0 })
})

test.run()

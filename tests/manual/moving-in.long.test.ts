import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('moving-in.md')

test('moving-in.md prints what curl and coatcheck print', async () => {
  const run = await runPage(readPage('moving-in.md'))
  assert.equal(run, { compared: 4, ran: 0, servers: 0, notRun: 3 })
})

test.run()

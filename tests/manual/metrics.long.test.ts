import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('metrics.md')

const PAGE = readPage('metrics.md')

test('metrics.md tells how to scrape', async () => {
  const run = await runPage(PAGE)
  assert.equal(run, { compared: 0, ran: 1, servers: 0, notRun: 0 })
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('settings.md')

test('settings.md starts the server it says, and prints what a wrong setting prints', async () => {
  const run = await runPage(readPage('settings.md'))
  assert.equal(run, { compared: 1, ran: 0, servers: 1, notRun: 0 })
})

test.run()

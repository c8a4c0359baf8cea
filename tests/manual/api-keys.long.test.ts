import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const test = suite('api-keys.md')

test('api-keys.md makes, lists and revokes keys, and shows what a scope refuses', async () => {
  const run = await runPage(readPage('api-keys.md'))
  assert.equal(run, { compared: 6, ran: 0, servers: 0, notRun: 0 })
})

test.run()

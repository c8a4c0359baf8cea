import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPage, runPrograms } from '../kit/manual/run-page.ts'

const test = suite('events.md')

test('events.md shows pages, a stream, how to go on, and what is forgotten', async () => {
  const run = await runPage(readPage('events.md'))
  assert.equal(run, { compared: 9, ran: 0, servers: 0, notRun: 0 })
})

test('the program of events.md reads each event once', async () => {
  assert.is(await runPrograms(readPage('events.md'), 'js'), 1)
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PROBLEMS } from '../../lib/http/answer/problem.ts'
import { readPage, sectionOf } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const PAGE = readPage('errors.md')

const test = suite('errors.md')

test('errors.md prints what curl and coatcheck print', async () => {
  assert.equal(await runPage(PAGE), { compared: 2, ran: 0, servers: 0, notRun: 0 })
})

test('errors.md has each code with its status, in the order of the status', () => {
  const rows = [...sectionOf(PAGE, '## Over HTTP').matchAll(/^\| `(\w+)` +\| (\d{3}) +\| \S/gm)]
  const told = rows.map(([, code = '', status]) => [code, Number(status)])
  const known = Object.entries(PROBLEMS).map(([code, [status]]) => [code, status])
  assert.equal(told.toSorted(), known.toSorted())
  const statuses = rows.map(([, , status]) => Number(status))
  assert.equal(
    statuses,
    statuses.toSorted((one, other) => one - other),
  )
})

test.run()

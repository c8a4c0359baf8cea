/** The page on how far it goes: its command takes what the page types, and what it says of the tables is so. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readFleetOptions } from '../bench/fleet/fleet-options.ts'
import { MEASURED_ON } from '../bench/fleet/measured.ts'
import { readMigrations } from '../../lib/store-postgres/tables/schema.ts'
import { readPage, ROOT, sectionOf } from '../kit/manual/page.ts'

const test = suite('manual: how far')

const PAGE = readPage('how-far.md')

test('the help that the page asks for is there', async () => {
  const [asked] = PAGE.blocks.filter(({ notRun }) => notRun === undefined)
  const { stdout } = await promisify(execFile)('sh', ['-c', asked?.text ?? ''], { cwd: ROOT })
  assert.match(stdout, /^Usage: npm run bench:fleet/m)
})

test('every command line of the page is one that the simulation takes', () => {
  const lines = [...PAGE.text.matchAll(/^npm run bench:fleet -- ([^#\n]*)/gm)]
  assert.ok(lines.length > 3)
  for (const [, args = ''] of lines) readFleetOptions(args.trim().split(' '))
})

test('the page says when and on what the costs were measured', () => {
  assert.match(MEASURED_ON, /\d{4}-\d\d-\d\d/)
  const section = sectionOf(PAGE, '## What the calculation rests on')
  assert.ok(section.replaceAll('\n', ' ').includes(MEASURED_ON), MEASURED_ON)
})

test('what the page says YugabyteDB makes us change is still in the tables', () => {
  const tables = readMigrations().join('\n')
  assert.match(tables, /with \(fillfactor = 75\)/)
  assert.match(tables, /create sequence if not exists session_numbers;/)
  // Without `asc`, for reads in their order.
  for (const first of ['sweep_at', 'ended_at', '(ended_at + keep_ended_ms)', 'number']) {
    assert.ok(tables.includes(` on sessions (${first})`), first)
  }
})

test.run()

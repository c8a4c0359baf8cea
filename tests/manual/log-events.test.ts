/** The table of log events in the manual and what the code logs: each holds the other. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage, ROOT, sectionOf } from '../kit/manual/page.ts'

const test = suite('manual: log events')

const LEVEL_OF_METHOD: Readonly<Record<string, string>> = {
  info: 'info',
  done: 'info',
  warn: 'warn',
  refused: 'warn',
  error: 'error',
}
const CALL = /\blog\??\.(info|warn|error|done|refused)\(\s*([^\s,)]*)/g

const calls = ['server.ts', ...globSync('lib/**/*.ts', { cwd: ROOT })].flatMap((path) =>
  [...readFileSync(join(ROOT, path), 'utf8').matchAll(CALL)].map(([, method = '', event = '']) => ({
    path,
    method,
    event,
  })),
)

const ROW = /^\| `(\w+)` +\| `(\w+)` +\| ((?:`\w+` ?)+) *\| (\S.*?) *\| (\S.*?) *\|$/gm
const section = sectionOf(readPage('operating.md'), '### Log events')
const rows = [...section.matchAll(ROW)].map(([, event = '', level = '', facts = '']) => ({
  event,
  level,
  facts: facts.replaceAll('`', '').trim().split(' '),
}))

test('every call names its event as a literal in snake_case, so that it can be found', () => {
  assert.ok(calls.length > 20)
  const others = calls.filter(({ event }) => !/^'[a-z]+(_[a-z]+)*'$/.test(event))
  assert.equal(others, [])
})

test('the table has each event that the code logs, with its level, and no other', () => {
  const logged = calls.map(({ event, method }) => {
    return `${event.slice(1, -1)} ${LEVEL_OF_METHOD[method]}`
  })
  const listed = rows.map(({ event, level }) => `${event} ${level}`)
  assert.equal(listed.toSorted(), [...new Set(logged)].toSorted())
})

test('the events of the audit trail, and no others, have `by` or the address and what is left out', () => {
  const audited = calls.filter(({ method }) => method === 'done' || method === 'refused')
  const names = new Set(audited.map(({ event }) => event.slice(1, -1)))
  for (const { event, facts } of rows) {
    const isAudit = facts.includes('leftOut') && facts.some((fact) => /^(by|client)$/.test(fact))
    assert.is(isAudit, names.has(event), event)
  }
})

test('each row of the table is one that is read here', () => {
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  assert.is(rows.length, lines.length - 2)
})

test.run()

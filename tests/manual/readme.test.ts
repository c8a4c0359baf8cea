/** The README: one screen, and its transcript as printed. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linksOf, proseOf, readPage } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'

const README = readPage('README.md')

const test = suite('readme')

test('README prints what curl prints', async () => {
  assert.equal(await runPage(README), { compared: 4, ran: 0, servers: 0, notRun: 1 })
})

test('README has at most 120 lines of 120 columns', () => {
  const lines = README.text.trimEnd().split('\n')
  assert.ok(lines.length <= 120, `${lines.length} lines`)
  assert.equal(
    lines.filter((line) => line.length > 120),
    [],
  )
})

test('README leads to what people ask for first, in their words', () => {
  const rows = proseOf(README).filter(({ line }) => line.startsWith('|'))
  for (const words of [
    'thirty days',
    'log out everywhere',
    'nginx with https',
    'what does a crash lose',
    'back up',
  ]) {
    const row = rows.find(({ line }) => line.includes(words))
    assert.ok(row, words)
    assert.ok(
      linksOf(README).some(({ line }) => line === row?.number),
      words,
    )
  }
})

test.run()

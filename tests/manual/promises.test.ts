/** The page on promises: the tortures that it lists are those that there are. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage, sectionOf } from '../kit/manual/page.ts'
import { tortures } from '../torture/tortures.ts'

const test = suite('manual: promises')

const PAGE = readPage('promises.md')

test('the list of tortures is that of the code', () => {
  const lines = [...tortures].map(([name, { about, breakages }]) => {
    const ways = Object.keys(breakages).length
    return `- \`${name}\`: ${about} (${ways} ${ways === 1 ? 'way' : 'ways'} to break it)`
  })
  assert.is(plain(sectionOf(PAGE, '### The tortures')), plain(lines.join('\n')))
})

test('each torture has what it saw', () => {
  const seen = sectionOf(PAGE, '### What they saw')
  const names = [...seen.matchAll(/^- `([\w-]+)`: /gm)].map(([, name]) => name)
  assert.equal(names.toSorted(), [...tortures.keys()].toSorted())
})

test('what is not run says so', () => {
  assert.equal(
    PAGE.blocks.map(({ notRun }) => notRun !== undefined),
    [true],
  )
})

/** Lines of a paragraph may break anywhere. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

test.run()

/** That the table of ASVS 5.0 names tests which there are, and leaves none of its chapters' numbers out. */
import { readFileSync, statSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('asvs')

const REFERENCE = /\[[\w/-]+\]\(([\w./-]+)\.test\.ts\) “([^”]+)”/g
/** How many requirements each section has that the table holds whole. */
const WHOLE = { '3.3': 5, '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 3, '7.6': 2 }
const SHORTEST_REASON = 12

type Row = { readonly number: string; readonly verdict: string; readonly shown: string }

const ROWS = rowsOf(readFileSync(new URL('./asvs.md', import.meta.url), 'utf8'))

test('each row is shown by tests that there are, or says why not', () => {
  assert.ok(ROWS.length > 100, `only ${ROWS.length} rows were found`)
  assert.equal(ROWS.flatMap(faultsOf), [])
})

test('sessions and cookies are whole, and no requirement is there twice', () => {
  const numbers = ROWS.map(({ number }) => number)
  assert.is(new Set(numbers).size, numbers.length)
  for (const [section, count] of Object.entries(WHOLE)) {
    for (let n = 1; n <= count; n++)
      assert.ok(numbers.includes(`${section}.${n}`), `${section}.${n}`)
  }
})

test('a row that names no test, or one that there is not, is found', () => {
  const good = '[asvs](asvs.test.ts) “each row is shown by tests that there are, or says why not”'
  const faults = (verdict: string, shown: string) =>
    faultsOf({ number: '1', verdict, shown }).length
  assert.is(faults('shown', good), 0)
  assert.is(faults('partly', `The rest is elsewhere. ${good}`), 0)
  assert.is(faults('does not apply', 'There is no such thing here.'), 0)
  for (const [verdict, shown] of [
    ['shown', ''],
    ['shown', 'We believe so.'],
    ['shown', good.replace('each row', 'no row')],
    ['shown', good.replaceAll('asvs', 'no-such-file')],
    ['shown', good.replace('asvs.test', 'session.test')],
    ['shown', good.replace('“', '"')],
    ['not here', ''],
    ['perhaps', good],
  ] as const) {
    assert.ok(faults(verdict, shown) > 0, `${verdict}: ${shown}`)
  }
})

test.run()

function rowsOf(markdown: string): Row[] {
  return markdown.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim())
    const [, number = '', , verdict = '', shown = ''] = cells
    return cells.length === 6 && /^\d/.test(number) ? [{ number, verdict, shown }] : []
  })
}

function faultsOf({ number, verdict, shown }: Row): string[] {
  const references = [...shown.matchAll(REFERENCE)]
  const files = shown.split('.test.ts').length - 1
  if (files !== references.length) return [`${number}: a reference is malformed`]
  switch (verdict) {
    case 'shown':
    case 'partly':
      if (references.length === 0) return [`${number}: it names no test`]
      return references
        .filter(([, file = '', title = '']) => !isTest(file, title.replaceAll('\\', '')))
        .map(([, file, title]) => `${number}: there is no test "${title}" in ${file}`)
    case 'not here':
    case 'does not apply':
      return shown.length < SHORTEST_REASON ? [`${number}: it says no reason`] : []
    default:
      return [`${number}: "${verdict}" is no verdict`]
  }
}

/** Whether the file has a test of this title; of a torture, whether it is this one. */
function isTest(file: string, title: string): boolean {
  const path = new URL(`${file}.test.ts`, import.meta.url)
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false
  const source = readFileSync(path, 'utf8')
  return ["'", '"', '`'].some((quote) =>
    new RegExp(`\\b(?:test|testTorture)\\(\\s*${RegExp.escape(quote + title + quote)},`).test(
      source,
    ),
  )
}

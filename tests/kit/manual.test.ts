/** What the kit for the manual refuses: a page that says what is not so. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { anchorsOf, linksOf, parsePage, proseOf, sectionOf } from './manual/page.ts'
import { assertPrinted, fillIn, type Placeholders } from './manual/printed.ts'

const test = suite('kit for the manual')

const STARTED_AT = Date.parse('2027-01-01T12:00:00.000Z')
const ID = 'aB3dE5gH7jK9mN1pQ3sT5'
const OTHER_ID = 'zY8xW6vU4tS2rQ0pO8nM6'
const SECRET = 'x'.repeat(43)

test('what is printed otherwise than the page says is refused', () => {
  assert.ok(isPrinted('"ada"', '"ada"\n'))
  assert.not.ok(isPrinted('"ada"', '"bob"'))
  assert.not.ok(isPrinted('"ada"', '"ada"\nmore'))
  assert.not.ok(isPrinted('', 'curl: (7) Failed to connect'))
  assert.not.ok(isPrinted('a.c', 'abc'))
})

test('an ellipsis is any text of its line, and alone on a line any lines', () => {
  assert.ok(isPrinted('{"a":…,"c":3}', '{"a":1,"b":2,"c":3}'))
  assert.not.ok(isPrinted('a…c', 'a\nc'))
  assert.ok(isPrinted('a\n…\nz', 'a\nb\nc\nz'))
  assert.ok(isPrinted('a\n…\nz', 'a\nz'))
  assert.not.ok(isPrinted('a\n…\nz', 'a\nb\nyz'))
  assert.ok(isPrinted('a\n…', 'a\nb\nc'))
})

test('a placeholder stands for one value on the whole page, which later commands get', () => {
  const known: Placeholders = new Map()
  const printed = 'sid=Vp2hC4bkFbnVFY7Yz4A1v.Qm7rWc1…; Path=/'
  assert.ok(isPrinted(printed, `sid=${ID}.${SECRET}; Path=/`, known))
  assert.is(
    fillIn("curl -b 'sid=Vp2hC4bkFbnVFY7Yz4A1v.Qm7rWc1…'", known),
    `curl -b 'sid=${ID}.${SECRET}'`,
  )
  assert.ok(isPrinted('{"id":"Vp2hC4bkFbnVFY7Yz4A1v"}', `{"id":"${ID}"}`, known))
  assert.not.ok(isPrinted('{"id":"Vp2hC4bkFbnVFY7Yz4A1v"}', `{"id":"${OTHER_ID}"}`, known))

  const twice = 'Hs3nQ9vXe5Wm1Lk8Ra0Tp Hs3nQ9vXe5Wm1Lk8Ra0Tp'
  assert.not.ok(isPrinted(twice, `${ID} ${OTHER_ID}`))
  assert.ok(isPrinted(twice, `${ID} ${ID}`))
})

test('a time is as many minutes from the start as the page says', () => {
  assert.ok(isPrinted('2026-11-23T09:30:00.000Z', '2027-01-01T12:30:07.123Z'))
  assert.not.ok(isPrinted('2026-11-23T09:30:00.000Z', '2027-01-01T12:31:07.123Z'))
})

test('the marks before a block say whether it is run, and how', () => {
  const page = parsePage(
    'a.md',
    [
      '# A',
      '',
      '<!-- not run: no systemd here -->',
      '',
      '```sh\nsystemctl stop a\n```',
      '',
      '<!-- server -->',
      '```sh\ncoatcheck\n```',
      '',
      '```console\n$ a\n# b\n```',
    ].join('\n'),
  )
  const marks = page.blocks.map(({ notRun, isServer, line }) => [notRun, isServer, line])
  assert.equal(marks, [
    ['no systemd here', false, 5],
    [undefined, true, 10],
    [undefined, false, 14],
  ])
  assert.not.ok(proseOf(page).some(({ line }) => line.startsWith('# b')))
  assert.throws(() => parsePage('a.md', '```sh\na'), /a\.md:1: the block has no end/)
})

test('anchors and links are those that GitHub makes', () => {
  const page = parsePage(
    'a.md',
    '# `PUT /a`, and [b](b.md#c)\n\n## Same\n\n## Same\n\n`[no](link)` [d](#same-1)\n',
  )
  assert.equal([...anchorsOf(page)], ['put-a-and-b', 'same', 'same-1'])
  assert.equal(
    linksOf(page).map(({ target }) => target),
    ['b.md#c', '#same-1'],
  )
  assert.throws(() => sectionOf(page, '## Other'), /has no heading "## Other"/)
})

test.run()

function isPrinted(printed: string, actual: string, known: Placeholders = new Map()): boolean {
  try {
    assertPrinted({ printed, actual, command: 'a', known, startedAt: STARTED_AT })
    return true
  } catch (error) {
    if (error instanceof assert.Assertion) return false
    throw error
  }
}

import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { COMMAND_NAMES, OTHER_WORDS } from '../../lib/command-line/command-names.ts'
import { renderPage } from '../../lib/help/render-page.ts'
import { findTopic, listTopics, readTopic } from '../../lib/help/topics.ts'

const test = suite('pages in the terminal')

test('comments and other HTML are not shown', () => {
  assert.is(show('a\n\n<!-- not run: it takes long -->\n\nb <b>c</b> <!-- d -->'), 'a\n\nb c')
})

test('a heading is underlined, and bold in colours', () => {
  assert.is(
    show('# Title of `it`\n\n## Part\n\n### Less'),
    ['Title of `it`', '═════════════', '', 'Part', '────', '', 'Less'].join('\n'),
  )
  assert.match(renderPage('# Title', { columns: 80, colour: true }), '\u001b[1mTitle\u001b[22m\n')
})

test('a paragraph is wrapped to the width, whatever its line breaks were', () => {
  assert.is(
    show('one two\nthree **four five** six seven eight', 30),
    ['one two three four five six', 'seven eight'].join('\n'),
  )
})

test('a link has the name of its page, and an address where it leads elsewhere', () => {
  for (const [link, shown] of [
    ['[deploying.md](deploying.md#systemd)', '[deploying]'],
    ['[the unit](deploying.md)', 'the unit [deploying]'],
    ['[below](#below)', 'below'],
    ['[a site](https://example.com/a)', 'a site (https://example.com/a)'],
    ['[README](../../README.md)', 'README'],
  ] as const) {
    assert.is(show(link), shown)
  }
})

test('code is as it stands, however wide', () => {
  const wide = `curl ${'x'.repeat(200)}  # two  spaces`
  assert.is(show(`\`\`\`sh\n${wide}\n\n<b>\n\`\`\``), `    ${wide}\n\n    <b>`)
})

test('lists keep their numbers, their levels and their indent', () => {
  const list = '- one two three four five six seven\n  - inner\n- next\n\ntext\n\n3. c\n4. d'
  assert.is(
    show(list, 30),
    [
      '• one two three four five six',
      '  seven',
      '  • inner',
      '• next',
      '',
      'text',
      '',
      '3. c',
      '4. d',
    ].join('\n'),
  )
})

test('a table that fits has its columns side by side', () => {
  assert.is(
    show('| a | long head |\n| - | - |\n| `x` | 1 |\n| yy |  |'),
    ['a    long head', '───  ─────────', '`x`  1', 'yy'].join('\n'),
  )
})

test('a table that is too wide wraps its cells, and a line parts its rows', () => {
  const text = 'one two three four five six seven eight nine ten'
  assert.is(
    show(`| a | b |\n| - | - |\n| x | ${text} |\n| y | z |`, 40),
    [
      'a  b',
      `─  ${'─'.repeat(37)}`,
      'x  one two three four five six seven',
      '   eight nine ten',
      '',
      'y  z',
    ].join('\n'),
  )
})

test('a table that cannot fit has its cells below each other', () => {
  const row = '| a-name | the first of it, long enough | the second of it, too |'
  assert.is(
    show(`| Name | One | Another |\n| - | - | - |\n${row}`, 34),
    [
      'a-name',
      '  One      the first of it, long',
      '           enough',
      '  Another  the second of it, too',
    ].join('\n'),
  )
})

test('escapes and entities are the characters they stand for', () => {
  assert.is(show('a \\* b &amp; c &lt;d&gt; "e" `&amp;`'), 'a * b & c <d> "e" `&amp;`')
})

test('whatever is written, it is rendered at every width, and colours change no text', () => {
  const part = fc.constantFrom(
    '# a\n',
    '- b',
    '| c | d |\n| - | - |\n| e | f |',
    '`g`',
    '> h',
    '\n\n',
    '[i](i.md)',
    '***',
    'j ',
    '1. ',
  )
  fc.assert(
    fc.property(
      fc.array(fc.oneof(part, fc.string())),
      fc.integer({ min: 1, max: 200 }),
      (parts, columns) => {
        const page = parts.join('')
        const plain = renderPage(page, { columns, colour: false })
        const coloured = renderPage(page, { columns, colour: true })
        // The marks of code take columns: with them a table may not fit, and is laid out in another way.
        if (page.includes('|') && page.includes('`')) return
        // Without the marks of code, its lines are shorter, so a quote has fewer of its `>`.
        const words = (text: string) => stripVTControlCharacters(text).replaceAll(/[\s`─═>]+/g, '')
        assert.is(words(coloured), words(plain))
      },
    ),
  )
})

test('no line of any page is wider than its terminal, but for code and long words', () => {
  for (const topic of listTopics()) {
    for (const columns of [40, 80, 100]) {
      const lines = renderPage(readTopic(topic), { columns, colour: false }).split('\n')
      const wide = lines.filter((line) => [...line].length > columns && !/^ {4}|^> {5}/.test(line))
      // A word that is longer than the place for it stays whole.
      const odd = wide.filter((line) =>
        line
          .trim()
          .split(/\s+/)
          .every((word) => [...word].length < columns - 30),
      )
      assert.equal(odd, [], `${topic} at ${columns}`)
    }
  }
})

test('every page is readable: nothing of Markdown is left in it but code', () => {
  for (const topic of listTopics()) {
    const lines = renderPage(readTopic(topic), { columns: 80, colour: false }).split('\n')
    const left = lines
      .filter((line) => !line.startsWith('    '))
      .map((line) => line.replaceAll(/`[^`]*`/g, ''))
      .filter((line) => /\]\(|^#+ |^\||<!--|\*\*/.test(line))
    assert.equal(left, [], topic)
  }
})

test('a topic has no name of a command, and is found however it is written', () => {
  const topics = listTopics()
  assert.equal(
    topics.filter((topic) => [...COMMAND_NAMES, ...OTHER_WORDS].includes(topic)),
    [],
  )
  for (const word of ['api', 'API', 'api.md']) assert.is(findTopic(word), 'api')
  for (const word of ['', '.md', '../../README', '../manual/api', 'api.md.md', '__proto__']) {
    assert.is(findTopic(word), undefined)
  }
})

test.run()

/** Without the note at the end. */
function show(page: string, columns = 80): string {
  const text = renderPage(page, { columns, colour: false })
  assert.match(text, /\n\nIn brackets: [^]*\n$/)
  return text.slice(0, text.lastIndexOf('\n\nIn brackets: '))
}

import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createTextLines, type LogFacts, renderJsonLine } from '../../lib/base/log-lines.ts'

const test = suite('log lines')

const renderText = createTextLines({ colour: false })

// All that ends a line for some reader, draws on a terminal, or turns the text around.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

const HOSTILE = {
  'CR, LF and a line of JSON': 'a\r\n{"level":"error","event":"forged"}',
  'escapes of a terminal': '\u001b[2J\u001b[31mred\u009b0m',
  'line separators': 'a\u2028b\u2029c\u0085d\u000be\u000cf',
  'lone surrogates': '\ud800 alone, and \udfff',
  'marks of direction': 'right \u202eto left\u2066 and \u200e',
  'a tag of another plane': 'a tag of another plane \u{e0041}',
  'NUL, DEL and a byte order mark': '\u0000\u007f\ufeff',
  'quotes and facts': '" level=error event=forged "',
}

for (const [what, hostile] of Object.entries(HOSTILE)) {
  test(`a fact with ${what} forges no line and draws nothing`, () => {
    for (const render of [renderText, renderJsonLine]) {
      const line = render(lineWith({ hostile }))
      assert.not.match(line, UNSEEN)
      assert.is([...line.matchAll(/forged/g)].length, [...hostile.matchAll(/forged/g)].length)
    }
    assert.is(JSON.parse(renderJsonLine(lineWith({ hostile })))['hostile'], hostile)
  })
}

test('a line is one line whatever its fact, and what JSON says of it is what it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (fact) => {
      const [text, json] = [renderText, renderJsonLine].map((render) => render(lineWith({ fact })))
      assert.not.match(text ?? '', UNSEEN)
      assert.not.match(json ?? '', UNSEEN)
      assert.is(JSON.parse(json ?? '')['fact'], fact)
    }),
  )
})

test('of a fact in text, no part can be taken for another fact', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (first) => {
      const line = renderText(lineWith({ first, second: 1 }))
      const [, value, rest] = /first=("(?:[^"\\]|\\.)*"|[^"\s=]*)(.*)$/.exec(line) ?? []
      assert.is(rest, ' second=1')
      assert.is(value?.startsWith('"') ? JSON.parse(value) : value, first)
    }),
  )
})

test('text is aligned and short', () => {
  assert.equal(
    [
      renderText({ ...lineWith({ ended: 2, removed: 0 }), event: 'swept' }),
      renderText({ ...lineWith({ reasons: 'wal_long disk_full' }), level: 'warn' }),
      renderText({ ...lineWith({}), level: 'error', event: 'a_name_that_is_longer_than_most' }),
    ],
    [
      '2026-01-01 00:00:00Z  info   swept                ended=2 removed=0',
      '2026-01-01 00:00:00Z  warn   event                reasons="wal_long disk_full"',
      '2026-01-01 00:00:00Z  error  a_name_that_is_longer_than_most',
    ],
  )
})

test('text in colours says the same, and nothing of a fact is a colour', () => {
  const render = createTextLines({ colour: true })
  const line = render(lineWith({ ended: 2, hostile: '\u001b[31m' }))
  assert.match(line, '\u001b[')
  assert.not.match(line, '\u001b[31m')
  const plain = line.replaceAll(/\u001b\[\d+m/g, '')
  assert.is(plain, renderText(lineWith({ ended: 2, hostile: '\u001b[31m' })))
})

test('a group of facts is for programs alone', () => {
  const line = lineWith({ settings: { port: '80', listen: null } })
  assert.equal(JSON.parse(renderJsonLine(line))['settings'], { port: '80', listen: null })
  assert.is(renderText(line), '2026-01-01 00:00:00Z  info   event')
})

test('a fact is cut after 4,096 characters', () => {
  const line = lineWith({ long: 'x'.repeat(100_000) })
  assert.is(JSON.parse(renderJsonLine(line))['long'], `${'x'.repeat(4_095)}…`)
  assert.ok(renderText(line).length < 4_200)
})

test.run()

function lineWith(facts: LogFacts) {
  return { time: '2026-01-01T00:00:00.000Z', level: 'info', event: 'event', facts } as const
}

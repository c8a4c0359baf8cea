import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSseParser, type SseItem } from '../../lib/relay/feed/sse-parser.ts'

const test = suite('parser of server-sent events')

const STREAM = `\uFEFFretry: 1000

id: 0-run

: a comment
id: 1-run
event: session.created
data: {"id":"1-run"}

data: two
data:lines
data
id

:
id: 2-run

event: unfinished
data: x
`

const ITEMS: readonly SseItem[] = [
  { kind: 'id', id: '0-run' },
  { kind: 'event', id: '1-run', type: 'session.created', data: '{"id":"1-run"}' },
  { kind: 'event', id: '', type: 'message', data: 'two\nlines\n' },
  { kind: 'id', id: '2-run' },
]

test('an event longer than any of a feed is refused, in one line or in many', () => {
  const tooLong = /an event is too long to be one of a feed/
  assert.throws(() => createSseParser().push('x'.repeat(65_537)), tooLong)
  assert.throws(() => createSseParser().push(`data: ${'x'.repeat(1_000)}\n`.repeat(70)), tooLong)
  const parser = createSseParser()
  for (let n = 0; n < 100; n++) parser.push(`data: ${'x'.repeat(1_000)}\n\n`)
})

test('an event of ever more lines with nothing in them is refused, however they are written', () => {
  const tooLong = /an event is too long to be one of a feed/
  for (const line of ['data', 'data:', 'data: ']) {
    const parser = createSseParser()
    const push = () => parser.push(`${line}\n`.repeat(1_000))
    for (let n = 0; n < 65; n++) push()
    assert.throws(push, tooLong, line)
  }
})

test('the length of an event is that of its data, with the line feeds between the lines', () => {
  const parser = createSseParser()
  const lineOf = (length: number) => `data:${'x'.repeat(length)}\n`
  const [item] = parser.push(`${lineOf(32_767)}${lineOf(32_767)}\n`)
  assert.is(item?.kind === 'event' && item.data.length, 65_535)
  assert.throws(() => parser.push(`${lineOf(32_767)}${lineOf(32_768)}\n`), /too long/)
})

test('a stream gives its events and places, whatever its line ends and however it is cut', () => {
  const ends = fc.constantFrom('\n', '\r', '\r\n')
  const cuts = fc.array(fc.integer({ min: 0, max: STREAM.length + 40 }), { maxLength: 30 })
  fc.assert(
    fc.property(ends, cuts, (end, places) => {
      const text = STREAM.replaceAll('\n', end)
      assert.equal(parse(text, places), ITEMS)
    }),
  )
  const everywhere = Array.from({ length: STREAM.length * 2 }, (_, at) => at)
  assert.equal(parse(STREAM.replaceAll('\n', '\r\n'), everywhere), ITEMS)
})

test('an id with a null character is none, and fields that nobody knows are passed over', () => {
  const text = 'id: 7\n\nid: 8\0\nid2: 9\ndata: x\n\n'
  assert.equal(parse(text, []), [
    { kind: 'id', id: '7' },
    { kind: 'event', id: '7', type: 'message', data: 'x' },
  ])
})

test.run()

function parse(text: string, cuts: readonly number[]): SseItem[] {
  const parser = createSseParser()
  const places = [0, ...cuts.toSorted((one, other) => one - other), text.length]
  return places.flatMap((to, at) => parser.push(text.slice(places[at - 1] ?? 0, to)))
}

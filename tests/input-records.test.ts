import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { joinOneObject, linesOf } from '../lib/commands/input-lines.ts'

const test = suite('input lines')

test('a line over the limit is not kept, and those around it are', async () => {
  assert.equal(await read(linesOf(chunks('ab\nabc', 'de\nabcd\nx'), 4)), [
    'ab',
    undefined,
    'abcd',
    'x',
  ])
})

test('lines are the same however they are cut on their way', async () => {
  const text = 'é\r\n\n  \nlast'
  const expected = ['é', '', '  ', 'last']
  const bytes = [...Buffer.from(text)].map((byte) => Buffer.of(byte))
  assert.equal(await read(linesOf(chunks(text))), expected)
  assert.equal(await read(linesOf(chunks(...bytes))), expected)
})

test('a byte order mark at the start is taken away, elsewhere it stays', async () => {
  assert.equal(await read(linesOf(chunks('\ufeffa\n\ufeffb\n'))), ['a', '\ufeffb'])
})

test('lines after a brace alone are one, others stay as they are', async () => {
  const join = (text: string, limit?: number) => read(joinOneObject(linesOf(chunks(text)), limit))
  assert.equal(await join(' {\n"a":1\n}\n'), [' {\n"a":1\n}\n'])
  assert.equal(await join('{"a":1}\n{\n'), ['{"a":1}', '{'])
  assert.equal(await join('{\n"a":1\n}', 5), [undefined])
  assert.equal(await join(''), [])
})

async function read(lines: AsyncIterable<Buffer | undefined>): Promise<(string | undefined)[]> {
  return await Array.fromAsync(lines, (line) => line?.toString('utf8'))
}

async function* chunks(...parts: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part)
}

test.run()

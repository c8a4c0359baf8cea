import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { recordsOf } from '../../lib/transfer/input-records.ts'

const test = suite('input records')

test('a line over the limit is not kept, and those around it are', async () => {
  assert.equal(await read(['ab\nabc', 'de\nabcd\nx'], { limitBytes: 4 }), [
    '1 ab',
    '2 too long',
    '3 abcd',
    '4 x',
  ])
})

test('an object over the limit is not kept, and those around it are', async () => {
  assert.equal(await read(['{}\n{"a":\n[1,', '2,3]\n}\n{"b":1}'], { limitBytes: 8 }), [
    '1 {}',
    '2 too long',
    '5 {"b":1}',
  ])
})

test('records are the same however they are cut on their way', async () => {
  const text =
    'é\r\n\n  \n{"a":\r\n["}\\"{é",{}]}\n[{"b":1},\n{"c":2}]\r\n{"broken":[}\n{"d":3}\nlast'
  const expected = [
    '1 é',
    '4 {"a":\r\n["}\\"{é",{}]}',
    '6 {"b":1}',
    '7 {"c":2}',
    '8 {"broken":[}',
    '9 {"d":3}',
    '10 last',
  ]
  const bytes = [...Buffer.from(text)].map((byte) => Buffer.of(byte))
  assert.equal(await read([text]), expected)
  assert.equal(await read(bytes), expected)
})

test('objects come one by one: on lines, on many lines, and from an array', async () => {
  assert.equal(await read(['{"a":1}\n{\n  "b": 2\n}\n']), ['1 {"a":1}', '2 {\n  "b": 2\n}'])
  assert.equal(await read(['[{"a":1},{"b":"]"},\n\n {"c":[{}]}]']), [
    '1 {"a":1}',
    '1 {"b":"]"}',
    '3 {"c":[{}]}',
  ])
  assert.equal(await read(['[\n{"a":1}\n,\n{"b":2}\n]\n{"c":3}\n']), [
    '2 {"a":1}',
    '4 {"b":2}',
    '6 {"c":3}',
  ])
  assert.equal(await read(['']), [])
  assert.equal(await read(['[]']), [])
})

const BROKEN: Record<string, string[]> = {
  '{"a":"x\n{"b":2}': ['1 {"a":"x', '2 {"b":2}'],
  '{"a":1\n{"b":2}\n{"c":3}': ['1 {"a":1', '2 {"b":2}', '3 {"c":3}'],
  '{"a":{"x":1\n{"b":2}': ['1 {"a":{"x":1', '2 {"b":2}'],
  '{"a":1]}\n{"b":2}': ['1 {"a":1]}', '2 {"b":2}'],
  '{"a":1} {"b":2}\n{"c":3}': ['1 {"a":1} {"b":2}', '2 {"c":3}'],
  '{"a":1}}\n{"b":2}': ['1 {"a":1}}', '2 {"b":2}'],
  'x {\n{"b":2}': ['1 x {', '2 {"b":2}'],
  '{"a":1': ['1 {"a":1'],
  '[{"a":1},': ['1 {"a":1}', '1 ['],
  '[{"a":1},{"b"': ['1 {"a":1}', '1 {"b"', '1 ['],
}

for (const [text, expected] of Object.entries(BROKEN)) {
  test(`what is broken ends with its line, and the next is read: ${JSON.stringify(text)}`, async () => {
    assert.equal(await read([text]), expected)
  })
}

test('a large object comes in pieces that are objects, cut between its own members only', async () => {
  const object = { a: { x: 1, y: [2, 3] }, b: 'x,y', c: { z: 4 }, d: 5 }
  const pieces = await read([JSON.stringify(object)], { pieceBytes: 10 })
  assert.equal(pieces, ['1 {"a":{"x":1,"y":[2,3]}}', '1 {"b":"x,y","c":{"z":4}}', '1 {"d":5}'])
  assert.equal(await read([JSON.stringify(object)]), [`1 ${JSON.stringify(object)}`])
})

async function read(
  parts: readonly (string | Buffer)[],
  options?: { limitBytes?: number; pieceBytes?: number },
): Promise<string[]> {
  return await Array.fromAsync(
    recordsOf(chunks(parts), options),
    ({ line, text }) => `${line} ${text?.toString('utf8') ?? 'too long'}`,
  )
}

async function* chunks(parts: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part)
}

test.run()

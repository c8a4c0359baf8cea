import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../lib/base/errors.ts'
import { applyJsonPatch, parseJsonPatch } from '../../lib/json/json-patch.ts'

const test = suite('JSON patch against a reference')

test('any patch does what a plain reading of the RFC does on values, or fails where it fails', () => {
  const outcomes = { done: 0, refused: 0 }
  const property = fc.property(anyValue, fc.array(anyStep, { maxLength: 4 }), (document, steps) => {
    const text = JSON.stringify(document)
    const expected = steps.reduce<unknown>(reference, document)
    const read = parseJsonPatch(JSON.stringify(steps))
    if (expected === undefined) {
      assert.throws(() => applyJsonPatch(text, read, 100_000), isRefusal)
      outcomes.refused++
    } else {
      const result: unknown = JSON.parse(applyJsonPatch(text, read, 100_000))
      assert.ok(isDeepStrictEqual(result, expected), `${text} ${JSON.stringify(steps)}`)
      outcomes.done++
    }
  })
  fc.assert(property, { numRuns: 5000 })
  assert.ok(outcomes.done > 500 && outcomes.refused > 500, JSON.stringify(outcomes))
})

const TOKENS = ['a', 'b', '0', '1', '-', '__proto__']

const anyValue = fc
  .letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, 1, 'a'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', '0', '__proto__'), tie('value'), { maxKeys: 4 }),
    ),
  }))
  .value.map(ordinary)

const anyPointer = fc
  .array(fc.constantFrom(...TOKENS), { maxLength: 3 })
  .map((tokens) => tokens.map((token) => `/${token}`).join(''))

type RawStep = { op: string; path: string; from: string; value: unknown }

const anyStep: fc.Arbitrary<RawStep> = fc.record({
  op: fc.constantFrom('add', 'remove', 'replace', 'test', 'move', 'copy'),
  path: anyPointer,
  from: anyPointer,
  value: anyValue,
})

/** fast-check makes objects without a prototype, which deep equality tells from others. */
function ordinary(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** RFC 6902 on values, level by level and without a change in place; `undefined` is a failure. */
function reference(document: unknown, { op, path, from, value }: RawStep): unknown {
  if (document === undefined) return undefined
  const to = path.split('/').slice(1)
  const source = from.split('/').slice(1)
  const target = lookUp(document, to)
  const moved = lookUp(document, source)
  switch (op) {
    case 'add':
      return edit(document, to, 'add', value)
    case 'remove':
      return target === undefined ? undefined : edit(document, to, 'remove', undefined)
    case 'replace':
      return target === undefined ? undefined : edit(document, to, 'replace', value)
    case 'test':
      return target !== undefined && isDeepStrictEqual(target, value) ? document : undefined
    case 'copy':
      return moved === undefined ? undefined : edit(document, to, 'add', moved)
    default:
      if (moved === undefined || path.startsWith(`${from}/`)) return undefined
      if (path === from) return document
      return edit(edit(document, source, 'remove', undefined), to, 'add', moved)
  }
}

function lookUp(value: unknown, [token, ...rest]: readonly string[]): unknown {
  if (token === undefined) return value
  const entry = entriesOf(value).find(([key]) => key === token)
  return entry === undefined ? undefined : lookUp(entry[1], rest)
}

function edit(value: unknown, path: readonly string[], how: string, to: unknown): unknown {
  const [token, ...rest] = path
  if (value === undefined) return undefined
  if (token === undefined) return how === 'remove' ? undefined : to
  const entries = entriesOf(value)
  const index = entries.findIndex(([key]) => key === token)
  if (rest.length > 0) {
    const child = edit(entries[index]?.[1], rest, how, to)
    return child === undefined ? undefined : rebuild(value, entries.with(index, [token, child]))
  }
  if (Array.isArray(value) && how === 'add') {
    const place = token === '-' ? value.length : TOKENS.includes(token) ? Number(token) : NaN
    return place <= value.length ? value.toSpliced(place, 0, to) : undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  if (how === 'remove') return rebuild(value, entries.toSpliced(index, 1))
  if (index !== -1) return rebuild(value, entries.with(index, [token, to]))
  return rebuild(value, [...entries, [token, to]])
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function rebuild(like: unknown, entries: [string, unknown][]): unknown {
  return Array.isArray(like) ? entries.map(([, item]) => item) : Object.fromEntries(entries)
}

function isRefusal(error: unknown): boolean {
  return error instanceof CoatcheckError && ['invalid_patch', 'test_failed'].includes(error.code)
}

test.run()

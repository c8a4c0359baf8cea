import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  areEqual,
  type Edits,
  findDifference,
  type Json,
  type JsonObject,
  mergeChanges,
} from '../../../../lib/clients/js/stores/difference.ts'

const test = suite('difference')

test('equal objects have none, in whatever order', () => {
  assert.is(findDifference({}, {}), undefined)
  assert.is(findDifference({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 }), undefined)
})

test('what is set, removed, added to lists and changed inside objects is told apart', () => {
  const before = { a: 1, b: 2, list: [1], prefs: { lang: 'en', size: 1 }, kept: { x: [] } }
  const after = { a: null, list: [1, 2, 3], prefs: { lang: 'fr' }, kept: { x: [] }, new: {}, n: [] }
  assert.equal(edits(before, after), {
    set: { a: null },
    remove: ['b'],
    extend: { list: [2, 3], n: [] },
    in: { prefs: { set: { lang: 'fr' }, remove: ['size'] }, new: {} },
  })
})

test('new objects and lists are begun, so that two requests may begin the same one', () => {
  assert.equal(edits({}, { prefs: { a: { b: 1 } }, list: ['x'] }), {
    extend: { list: ['x'] },
    in: { prefs: { in: { a: { set: { b: 1 } } } } },
  })
})

test('a list that was changed otherwise is replaced, if nobody else has written', () => {
  for (const [before, after] of [
    [[1, 2], [2]],
    [[1, 2], [1]],
    [[1], [0, 1]],
    [[1], []],
  ] as const) {
    const difference = findDifference({ list: before }, { list: after })
    assert.equal(plain(difference), { edits: { set: { list: after } }, needsVersion: true })
  }
  const deep = findDifference({ a: { b: [1] } }, { a: { b: [] } })
  assert.equal(plain(deep), { edits: { in: { a: { set: { b: [] } } } }, needsVersion: true })
})

test('a value of another kind is replaced', () => {
  assert.equal(edits({ a: [1], b: {}, c: 'x' }, { a: {}, b: [], c: ['x'] }), {
    set: { a: {}, b: [], c: ['x'] },
  })
})

test('keys that objects inherit are keys like others', () => {
  const after = JSON.parse('{"__proto__":{"a":1},"constructor":1}') as JsonObject
  const difference = findDifference({}, after)
  assert.is(
    JSON.stringify(difference?.edits),
    '{"in":{"__proto__":{"set":{"a":1}}},"set":{"constructor":1}}',
  )
  assert.equal(mergeChanges({}, after, { b: 1 }), mergeChanges({}, { b: 1 }, after))
})

test('merged are both changes, and of the same value that of the late one', () => {
  const base = { a: 1, b: 1, list: [1], queue: [1, 2], prefs: { x: 1, y: 1 } }
  const mine = { a: 2, list: [1, 'mine'], queue: [2], prefs: { x: 2, y: 1 }, new: { mine: 1 } }
  const theirs = {
    a: 3,
    b: 3,
    c: 3,
    list: [1, 'theirs'],
    queue: [1, 2, 3],
    prefs: { x: 1, z: 1 },
    new: { theirs: 1 },
  }
  assert.equal(plain(mergeChanges(base, mine, theirs)), {
    a: 2,
    c: 3,
    list: [1, 'theirs', 'mine'],
    queue: [2, 3],
    prefs: { x: 2, z: 1 },
    new: { theirs: 1, mine: 1 },
  })
})

test('made to what was before, the edits give what is after', () => {
  fc.assert(
    fc.property(jsonObject(), jsonObject(), (before, after) => {
      const found = findDifference(before, after)
      assert.ok(areEqual(found === undefined ? before : apply(before, found.edits), after))
    }),
    { numRuns: 300 },
  )
})

test('merged with what nobody has changed, it is what is after', () => {
  fc.assert(
    fc.property(jsonObject(), jsonObject(), (before, after) => {
      assert.ok(areEqual(mergeChanges(before, after, before), after))
      assert.ok(areEqual(mergeChanges(before, before, after), after))
    }),
    { numRuns: 300 },
  )
})

test.run()

function edits(before: JsonObject, after: JsonObject): unknown {
  return plain(findDifference(before, after)?.edits)
}

/** With the prototype that uvu compares. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function jsonObject() {
  const { object } = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<Json>(null, 0, 1, 'x', true),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), tie('value'), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  }))
  return object
}

/** As the server does. */
function apply(before: JsonObject, { set, remove = [], extend, in: inside }: Edits): JsonObject {
  const after = new Map(Object.entries(before))
  for (const key of remove) after.delete(key)
  for (const [key, value] of Object.entries(set ?? {})) after.set(key, value)
  for (const [key, items] of Object.entries(extend ?? {})) {
    after.set(key, [...((after.get(key) ?? []) as readonly Json[]), ...items])
  }
  for (const [key, deeper] of Object.entries(inside ?? {})) {
    after.set(key, apply((after.get(key) ?? {}) as JsonObject, deeper))
  }
  return Object.fromEntries(after)
}

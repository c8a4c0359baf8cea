import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRecent } from '../../lib/base/recent.ts'

const test = suite('recent')

test('it keeps what was used lately, and drops what was not once there is too much', () => {
  const recent = createRecent<string, number>(10)
  recent.set('often', 0)
  recent.set('once', 0)
  for (let n = 0; n < 100; n++) {
    recent.set(`n${n}`, n)
    assert.is(recent.get('often'), 0)
  }
  assert.is(recent.get('once'), undefined)
  assert.is(recent.get('n99'), 99)
})

test('it never holds much more than twice its limit, in the unit of the limit', () => {
  const recent = createRecent<string, string>(100, (text) => text.length)
  for (let n = 0; n < 50; n++) {
    recent.set(`n${n}`, 'x'.repeat(n % 30))
    assert.is(recent.count(), [...recent.values()].length)
    const sizes = [...recent.values()].map((text) => text.length)
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= 200 + 2 * 30)
  }
})

test('a value that replaces another takes its place, not more', () => {
  const recent = createRecent<string, string>(100, (text) => text.length)
  recent.set('other', 'kept')
  for (let n = 0; n < 50; n++) recent.set('one', 'x'.repeat(60))
  recent.delete('one')
  recent.set('one', 'x'.repeat(60))
  for (let n = 0; n < 50; n++) recent.set('two', 'y'.repeat(20))
  // Nothing has been dropped, so nothing is in the older generation, which `two` would have emptied.
  assert.equal([...recent.values()].sort(), ['kept', 'x'.repeat(60), 'y'.repeat(20)])
})

test('what is neither set nor used while it ages twice is gone', () => {
  const recent = createRecent<string, number>(10)
  for (const name of ['left', 'used', 'set']) recent.set(name, 1)
  recent.age()
  assert.is(recent.get('used'), 1)
  recent.set('set', 2)
  recent.age()
  assert.equal(
    ['left', 'used', 'set'].map((name) => recent.get(name)),
    [undefined, 1, 2],
  )
})

test('what is deleted is gone from both generations, and each name is listed once', () => {
  const recent = createRecent<string, number>(3)
  for (const [n, name] of ['a', 'b', 'c', 'd', 'e'].entries()) recent.set(name, n)
  recent.set('a', 9)
  assert.is(recent.get('a'), 9)
  assert.equal([...recent.values()].sort(), [...new Set(recent.values())].sort())
  assert.not.ok([...recent.values()].includes(0), 'the value of before is listed, too')
  recent.delete('a')
  assert.is(recent.get('a'), undefined)
  recent.clear()
  assert.equal([...recent.values()], [])
})

test.run()

import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { appOf, fullId, isApp, isFullId, isId, plainId } from '../../lib/session/session-id.ts'

const test = suite('session id')

const ID = 'aB3_-aB3_-aB3_-a'

const app = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/)
const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(isId)

test('what is no name of an app is refused', () => {
  for (const text of [
    ...['', '-', '-a', 'A', 'Shop', '~', 'sh op', 'shöp', 'sh.op', 'sh_op', 'a\n', '\na'],
    ...['a'.repeat(33), 'shop%7E', 'a/b', 'a\0'],
  ]) {
    assert.is(isApp(text), false, text)
    assert.is(isFullId(`${text}~${ID}`), false, text)
  }
  for (const text of ['a', '0', 'a-', 'shop-2', 'a'.repeat(32)]) {
    assert.is(isApp(text), true, text)
    assert.is(isFullId(`${text}~${ID}`), true, text)
  }
})

test('what is no id is none in an app either', () => {
  for (const text of [
    ...['', '.', '..', ' ', ' a', 'a ', 'a'.repeat(129), `${ID}\n`, 'a\0', '\u200b', 'a\u202eb'],
    ...['\ud800', 'a\u2028', '\u00a0a', '\ufeffa', '~', `${ID}~`, `a~${ID}`],
  ]) {
    assert.is(isId(text), false, text)
    assert.is(isFullId(`shop~${text}`), false, text)
  }
})

test('a full id is that of one app and one id alone', () => {
  fc.assert(
    fc.property(app, id, (name, plain) => {
      const full = fullId(name, plain)
      assert.ok(isFullId(full) && isFullId(plain))
      assert.equal([appOf(full), plainId(full)], [name, plain])
      assert.equal([appOf(plain), plainId(plain)], [undefined, plain])
      assert.is(fullId(undefined, plain), plain)
    }),
  )
})

test('whatever an app gives as an id, it is that of no session of another app', () => {
  fc.assert(
    fc.property(app, id, fc.nat(32), fc.nat(40), (other, plain, ownLength, from) => {
      // Its name is the beginning of the other's, and it gives what is missing to the other's id.
      const own = other.slice(0, ownLength)
      fc.pre(isApp(own) && own !== other)
      for (const target of [fullId(other, plain), plain]) {
        assert.is.not(fullId(own, target.slice(from)), target)
        assert.is.not(fullId(own, target), target)
      }
    }),
  )
})

test.run()

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createSecretCheck,
  hashSecret,
  isToken,
  mintToken,
  renderToken,
  secretMatches,
  splitToken,
} from '../../lib/session/token.ts'

const test = suite('token')

const ID = 'aB3_-aB3_-aB3_-aB3_-x'
const SECRET = `${'S3cr_-'.repeat(7)}e`

const MALFORMED: Record<string, string> = {
  empty: '',
  'a dot alone': '.',
  'without a dot': `${ID}${SECRET}`,
  'with a short id': `${ID.slice(1)}.${SECRET}`,
  'with a long id': `${ID}a.${SECRET}`,
  'with a short secret': `${ID}.${SECRET.slice(1)}`,
  'with a long secret': `${ID}.${SECRET}a`,
  'without a secret': `${ID}.`,
  'without an id': `.${SECRET}`,
  'with the dot elsewhere': `${ID.slice(1)}.${SECRET}a`,
  'with a space before it': ` ${ID}.${SECRET}`,
  'with a line end after it': `${ID}.${SECRET}\n`,
  'with a NUL after it': `${ID}.${SECRET}\0`,
  'in quotes': `"${ID}.${SECRET}"`,
  'of an app without a name': `~${ID}.${SECRET}`,
  'of an app with a long name': `${'a'.repeat(33)}~${ID}.${SECRET}`,
  'of an app with a short id': `shop~${ID.slice(1)}.${SECRET}`,
  'of an app with a long id': `shop~${ID}a.${SECRET}`,
  'of an app with a short secret': `shop~${ID}.${SECRET.slice(1)}`,
  'of an app with a long secret': `shop~${ID}.${SECRET}a`,
  'of an app without a dot': `shop~${ID}${SECRET}`,
  'of an app with an escaped tilde': `shop%7E${ID}.${SECRET}`,
  'of an app with another character for the tilde': `shop-${ID}.${SECRET}`,
}

for (const [what, text] of Object.entries(MALFORMED)) {
  test(`a token ${what} is refused`, () => {
    assert.is(isToken(text), false)
  })
}

test('a token with any other character in it is another token', () => {
  expectOthers(ID)
  expectOthers(`shop~${ID}`)
})

function expectOthers(fullId: string): void {
  const token = renderToken({ id: fullId, secret: SECRET })
  const secretHash = hashSecret(SECRET)
  const place = fc.nat(token.length - 1)
  const stranger = fc.string({ minLength: 1, maxLength: 1, unit: 'binary' })
  fc.assert(
    fc.property(place, stranger, (at, character) => {
      fc.pre(token[at] !== character)
      const text = token.slice(0, at) + character + token.slice(at + 1)
      const { id, secret } = splitToken(text)
      assert.is(isToken(text) && id === fullId && secretMatches(secret, secretHash), false)
    }),
  )
}

test('any text is split into parts that together are no longer, whatever it is', () => {
  const part = fc.string({ unit: 'binary', maxLength: 200 })
  fc.assert(
    fc.property(part, part, (before, after) => {
      const text = `${before}~${after}`
      const { id, secret } = splitToken(text)
      assert.ok(id.length + secret.length <= text.length)
      if (isToken(text)) assert.is(renderToken({ id, secret }), text)
    }),
  )
})

test('a token of an app reads back, whatever the length of its name', () => {
  for (let length = 1; length <= 32; length++) {
    const app = 'a'.repeat(length)
    const token = mintToken(Date.UTC(2026), app)
    assert.match(token.id, new RegExp(`^${app}~[\\w-]{21}$`))
    assert.ok(isToken(renderToken(token)))
    assert.equal(splitToken(renderToken(token)), token)
  }
})

test('a secret that has matched lately matches again, and no other does', () => {
  const { matchesLive, matchesOther } = createSecretCheck()
  const others = [...Object.values(MALFORMED), '', '0'.repeat(SECRET.length), `${SECRET.slice(1)}e`]
  for (const round of [1, 2, 3]) {
    for (const matches of [matchesOther, matchesLive]) {
      for (const other of others) assert.is(matches(other, hashSecret(SECRET)), false, `${round}`)
      assert.is(matches(SECRET, hashSecret(SECRET)), true)
      assert.is(matches(SECRET, hashSecret('another')), false)
    }
  }
})

test('a secret does not match the hash of another one', () => {
  const secretHash = hashSecret(SECRET)
  assert.is(secretMatches(SECRET, secretHash), true)
  assert.is(secretMatches(`${SECRET.slice(0, -1)}f`, secretHash), false)
  assert.is(secretMatches(SECRET.toLowerCase(), secretHash), false)
  assert.is(secretMatches('', secretHash), false)
  assert.is(secretMatches(secretHash, secretHash), false)
})

test('a hash is SHA-256 in base64url, as any other program would take it', () => {
  assert.is(hashSecret(SECRET), createHash('sha256').update(SECRET).digest('base64url'))
  assert.is(hashSecret('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
})

test('a minted token is an id of 21 characters, a dot and a secret of 43, and reads back', () => {
  for (let n = 0; n < 200; n++) {
    const token = mintToken(n ** 5 * 20, undefined)
    assert.match(renderToken(token), /^[A-Za-z0-9_-]{21}\.[A-Za-z0-9_-]{43}$/)
    assert.equal(splitToken(renderToken(token)), token)
    assert.ok(isToken(renderToken(token)))
  }
})

test('ids sort as the times at which they were minted, from 1970 to 2059', () => {
  const times = [0, 1, 35, 36, 1e6, Date.UTC(2026), Date.UTC(2026) + 1, Date.UTC(2059)]
  const ids = times.map((time) => mintToken(time, undefined).id)
  assert.equal(ids.toSorted(), ids)
})

test('no minted id begins with a dash, which a command would take for a flag', () => {
  const ids = Array.from({ length: 2_000 }, (_, n) => mintToken(n ** 3, undefined).id)
  assert.equal(
    ids.filter((id) => id.startsWith('-')),
    [],
  )
})

test('a thousand tokens minted in one millisecond have a thousand ids and a thousand secrets', () => {
  const tokens = Array.from({ length: 1_000 }, () => mintToken(Date.UTC(2026), undefined))
  assert.is(new Set(tokens.map(({ id }) => id)).size, 1_000)
  assert.is(new Set(tokens.map(({ secret }) => secret)).size, 1_000)
  // The id gives nothing of the secret away.
  assert.not.ok(tokens.some(({ id, secret }) => secret.includes(id) || id.includes(secret)))
})

test.run()

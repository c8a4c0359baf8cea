import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  hashSecret,
  mintToken,
  parseToken,
  renderToken,
  secretMatches,
} from '../lib/session/token.ts'

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
  'with a second dot': `${ID}.${SECRET.slice(1)}.`,
  'with the dot elsewhere': `${ID.slice(1)}.${SECRET}a`,
  'with a space before it': ` ${ID}.${SECRET}`,
  'with a line end after it': `${ID}.${SECRET}\n`,
  'with a NUL after it': `${ID}.${SECRET}\0`,
  'in quotes': `"${ID}.${SECRET}"`,
  'with a percent sign': `${ID}.${SECRET.slice(3)}%41`,
  'with plus and slash, as base64': `${ID}.${SECRET.slice(2)}+/`,
  'with a letter that is not ASCII': `${ID.slice(1)}é.${SECRET}`,
  'with a digit that is not ASCII': `${ID}.${SECRET.slice(1)}٣`,
  'with the Kelvin sign, which is a k to some': `${ID.slice(1)}\u212a.${SECRET}`,
}

for (const [what, text] of Object.entries(MALFORMED)) {
  test(`a token ${what} is refused`, () => {
    assert.is(parseToken(text), undefined)
  })
}

test('a token is refused with any character that is not of its alphabet, wherever it is', () => {
  const token = renderToken({ id: ID, secret: SECRET })
  assert.equal(parseToken(token), { id: ID, secret: SECRET })
  const place = fc.nat(token.length - 1)
  const stranger = fc.string({ minLength: 1, maxLength: 1 }).filter((c) => !/[\w-]/.test(c))
  fc.assert(
    fc.property(place, stranger, (at, character) => {
      fc.pre(token[at] !== character)
      const text = token.slice(0, at) + character + token.slice(at + 1)
      assert.is(parseToken(text), undefined)
    }),
  )
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
    const token = mintToken()
    assert.match(renderToken(token), /^[A-Za-z0-9_-]{21}\.[A-Za-z0-9_-]{43}$/)
    assert.equal(parseToken(renderToken(token)), token)
  }
})

test('a thousand minted tokens have a thousand ids and a thousand secrets', () => {
  const tokens = Array.from({ length: 1_000 }, mintToken)
  assert.is(new Set(tokens.map(({ id }) => id)).size, 1_000)
  assert.is(new Set(tokens.map(({ secret }) => secret)).size, 1_000)
  // The id gives nothing of the secret away.
  assert.not.ok(tokens.some(({ id, secret }) => secret.includes(id) || id.includes(secret)))
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSecretSearch } from './secret-search.ts'

const test = suite('secret search')

const SECRET = 'Qm7rWc1_0aZ-yX9wV8uT7sR6qP5oN4mL3kJ2iH1gF0e'

for (const [encoding, encode] of Object.entries<(text: string) => Buffer>({
  raw: (text) => Buffer.from(text),
  base64: (text) => Buffer.from(Buffer.from(text).toString('base64')),
  'base64url ': (text) => Buffer.from(Buffer.from(text).toString('base64url')),
  hex: (text) => Buffer.from(Buffer.from(text).toString('hex')),
  'hex in capitals': (text) => Buffer.from(Buffer.from(text).toString('hex').toUpperCase()),
  'URL escapes': (text) => Buffer.from(Buffer.from(text).toString('hex').replaceAll(/../g, '%$&')),
  'UTF-16': (text) => Buffer.from(text, 'utf16le'),
})) {
  test(`a secret is found in ${encoding}, wherever it stands, and half of it, too`, () => {
    const search = createSecretSearch()
    search.add(SECRET)
    for (const before of ['', 'a', 'ab', 'abc', 'token=']) {
      for (const part of [SECRET, SECRET.slice(0, 22), SECRET.slice(-22)]) {
        assert.ok(search.findIn(encode(`${before}${part} and more`)).length > 0, before + part)
      }
    }
  })
}

test('another secret, or a few characters of this one, are no find', () => {
  const search = createSecretSearch()
  search.add(SECRET)
  for (const text of [
    '',
    'Qm7rWc1',
    SECRET.slice(0, 15),
    SECRET.toLowerCase(),
    'x'.repeat(9_999),
  ]) {
    assert.equal(search.findIn(Buffer.from(text)), [])
  }
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CookieAttributes, renderSetCookie } from '../../../lib/http/cookies/set-cookie.ts'
import { brokenRule } from '../../kit/texts/broken-rule.ts'

const test = suite('set-cookie refusals')

const NOW = Date.UTC(2026, 0, 1)

type Case = [name: string, value: string, attributes: CookieAttributes]

test('renderSetCookie refuses a name that is no token', () => {
  const names = [
    '',
    ' ',
    'a b',
    'a;b',
    'a=b',
    'a,b',
    '"a"',
    'a\r\n',
    'a\0',
    'é',
    'a/b',
    '(a)',
    'a:b',
  ]
  for (const name of names) refused('name-token', [name, 'ada', {}])
})

test('renderSetCookie refuses half a surrogate pair, which is no text', () => {
  for (const value of ['\ud800', 'a\udc00', '\udc00\ud800']) {
    refused('value-lone-surrogate', ['a', value, {}])
  }
})

test('renderSetCookie refuses a raw value that RFC 6265 does not have', () => {
  for (const value of ['\0', 'a\rb', 'a\nSet-Cookie: b=c', 'a\tb', '\t', '\x7f', '\x1f']) {
    assert.is(ruleOfRaw(value), 'value-control-character')
  }
  for (const value of [';', 'a; Secure', 'a;']) assert.is(ruleOfRaw(value), 'value-semicolon')
  for (const value of [
    ' ',
    ' a',
    'a ',
    'a b',
    'a,b',
    '\\',
    '"',
    '"a',
    'a"',
    'a"b"',
    '"a"b"',
    '"a b"',
  ]) {
    assert.is(ruleOfRaw(value), 'value-cookie-octet', value)
  }
  for (const value of ['é', '张三', '\u0080', '\ufeff', '\ud800']) {
    assert.is(ruleOfRaw(value), 'value-cookie-octet', value)
  }
})

test.run()

function refused(rule: string, [name, value, attributes]: Case): void {
  const given = JSON.stringify([name, value, attributes])
  assert.is(
    brokenRule(() => renderSetCookie(name, value, attributes, NOW)),
    rule,
    given,
  )
}

function ruleOfRaw(value: string): unknown {
  return brokenRule(() => renderSetCookie('a', value, {}, NOW, true))
}

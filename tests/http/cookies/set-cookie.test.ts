import fc from 'fast-check'
import { Cookie } from 'tough-cookie'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeCookieValue, findCookies } from '../../../lib/http/cookies/cookie-header.ts'
import {
  completeAttributes,
  type CookieAttributes,
  domainCovers,
  renderDeletedCookie,
  renderSetCookie,
} from '../../../lib/http/cookies/set-cookie.ts'
import { CodedError } from '../../../lib/base/errors.ts'
import { brokenRule } from '../../kit/texts/broken-rule.ts'

const test = suite('set-cookie')

const NOW = Date.UTC(2026, 0, 1)
const DAY_SECONDS = 86_400

type Case = [name: string, value: string, attributes: CookieAttributes]

test('renderSetCookie writes a raw value as it is', () => {
  for (const value of [
    '',
    'ada',
    '"ada"',
    '""',
    '50%',
    '%E5%BC%A0',
    'a=b==',
    '{[(<>)]}',
    "!#$&'*+-./:?@^_`|~",
  ]) {
    assert.is(renderSetCookie('a', value, {}, NOW, true), `a=${value}; Path=/`)
  }
})

test('renderSetCookie percent-encodes what RFC 6265 does not have, and the percent sign', () => {
  for (const [value, octets] of [
    ['', ''],
    ['ada', 'ada'],
    ['张三', '%E5%BC%A0%E4%B8%89'],
    ['a b', 'a%20b'],
    [' a ', '%20a%20'],
    ['a;b', 'a%3Bb'],
    ['a,b', 'a%2Cb'],
    ['"q"', '%22q%22'],
    ['\\', '%5C'],
    ['50%', '50%25'],
    ['%25', '%2525'],
    ['%E5', '%25E5'],
    ['\0\t\r\n\x7f', '%00%09%0D%0A%7F'],
    ['🍪', '%F0%9F%8D%AA'],
    ['\ufeff\u00a0\u0085', '%EF%BB%BF%C2%A0%C2%85'],
    ['a=b==', 'a=b=='],
    ['a+b/c', 'a+b/c'],
    ["!#$&'()*+-./:<=>?@[]^_`{|}~", "!#$&'()*+-./:<=>?@[]^_`{|}~"],
    ['1; Path=/x; Secure', '1%3B%20Path=/x%3B%20Secure'],
  ] as const) {
    assert.is(renderSetCookie('a', value, {}, NOW), `a=${octets}; Path=/`, value)
    accepted(['a', value, {}])
  }
})

test('renderSetCookie refuses name and value over 4096 bytes together', () => {
  refused('name-value-size', ['abc', 'x'.repeat(4094), {}])
  // As they go out: six bytes for each of these.
  refused('name-value-size', ['abc', 'é'.repeat(683), {}])
  refused('name-value-size', ['abc', ' '.repeat(1365), {}])

  accepted(['abc', 'x'.repeat(4093), {}])
  accepted(['abcd', 'é'.repeat(682), {}])
  accepted(['a', ' '.repeat(1365), {}])
})

test('renderSetCookie refuses control characters and semicolons in path and domain', () => {
  for (const text of ['/\r\nSet-Cookie: a=b', '/\0', '/\t', '/\x7f']) {
    refused('attribute-control-character', ['a', 'ada', { path: text }])
    refused('attribute-control-character', ['a', 'ada', { domain: text }])
  }
  refused('attribute-semicolon', ['a', 'ada', { path: '/; Domain=example.com' }])
  refused('attribute-semicolon', ['a', 'ada', { domain: 'example.com; Secure' }])
})

test('renderSetCookie refuses a path or domain over 1024 bytes', () => {
  refused('attribute-size', ['a', 'ada', { path: '/' + 'x'.repeat(1024) }])
  refused('attribute-size', ['a', 'ada', { path: '/' + 'é'.repeat(512) }])
  refused('attribute-size', ['a', 'ada', { domain: 'x'.repeat(1025) }])

  accepted(['a', 'ada', { path: '/' + 'x'.repeat(1023) }])
})

test('renderSetCookie refuses a path that no URL would match', () => {
  for (const path of ['', 'shop', 'a/b', ' /']) refused('path-slash', ['a', 'ada', { path }])
  for (const path of ['/é', '/shop ']) refused('path-characters', ['a', 'ada', { path }])

  for (const path of ['/', '/shop', '/%C3%A9', '/a b', '/a=b,c"']) accepted(['a', 'ada', { path }])
})

test('renderSetCookie refuses a domain that is no host name', () => {
  const domains = [
    '',
    '.',
    '..example.com',
    'example..com',
    'example.com.',
    'https://example.com',
    'example.com:80',
    'example.com/shop',
    'exam ple.com',
    'exämple.com',
    '-a.com',
    'a-.com',
    '[::1]',
    `${'a'.repeat(64)}.com`,
    Array.from({ length: 127 }, () => 'a').join('.') + '.a',
  ]
  for (const domain of domains) refused('domain-host-name', ['a', 'ada', { domain }])

  for (const domain of [
    'example.com',
    'localhost',
    'a_b.example',
    'xn--exmple-cua.com',
    '10.0.0.1',
  ]) {
    accepted(['a', 'ada', { domain }])
  }
  accepted(['a', 'ada', { domain: `${'a'.repeat(63)}.com` }])
})

test('renderSetCookie refuses Max-Age and Expires over 400 days ahead', () => {
  const limit = 400 * DAY_SECONDS
  refused('max-age-limit', ['a', 'ada', { maxAge: limit + 1 }])
  refused('expires-limit', ['a', 'ada', { expires: NOW + limit * 1000 + 1 }])
  refused('expires-limit', ['a', 'ada', { maxAge: 1, expires: NOW + limit * 1000 + 1 }])

  accepted(['a', 'ada', { maxAge: limit }])
  accepted(['a', 'ada', { expires: NOW + limit * 1000 }])
})

test('renderSetCookie refuses Max-Age and Expires that a browser cannot read', () => {
  for (const maxAge of [1.5, NaN, Infinity, -1e21]) {
    refused('max-age-integer', ['a', 'ada', { maxAge }])
  }
  refused('expires-year', ['a', 'ada', { expires: Date.UTC(1601) - 1 }])
  refused('expires-year', ['a', 'ada', { expires: NaN }])
  refused('expires-limit', ['a', 'ada', { expires: Infinity }])

  accepted(['a', 'ada', { expires: Date.UTC(1601) }])
  accepted(['a', 'ada', { maxAge: 0 }])
  accepted(['a', 'ada', { maxAge: -1 }])
})

test('renderSetCookie refuses SameSite=None and Partitioned without Secure', () => {
  refused('same-site-none-secure', ['a', 'ada', { sameSite: 'None' }])
  refused('same-site-none-secure', ['a', 'ada', { sameSite: 'None', secure: false }])
  refused('partitioned-secure', ['a', 'ada', { partitioned: true }])

  accepted(['a', 'ada', { sameSite: 'None', secure: true }])
  accepted(['a', 'ada', { partitioned: true, secure: true }])
  accepted(['a', 'ada', { sameSite: 'Lax' }])
  accepted(['a', 'ada', { partitioned: false }])
})

test('renderSetCookie refuses a __Secure- name without Secure, in any case of letters', () => {
  for (const name of ['__Secure-a', '__secure-a', '__SECURE-a', '__Secure-']) {
    refused('secure-prefix', [name, 'ada', {}])
    accepted([name, 'ada', { secure: true, path: '/shop', domain: 'example.com' }])
  }
})

test('renderSetCookie refuses a __Host- name without Secure, with a Domain or another Path', () => {
  for (const name of ['__Host-a', '__host-a', '__HOST-a', '__Host-']) {
    refused('host-prefix', [name, 'ada', {}])
    refused('host-prefix', [name, 'ada', { secure: true, path: '/shop' }])
    refused('host-prefix', [name, 'ada', { secure: true, domain: 'example.com' }])
    accepted([name, 'ada', { secure: true }])
    accepted([name, 'ada', { secure: true, path: '/' }])
  }
})

test('renderSetCookie refuses a __Http- name without Secure or HttpOnly', () => {
  for (const name of ['__Http-a', '__http-a', '__HTTP-a']) {
    refused('http-prefix', [name, 'ada', { secure: true }])
    refused('http-prefix', [name, 'ada', { httpOnly: true }])
    accepted([name, 'ada', { secure: true, httpOnly: true, path: '/a', domain: 'example.com' }])
  }
})

test('renderSetCookie holds a __Host-Http- name to both of its prefixes', () => {
  for (const name of ['__Host-Http-a', '__host-http-a', '__HOST-HTTP-a']) {
    const both = { secure: true, httpOnly: true }
    refused('host-http-prefix', [name, 'ada', { secure: true }])
    refused('host-http-prefix', [name, 'ada', { httpOnly: true }])
    refused('host-http-prefix', [name, 'ada', { ...both, path: '/shop' }])
    refused('host-http-prefix', [name, 'ada', { ...both, domain: 'example.com' }])
    accepted([name, 'ada', both])
  }
})

test('renderSetCookie takes names that only resemble a prefix', () => {
  for (const name of ['_Host-a', 'Host-a', '__Hosta', '__Secure', 'a__Secure-', '__Http_a']) {
    accepted([name, 'ada', { domain: 'example.com', path: '/shop' }])
  }
})

test('renderSetCookie never shows the value in a refusal', () => {
  for (const value of ['4711;', '4711\n', '4711 ', '4711\ud800']) {
    assert.throws(
      () => renderSetCookie('a', value, {}, NOW, true),
      (error: unknown) => error instanceof CodedError && !error.message.includes('4711'),
    )
  }
  const cases: Case[] = [
    ['a', '4711\ud800', {}],
    ['a', '4711'.repeat(2000), {}],
    ['a', '4711', { path: 'x' }],
  ]
  for (const [name, value, attributes] of cases) {
    try {
      renderSetCookie(name, value, attributes, NOW)
      assert.unreachable('it should have been refused')
    } catch (error) {
      assert.instance(error, CodedError)
      assert.not.match(String(error), '4711')
    }
  }
})

test('renderSetCookie sets the path to / where none is given, and nothing else', () => {
  assert.is(renderSetCookie('user', 'ada', {}, NOW), 'user=ada; Path=/')
})

test('renderSetCookie writes the attributes in one order, whatever order they came in', () => {
  const attributes: CookieAttributes = {
    priority: 'High',
    partitioned: true,
    sameSite: 'None',
    httpOnly: true,
    secure: true,
    domain: 'example.com',
    path: '/shop',
    expires: NOW,
    maxAge: 60,
  }
  assert.is(
    renderSetCookie('user', 'ada', attributes, NOW),
    'user=ada; Max-Age=60; Expires=Thu, 01 Jan 2026 00:00:00 GMT; Path=/shop; ' +
      'Domain=example.com; Secure; HttpOnly; SameSite=None; Partitioned; Priority=High',
  )
})

test('renderSetCookie writes no flag that is false', () => {
  const attributes = { secure: false, httpOnly: false, partitioned: false }
  assert.is(renderSetCookie('user', 'ada', attributes, NOW), 'user=ada; Path=/')
})

test('renderSetCookie drops a leading dot of the domain and writes it in lower case', () => {
  assert.match(renderSetCookie('a', '', { domain: '.Example.COM' }, NOW), /; Domain=example\.com$/)
})

test('renderSetCookie and findCookies carry every accepted value and attribute unchanged', () => {
  const letters = fc.constantFrom(..."abcXYZ019!#$%&'*+-.^_`|~")
  const names = fc.array(letters, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(''))
  const prefixes = fc.constantFrom('', '', '__Host-', '__Http-', '__Secure-', '__host-http-')
  const values = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom(...'a =";,\\%\tà\u00a0\u0085\ufeff\ud83d\ude00') }),
  )
  const attributes = fc.record<CookieAttributes>(
    {
      maxAge: fc.integer({ min: -10, max: 401 * DAY_SECONDS }),
      expires: fc.integer({ min: 0, max: NOW + 401 * DAY_SECONDS * 1000 }),
      path: fc.oneof(
        fc.constant('/'),
        fc.webPath().map((path) => `/${path}`),
        fc.string(),
      ),
      domain: fc.oneof({ weight: 3, arbitrary: fc.domain() }, fc.string()),
      secure: fc.boolean(),
      httpOnly: fc.boolean(),
      sameSite: fc.constantFrom('Strict', 'Lax', 'None'),
      partitioned: fc.boolean(),
      priority: fc.constantFrom('Low', 'Medium', 'High'),
    },
    { requiredKeys: [] },
  )
  let taken = 0
  fc.assert(
    fc.property(prefixes, names, values, attributes, (prefix, rest, value, given) => {
      const cookie: Case = [prefix + rest, value, given]
      if (!isAccepted(cookie)) return
      taken++
      accepted(cookie)
    }),
    { numRuns: 5_000 },
  )
  // About one in seven; far fewer would mean that the property is no longer tried.
  assert.ok(taken > 250, `only ${taken} cookies were accepted`)
})

test('renderDeletedCookie refuses attributes that no such cookie can have', () => {
  const cases: [string, CookieAttributes, string][] = [
    ['__Host-a', { path: '/shop' }, 'host-prefix'],
    ['__Host-a', { domain: 'example.com' }, 'host-prefix'],
    ['__Secure-a', { secure: false }, 'secure-prefix'],
    ['__Http-a', { httpOnly: false }, 'http-prefix'],
    ['a', { partitioned: true }, 'partitioned-secure'],
    ['a b', {}, 'name-token'],
    ['a', { path: '/;' }, 'attribute-semicolon'],
  ]
  for (const [name, attributes, rule] of cases) {
    assert.is(
      brokenRule(() => renderDeletedCookie(name, attributes, NOW)),
      rule,
    )
  }
})

test('renderDeletedCookie expires the cookie of the same path and domain', () => {
  const expired = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
  assert.is(renderDeletedCookie('a', {}, NOW), `a=; ${expired}; Path=/`)
  assert.is(
    renderDeletedCookie('a', { path: '/shop', domain: '.example.com', maxAge: 9 }, NOW),
    `a=; ${expired}; Path=/shop; Domain=example.com`,
  )
})

test('renderDeletedCookie adds what the prefix needs', () => {
  const needs: [string, string][] = [
    ['__Secure-a', '; Path=/; Secure'],
    ['__Host-a', '; Path=/; Secure'],
    ['__http-a', '; Path=/; Secure; HttpOnly'],
    ['__Host-Http-a', '; Path=/; Secure; HttpOnly'],
  ]
  for (const [name, end] of needs) {
    const header = renderDeletedCookie(name, {}, NOW)
    assert.ok(header.endsWith(` GMT${end}`), header)
  }
})

test('completeAttributes leaves alone what was given, and a name without a prefix', () => {
  assert.equal(completeAttributes('a', { path: '/' }), { path: '/' })
  assert.equal(completeAttributes('__Host-a', { secure: false }), { secure: false })
  assert.equal(completeAttributes('__Host-a', {}), { secure: true })
})

test('domainCovers is false for another host, an address and a single label above the host', () => {
  assert.not.ok(domainCovers('example.com', 'example.org'))
  assert.not.ok(domainCovers('www.example.com', 'example.com'))
  assert.not.ok(domainCovers('example.com', 'badexample.com'))
  assert.not.ok(domainCovers('com', 'example.com'))
  assert.not.ok(domainCovers('0.0.1', '127.0.0.1'))
  assert.not.ok(domainCovers('example.com', '127.0.0.1'))
  assert.not.ok(domainCovers('example.com', '[::1]'))
})

test('domainCovers is true for the host itself and a host below the domain', () => {
  assert.ok(domainCovers('example.com', 'example.com'))
  assert.ok(domainCovers('.Example.COM', 'www.example.com'))
  assert.ok(domainCovers('localhost', 'localhost'))
  assert.ok(domainCovers('127.0.0.1', '127.0.0.1'))
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

/** The cookie as a browser would read it is the cookie that was given, and comes back the same. */
function accepted([name, value, attributes]: Case): void {
  const header = renderSetCookie(name, value, attributes, NOW)
  assert.match(header, /^[\x20-\x7e]+$/)

  const [pair = ''] = header.split(';')
  assert.equal(findCookies(`other2=1; ${pair}; other3=2`, name).map(decodeCookieValue), [value])

  const cookie = Cookie.parse(header)
  if (cookie === undefined) throw new Error(`a browser would drop it: ${header}`)
  assert.is(cookie.key, name)
  assert.is(cookie.value, pair.slice(name.length + 1))
  // As Express, Hono and PHP read it.
  assert.is(decodeURIComponent(cookie.value), value)
  assert.is(cookie.maxAge, attributes.maxAge ?? null)
  assert.is(Number(cookie.expires), expectedExpires(attributes))
  assert.is(cookie.path, attributes.path ?? '/')
  assert.is(cookie.domain, attributes.domain?.replace(/^\./, '').toLowerCase() ?? null)
  assert.is(cookie.secure, attributes.secure ?? false)
  assert.is(cookie.httpOnly, attributes.httpOnly ?? false)
  assert.is(cookie.sameSite, attributes.sameSite?.toLowerCase())
  assert.equal(cookie.extensions ?? [], [
    ...(attributes.partitioned ? ['Partitioned'] : []),
    ...(attributes.priority === undefined ? [] : [`Priority=${attributes.priority}`]),
  ])
}

/** Whole seconds; tough-cookie has 'Infinity' for a cookie without an Expires. */
function expectedExpires({ expires }: CookieAttributes): number {
  return expires === undefined ? Infinity : Math.floor(expires / 1000) * 1000
}

function isAccepted([name, value, attributes]: Case): boolean {
  try {
    renderSetCookie(name, value, attributes, NOW)
    return true
  } catch {
    return false
  }
}

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CodedError } from '../../../lib/base/errors.ts'
import {
  parseCookieAttributes,
  parseCookieBody,
  parseCookieQuery,
} from '../../../lib/http/cookies/cookie-body.ts'

const test = suite('cookie body')

const NOW = Date.UTC(2026, 0, 1)

test('parseCookieBody refuses a body that is not an object, by its type', () => {
  const bodies: [unknown, string][] = [
    [undefined, 'nothing'],
    [null, 'null'],
    ['ada', 'string'],
    [7, 'number'],
    [true, 'boolean'],
    [[], 'array'],
  ]
  for (const [body, type] of bodies) {
    assert.is(
      refusal(() => parseCookieBody(body, NOW)),
      `Cannot read cookie: the body must be an object such as {"value":"ada"}, got ${type}`,
    )
  }
})

test('parseCookieBody refuses a body without a value', () => {
  assert.match(
    refusal(() => parseCookieBody({}, NOW)),
    '"value" is missing',
  )
})

test('parseCookieBody names the known members where one is unknown', () => {
  for (const member of ['maxage', 'max_age', '__proto__', 'toString']) {
    const body: unknown = JSON.parse(`{"value":"ada","${member}":1}`)
    assert.is(
      refusal(() => parseCookieBody(body, NOW)),
      `Cannot read cookie: "${member}" is unknown: the members are value, raw, maxAge, expires, ` +
        'priority, path, domain, sameSite, secure, httpOnly, partitioned',
    )
  }
})

test('parseCookieBody refuses each member of the wrong type and shows types, never values', () => {
  const date =
    'a date such as "Thu, 01 Jan 2026 00:00:00 GMT" or "2026-01-01T00:00:00Z", with its zone'
  const cases: [string, unknown, string, string][] = [
    ['value', 4711, 'a string', 'number'],
    ['value', null, 'a string', 'null'],
    ['value', ['4711'], 'a string', 'array'],
    ['raw', 'true', 'true or false', 'string'],
    ['raw', null, 'true or false', 'null'],
    ['maxAge', '4711', 'an integer of seconds', 'string'],
    ['maxAge', 4711.5, 'an integer of seconds', 'another number'],
    ['maxAge', 1e300, 'an integer of seconds', 'another number'],
    ['maxAge', null, 'an integer of seconds', 'null'],
    ['expires', 4711, date, 'number'],
    ['expires', '4711', date, 'another string'],
    ['path', 4711, 'a string', 'number'],
    ['domain', {}, 'a string', 'object'],
    ['secure', 'true', 'true or false', 'string'],
    ['httpOnly', 1, 'true or false', 'number'],
    ['partitioned', null, 'true or false', 'null'],
    ['sameSite', '4711', 'Strict, Lax, None', 'another string'],
    ['sameSite', null, 'Strict, Lax, None', 'null'],
    ['priority', 4711, 'Low, Medium, High', 'number'],
  ]
  for (const [member, given, expected, type] of cases) {
    assert.is(
      refusal(() => parseCookieBody({ value: 'ada', [member]: given }, NOW)),
      `Cannot read cookie: "${member}" must be ${expected}, got ${type}`,
    )
  }
})

test('parseCookieBody reads a value alone, and sets no attribute of its own', () => {
  assert.equal(parseCookieBody({ value: '' }, NOW), { value: '', raw: false, attributes: {} })
})

test('parseCookieBody reads every member', () => {
  const body = {
    value: 'ada',
    raw: true,
    maxAge: 604_800,
    expires: 'Fri, 02 Jan 2026 00:00:00 GMT',
    path: '/shop',
    domain: 'example.com',
    secure: true,
    httpOnly: false,
    sameSite: 'Lax',
    partitioned: true,
    priority: 'High',
  }
  assert.equal(parseCookieBody(body, NOW), {
    value: 'ada',
    raw: true,
    attributes: {
      maxAge: 604_800,
      expires: NOW + 86_400_000,
      path: '/shop',
      domain: 'example.com',
      secure: true,
      httpOnly: false,
      sameSite: 'Lax',
      partitioned: true,
      priority: 'High',
    },
  })
})

test('parseCookieBody takes a maxAge of zero and less, which expire the cookie', () => {
  assert.is(parseCookieBody({ value: '', maxAge: 0 }, NOW).attributes.maxAge, 0)
  assert.is(parseCookieBody({ value: '', maxAge: -1 }, NOW).attributes.maxAge, -1)
})

test('parseCookieBody takes sameSite and priority in any case', () => {
  const { attributes } = parseCookieBody({ value: '', sameSite: 'nOnE', priority: 'low' }, NOW)
  assert.equal(attributes, { sameSite: 'None', priority: 'Low' })
})

test('parseCookieBody reads two digits of a year by the time that it is', () => {
  const body = { value: '', expires: 'Wednesday, 01-Jan-76 00:00:00 GMT' }
  assert.is(parseCookieBody(body, NOW).attributes.expires, Date.UTC(2076, 0, 1))
  assert.is(parseCookieBody(body, 0).attributes.expires, Date.UTC(1976, 0, 1))
})

test('parseCookieAttributes refuses what a deletion sets itself', () => {
  for (const member of ['value', 'maxAge', 'expires', 'priority']) {
    assert.match(
      refusal(() => parseCookieAttributes({ [member]: '' })),
      `"${member}" is unknown: the members are path, domain, sameSite, secure, httpOnly, ` +
        'partitioned',
    )
  }
})

test('parseCookieAttributes refuses flags that are text', () => {
  assert.match(
    refusal(() => parseCookieAttributes({ secure: 'true' })),
    '"secure" must be true or false, got string',
  )
  assert.match(
    refusal(() => parseCookieAttributes('ada')),
    'got string',
  )
})

test('parseCookieAttributes reads what says which cookie is meant', () => {
  const body = { path: '/a', domain: 'example.com', secure: true, sameSite: 'strict' }
  assert.equal(parseCookieAttributes(body), { ...body, sameSite: 'Strict' })
})

test('parseCookieQuery refuses flags other than true and false, and unknown members', () => {
  for (const text of ['', '1', 'TRUE', 'yes']) {
    assert.match(
      refusal(() => parseCookieQuery({ secure: text })),
      '"secure" must be true or false, got string',
    )
  }
  assert.match(
    refusal(() => parseCookieQuery({ maxAge: '1' })),
    '"maxAge" is unknown',
  )
})

test('parseCookieQuery reads flags from text, and only flags', () => {
  assert.equal(
    parseCookieQuery({ path: 'true', secure: 'true', httpOnly: 'false', partitioned: 'true' }),
    { path: 'true', secure: true, httpOnly: false, partitioned: true },
  )
})

test.run()

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    assert.instance(error, CodedError)
    if (error instanceof CodedError) {
      assert.is(error.code, 'invalid_argument')
      assert.not.match(error.message, '4711')
      return error.message
    }
  }
  assert.unreachable('it should have been refused')
  return ''
}

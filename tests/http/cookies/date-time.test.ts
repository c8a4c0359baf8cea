import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDateTime } from '../../../lib/http/cookies/date-time.ts'

const test = suite('date-time')

const NOW = Date.UTC(2026, 0, 1)
const FIRST_EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37)

test('parseDateTime gives undefined for what is no date, and for a date without its zone', () => {
  const texts = [
    '',
    'tomorrow',
    '0',
    '1767225600',
    '2026',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00:00Z ',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00Z',
    '2026-01-01T00:00:00+0100',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+01:60',
    '+002026-01-01T00:00:00Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Abc, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Abc 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49 GMT',
    'Sun, 06-Nov-94 08:49:37 GMT',
    'Sunday, 06-Nov-1994 08:49:37 GMT',
    'Sun Nov 6 08:49:37 1994',
    'Sun Nov  6 08:49:37 1994 GMT',
  ]
  for (const text of texts) assert.is(parseDateTime(text, NOW), undefined, text)
})

test('parseDateTime gives undefined for a day or a time that does not exist', () => {
  const texts = [
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2025-02-29T00:00:00+01:00',
    'Mon, 30 Feb 2026 00:00:00 GMT',
    'Thu, 00 Jan 2026 00:00:00 GMT',
    'Thu, 01 Jan 2026 24:00:00 GMT',
    'Thu, 01 Jan 2026 00:00:60 GMT',
    'Thu, 01 Jan 2026 00000000 GMT',
  ]
  for (const text of texts) assert.is(parseDateTime(text, NOW), undefined, text)
})

test('parseDateTime reads the three forms of RFC 9110', () => {
  assert.is(parseDateTime('Sun, 06 Nov 1994 08:49:37 GMT', NOW), FIRST_EXAMPLE)
  assert.is(parseDateTime('Sunday, 06-Nov-94 08:49:37 GMT', NOW), FIRST_EXAMPLE)
  assert.is(parseDateTime('Sun Nov  6 08:49:37 1994', NOW), FIRST_EXAMPLE)
  assert.is(parseDateTime('Wed Nov 16 08:49:37 1994', NOW), FIRST_EXAMPLE + 10 * 86_400_000)
})

test('parseDateTime puts two digits of a year at most 50 years ahead', () => {
  assert.is(parseDateTime('Wednesday, 01-Jan-76 00:00:00 GMT', NOW), Date.UTC(2076, 0, 1))
  assert.is(parseDateTime('Saturday, 01-Jan-77 00:00:00 GMT', NOW), Date.UTC(1977, 0, 1))
})

test('parseDateTime reads ISO 8601 with its offset', () => {
  assert.is(parseDateTime('2026-01-01T00:00:00Z', NOW), NOW)
  assert.is(parseDateTime('2026-01-01T00:00Z', NOW), NOW)
  assert.is(parseDateTime('2026-01-01T00:00:00.250Z', NOW), NOW + 250)
  assert.is(parseDateTime('2026-01-01T01:30:00+01:30', NOW), NOW)
  assert.is(parseDateTime('2025-12-31T19:00:00-05:00', NOW), NOW)
})

test('parseDateTime reads back every date that JavaScript writes in these forms', () => {
  const dates = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
  fc.assert(
    fc.property(dates, (date) => {
      assert.is(parseDateTime(date.toISOString(), NOW), date.getTime())
      assert.is(parseDateTime(date.toUTCString(), NOW), Math.floor(date.getTime() / 1000) * 1000)
    }),
  )
})

test.run()

/** The end of a session, in the many ways in which dumps write it. */
import { CoatcheckError } from '../../base/errors.ts'
import { findMember, type JsonText, kindOf } from '../../json/json.ts'
import { invalidSession } from '../invalid-session.ts'

/** The time left from now on, or the moment of the end; in ms. */
export type DumpTime =
  { readonly kind: 'left'; readonly ms: number } | { readonly kind: 'until'; readonly ms: number }

/** Numbers from here on are moments: as durations they would be 31 years. */
const FIRST_MOMENT_S = 1e9
const FIRST_MOMENT_MS = 1e12
const LAST_MOMENT_MS = 253_402_300_799_999

const ZONELESS = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)$/
/** PostgreSQL omits the minutes of an offset if they are zero. */
const SHORT_ZONE = /^(\d{4}-\d{2}-\d{2})[ T]([\d:.]+)([+-]\d{2})$/

export function leftMs(time: DumpTime | undefined, now: number): number | undefined {
  if (time === undefined) return undefined
  return time.kind === 'left' ? time.ms : time.ms - now
}

/**
 * A TTL as Redis counts it: -1 for a key that does not expire, which is undefined here, -2 for a key
 * that is gone. A number too large for a TTL is a moment, in seconds or ms since 1970.
 */
export function parseTtl(text: JsonText, unitMs: 1 | 1000): DumpTime | undefined {
  if (kindOf(text) === 'null') return undefined
  const count = Number(text)
  if (kindOf(text) !== 'number' || !Number.isInteger(count)) throw wrongTtl()
  if (count === -1) return undefined
  if (count < FIRST_MOMENT_S || (unitMs === 1 && count < FIRST_MOMENT_MS)) {
    return { kind: 'left', ms: Math.max(0, count * unitMs) }
  }
  return { kind: 'until', ms: momentOf(count) ?? fail(wrongTtl()) }
}

/** A moment: ISO 8601 (UTC if it names no zone), seconds or ms since 1970, or `$date` of MongoDB. */
export function parseMoment(text: JsonText, name: string): DumpTime | undefined {
  const ms = findMoment(text)
  if (ms === undefined || !Number.isNaN(ms)) {
    return ms === undefined ? undefined : { kind: 'until', ms }
  }
  throw invalidSession(`its "${name}" must be a time, as ISO 8601 or in seconds or ms since 1970`)
}

/** The same in ms; undefined for `null`, NaN if invalid. */
export function findMoment(text: JsonText): number | undefined {
  switch (kindOf(text)) {
    case 'null':
      return undefined
    case 'number':
      return momentOf(Number(text)) ?? NaN
    case 'string':
      return parseIsoTime(String(JSON.parse(text)))
    case 'object': {
      const date = findMember(text, '$date') ?? findMember(text, '$numberLong')
      if (date === undefined) return NaN
      const long = kindOf(date) === 'string' ? String(JSON.parse(date)) : ''
      return /^-?\d+$/.test(long) ? Number(long) : findMoment(date)
    }
    default:
      return NaN
  }
}

/** ISO 8601 or an HTTP date, in ms; NaN for anything else. */
export function parseIsoTime(text: string): number {
  const iso = text.replace(SHORT_ZONE, '$1T$2$3:00').replace(ZONELESS, '$1T$2Z')
  return /^\d{4}-|\bGMT$/.test(iso) ? Date.parse(iso) : NaN
}

function momentOf(count: number): number | undefined {
  const ms = count >= FIRST_MOMENT_MS ? count : Math.round(count * 1000)
  return count >= FIRST_MOMENT_S && ms <= LAST_MOMENT_MS ? ms : undefined
}

function wrongTtl(): CoatcheckError {
  return invalidSession('its "ttl" must be an integer of seconds, as Redis tells it')
}

function fail(error: Error): never {
  throw error
}

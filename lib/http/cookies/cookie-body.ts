/** Parses a cookie and its attributes from a JSON body or a query. */
import { CoatcheckError } from '../../base/errors.ts'
import { parseDateTime } from './date-time.ts'
import type { CookieAttributes } from './set-cookie.ts'

const SAME_SITES = ['Strict', 'Lax', 'None'] as const
const PRIORITIES = ['Low', 'Medium', 'High'] as const
const FLAGS: readonly string[] = ['secure', 'httpOnly', 'partitioned']

/** The attributes that identify a cookie, or without which a browser would not remove it. */
const TARGET_MEMBERS: readonly string[] = ['path', 'domain', 'sameSite', ...FLAGS]
const MEMBERS: readonly string[] = [
  ...['value', 'raw', 'maxAge', 'expires', 'priority'],
  ...TARGET_MEMBERS,
]

/**
 * `{"value":"ada","maxAge":604800,…}`. Throws `invalid_argument` for a member that is missing,
 * unknown or of the wrong type; `renderSetCookie` checks whether a browser would accept the cookie.
 */
export function parseCookieBody(
  body: unknown,
  now: number,
): { value: string; raw: boolean; attributes: CookieAttributes } {
  const { value, raw = false, ...others } = requireObject(body, '{"value":"ada"}')
  if (value === undefined) {
    throw invalid('"value" is missing: give the cookie its string, as in {"value":"ada"}')
  }
  return {
    value: requireString('value', value),
    raw: requireBoolean('raw', raw),
    attributes: parseMembers(others, MEMBERS, now),
  }
}

/** The attributes of the cookie to delete, from a JSON body; the errors are `parseCookieBody`'s. */
export function parseCookieAttributes(body: unknown): CookieAttributes {
  return parseMembers(requireObject(body, '{"path":"/shop"}'), TARGET_MEMBERS, 0)
}

/** The same from a query string, where a flag is the text `true` or `false`. */
export function parseCookieQuery(query: Readonly<Record<string, string>>): CookieAttributes {
  const members = Object.entries(query).map(([member, text]): [string, unknown] => [
    member,
    FLAGS.includes(member) && (text === 'true' || text === 'false') ? text === 'true' : text,
  ])
  return parseMembers(Object.fromEntries(members), TARGET_MEMBERS, 0)
}

function parseMembers(
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  now: number,
): CookieAttributes {
  const attributes: CookieAttributes = {}
  for (const [member, value] of Object.entries(given)) {
    if (!known.includes(member)) {
      throw invalid(`"${member}" is unknown: the members are ${known.join(', ')}`)
    }
    switch (member) {
      case 'maxAge':
        attributes.maxAge = requireInteger(member, value)
        break
      case 'expires':
        attributes.expires = requireDateTime(member, value, now)
        break
      case 'path':
      case 'domain':
        attributes[member] = requireString(member, value)
        break
      case 'secure':
      case 'httpOnly':
      case 'partitioned':
        attributes[member] = requireBoolean(member, value)
        break
      case 'sameSite':
        // control: same-site-words
        attributes.sameSite = requireOneOf(member, value, SAME_SITES)
        break
      case 'priority':
        attributes.priority = requireOneOf(member, value, PRIORITIES)
        break
    }
  }
  return attributes
}

function requireObject(body: unknown, example: string): Readonly<Record<string, unknown>> {
  if (!isObject(body)) {
    throw invalid(`the body must be an object such as ${example}, got ${typeName(body)}`)
  }
  return body
}

function isObject(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null && !Array.isArray(given)
}

function requireString(member: string, given: unknown): string {
  if (typeof given !== 'string') throw wrongType(member, 'a string', typeName(given))
  return given
}

function requireBoolean(member: string, given: unknown): boolean {
  if (typeof given !== 'boolean') throw wrongType(member, 'true or false', typeName(given))
  return given
}

function requireInteger(member: string, given: unknown): number {
  if (!Number.isSafeInteger(given) || typeof given !== 'number') {
    const type = typeof given === 'number' ? 'another number' : typeName(given)
    throw wrongType(member, 'an integer of seconds', type)
  }
  return given
}

function requireDateTime(member: string, given: unknown, now: number): number {
  const ms = typeof given === 'string' ? parseDateTime(given, now) : undefined
  if (ms === undefined) {
    const expected =
      'a date such as "Thu, 01 Jan 2026 00:00:00 GMT" or "2026-01-01T00:00:00Z", with its zone'
    throw wrongType(
      member,
      expected,
      typeof given === 'string' ? 'another string' : typeName(given),
    )
  }
  return ms
}

function requireOneOf<T extends string>(member: string, given: unknown, names: readonly T[]): T {
  const lower = typeof given === 'string' ? given.toLowerCase() : undefined
  const name = names.find((one) => one.toLowerCase() === lower)
  if (name === undefined) {
    const type = typeof given === 'string' ? 'another string' : typeName(given)
    throw wrongType(member, names.join(', '), type)
  }
  return name
}

function wrongType(member: string, expected: string, type: string): CoatcheckError {
  return invalid(`"${member}" must be ${expected}, got ${type}`)
}

function typeName(given: unknown): string {
  if (given === undefined) return 'nothing'
  if (given === null) return 'null'
  return Array.isArray(given) ? 'array' : typeof given
}

function invalid(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read cookie: ${reason}`)
}

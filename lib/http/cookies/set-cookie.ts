/**
 * Writes `Set-Cookie`. A cookie that a browser would drop, shorten or change is refused with the
 * name of the rule: RFC 6265bis (draft), the draft on layered cookies for the prefixes, CHIPS for
 * `Partitioned`, and Chrome's limits.
 */
import { isIP } from 'node:net'
import { HttpError } from '../answer/problem.ts'

export type CookieAttributes = {
  /** Seconds; 0 and less remove the cookie. Overrides `expires`. */
  maxAge?: number
  /** Milliseconds since the epoch. */
  expires?: number
  /** `/` where none is given. */
  path?: string
  domain?: string
  secure?: boolean
  httpOnly?: boolean
  sameSite?: 'Strict' | 'Lax' | 'None'
  partitioned?: boolean
  priority?: 'Low' | 'Medium' | 'High'
}

const PAIR_LIMIT_BYTES = 4_096
const ATTRIBUTE_LIMIT_BYTES = 1_024
const AGE_LIMIT_DAYS = 400
const AGE_LIMIT_SECONDS = AGE_LIMIT_DAYS * 24 * 60 * 60
/** The first year that browsers parse; an earlier `Expires` is ignored. */
const FIRST_EXPIRES = Date.UTC(1601)

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const CONTROL_CHARACTER = /[\x00-\x1f\x7f]/
/** All but the cookie-octets of RFC 6265 section 4.1.1, and the percent sign. */
// control: cookie-octets
const NO_OCTETS = /[^!#$&-+\--:<-[\]-~]+/g
const OCTETS = /^(?:[!#-+\--:<-[\]-~]*|"[!#-+\--:<-[\]-~]*")$/
const NOT_ASCII = /[^\x00-\x7f]/
const HOST_LABEL = /^[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?$/
const HOST_LIMIT = 253

/**
 * The header's value, in ASCII. Characters that RFC 6265 forbids are percent-encoded, as by
 * Express, Hono and PHP; with `raw` such a value is refused. Throws `invalid_cookie` with the
 * `rule` that the cookie breaks.
 */
export function renderSetCookie(
  name: string,
  value: string,
  attributes: CookieAttributes,
  now: number,
  raw = false,
): string {
  // control: cookie-name-is-token
  if (!TOKEN.test(name)) {
    throw new HttpError(
      'invalid_cookie',
      "Cannot set cookie: its name must be one or more of A-Z a-z 0-9 and !#$%&'*+-.^_`|~, " +
        'other characters or none were given',
      { rule: 'name-token' },
    )
  }
  const octets = raw ? requireOctets(name, value) : encodeValue(name, value)
  checkSize(name, octets)
  const path = attributes.path ?? '/'
  const domain = attributes.domain === undefined ? undefined : canonicalDomain(attributes.domain)
  checkPath(name, path)
  if (domain !== undefined) checkDomain(name, domain)
  checkAge(name, attributes, now)
  checkSecure(name, attributes)
  checkPrefix(name, attributes)

  let header = `${name}=${octets}`
  if (attributes.maxAge !== undefined) header += `; Max-Age=${attributes.maxAge}`
  if (attributes.expires !== undefined) {
    header += `; Expires=${new Date(attributes.expires).toUTCString()}`
  }
  header += `; Path=${path}`
  if (domain !== undefined) header += `; Domain=${domain}`
  if (attributes.secure) header += '; Secure'
  if (attributes.httpOnly) header += '; HttpOnly'
  if (attributes.sameSite !== undefined) header += `; SameSite=${attributes.sameSite}`
  if (attributes.partitioned) header += '; Partitioned'
  if (attributes.priority !== undefined) header += `; Priority=${attributes.priority}`
  return header
}

/**
 * The header's value that removes the cookie of this name, path and domain. Browsers apply the
 * rules of any cookie to it, so it gets the attributes that its name needs.
 */
export function renderDeletedCookie(
  name: string,
  attributes: CookieAttributes,
  now: number,
): string {
  return renderSetCookie(
    name,
    '',
    { ...completeAttributes(name, attributes), maxAge: 0, expires: 0 },
    now,
  )
}

/** The attributes, and those that the name's prefix needs. */
export function completeAttributes(name: string, attributes: CookieAttributes): CookieAttributes {
  const needs = findPrefix(name)
  return {
    ...(needs === undefined ? {} : { secure: true }),
    ...(needs?.httpOnly ? { httpOnly: true } : {}),
    ...attributes,
  }
}

/**
 * Whether a browser accepts a cookie of this `Domain` from this host: the same host or one below
 * it; none below an address or a single label such as `com`.
 */
export function domainCovers(domain: string, host: string): boolean {
  const wanted = canonicalDomain(domain)
  if (wanted === host) return true
  return isIP(host) === 0 && wanted.includes('.') && host.endsWith(`.${wanted}`)
}

type Prefix = {
  readonly text: string
  readonly rule: string
  readonly httpOnly: boolean
  readonly hostOnly: boolean
}

/** The longest first: `__Host-Http-` begins with `__Host-`. */
const PREFIXES: readonly Prefix[] = [
  { text: '__Host-Http-', rule: 'host-http-prefix', httpOnly: true, hostOnly: true },
  { text: '__Host-', rule: 'host-prefix', httpOnly: false, hostOnly: true },
  { text: '__Http-', rule: 'http-prefix', httpOnly: true, hostOnly: false },
  { text: '__Secure-', rule: 'secure-prefix', httpOnly: false, hostOnly: false },
]

/** Browsers compare the prefix without regard to case, and only the prefix. */
function findPrefix(name: string): Prefix | undefined {
  if (!name.startsWith('__')) return undefined
  const lowerName = name.toLowerCase()
  return PREFIXES.find(({ text }) => lowerName.startsWith(text.toLowerCase()))
}

/** Encodes `%`, too, so that decoding returns the value. */
function encodeValue(name: string, value: string): string {
  if (!value.isWellFormed()) {
    throw broken(
      name,
      'value-lone-surrogate',
      'its value must be Unicode text, half a surrogate pair was given: send the whole character',
    )
  }
  return value.replace(NO_OCTETS, encodeURIComponent)
}

/** The value, if it is one by RFC 6265 section 4.1.1: cookie-octets, or these in quotes. */
function requireOctets(name: string, value: string): string {
  const wayOut = 'encode it, or leave "raw" out, which does'
  if (CONTROL_CHARACTER.test(value)) {
    throw broken(
      name,
      'value-control-character',
      `its value must have no control characters, one was given: ${wayOut}`,
    )
  }
  if (value.includes(';')) {
    throw broken(
      name,
      'value-semicolon',
      `its value must have no semicolon, which would end it: ${wayOut}`,
    )
  }
  if (!OCTETS.test(value)) {
    throw broken(
      name,
      'value-cookie-octet',
      'its value must be ASCII without space, comma, backslash and quotes, but for a pair of quotes ' +
        `around it (RFC 6265 section 4.1.1): ${wayOut}`,
    )
  }
  return value
}

function checkSize(name: string, octets: string): void {
  const size = name.length + octets.length
  if (size > PAIR_LIMIT_BYTES) {
    throw broken(
      name,
      'name-value-size',
      `name and value must be at most ${PAIR_LIMIT_BYTES} bytes together as they go out, got ${size}: ` +
        'keep the value in the session, PUT /session/<key>',
    )
  }
}

function checkPath(name: string, path: string): void {
  checkAttribute(name, 'path', path)
  if (!path.startsWith('/')) {
    throw broken(
      name,
      'path-slash',
      'path must begin with "/", or a browser takes another one in its place: ' +
        'write it from the root, or leave it out for "/"',
    )
  }
  if (NOT_ASCII.test(path) || path.endsWith(' ')) {
    throw broken(
      name,
      'path-characters',
      'path must be ASCII with no space at its end, or no URL matches it: ' +
        'percent-encode it as the URL does',
    )
  }
}

function checkDomain(name: string, domain: string): void {
  checkAttribute(name, 'domain', domain)
  if (domain.length > HOST_LIMIT || !domain.split('.').every((part) => HOST_LABEL.test(part))) {
    throw broken(
      name,
      'domain-host-name',
      'domain must be a host name such as "example.com" without scheme, port or path: ' +
        'write other alphabets as xn--, or leave it out for this host alone',
    )
  }
}

function checkAttribute(name: string, attribute: string, text: string): void {
  const size = Buffer.byteLength(text)
  if (size > ATTRIBUTE_LIMIT_BYTES) {
    throw broken(
      name,
      'attribute-size',
      `${attribute} must be at most ${ATTRIBUTE_LIMIT_BYTES} bytes, got ${size}: ` +
        'a browser ignores a longer one',
    )
  }
  if (CONTROL_CHARACTER.test(text)) {
    throw broken(
      name,
      'attribute-control-character',
      `${attribute} must have no control characters, one was given: percent-encode it`,
    )
  }
  // control: no-attribute-in-attribute
  if (text.includes(';')) {
    throw broken(
      name,
      'attribute-semicolon',
      `${attribute} must have no semicolon, which would end it: percent-encode it as %3B`,
    )
  }
}

function checkAge(name: string, { maxAge, expires }: CookieAttributes, now: number): void {
  if (maxAge !== undefined && !Number.isSafeInteger(maxAge)) {
    throw broken(
      name,
      'max-age-integer',
      'maxAge must be an integer of seconds, or a browser ignores it: round it',
    )
  }
  if (maxAge !== undefined && maxAge > AGE_LIMIT_SECONDS) {
    throw broken(
      name,
      'max-age-limit',
      `maxAge must be at most ${AGE_LIMIT_SECONDS} seconds, ${AGE_LIMIT_DAYS} days, ` +
        `got ${maxAge}: a browser shortens it; set the cookie anew while it is in use`,
    )
  }
  // Written so that NaN is refused too.
  if (expires !== undefined && !(expires >= FIRST_EXPIRES)) {
    throw broken(
      name,
      'expires-year',
      'expires must be in 1601 or later, or a browser ignores it: ' +
        'use maxAge 0 to expire the cookie',
    )
  }
  if (expires !== undefined && expires > now + AGE_LIMIT_SECONDS * 1000) {
    throw broken(
      name,
      'expires-limit',
      `expires must be at most ${AGE_LIMIT_DAYS} days ahead: ` +
        'a browser shortens it; set the cookie anew while it is in use',
    )
  }
}

function checkSecure(name: string, attributes: CookieAttributes): void {
  if (attributes.secure) return
  if (attributes.sameSite === 'None') {
    throw broken(
      name,
      'same-site-none-secure',
      'sameSite "None" needs secure: add "secure":true, or use "Lax"',
    )
  }
  if (attributes.partitioned) {
    throw broken(name, 'partitioned-secure', 'partitioned needs secure: add "secure":true')
  }
}

function checkPrefix(name: string, attributes: CookieAttributes): void {
  const prefix = findPrefix(name)
  if (prefix === undefined) return
  const { text, rule, httpOnly, hostOnly } = prefix
  if (!attributes.secure) {
    throw broken(name, rule, `a name with ${text} needs secure: add "secure":true`)
  }
  if (httpOnly && !attributes.httpOnly) {
    throw broken(name, rule, `a name with ${text} needs httpOnly: add "httpOnly":true`)
  }
  if (hostOnly && (attributes.path ?? '/') !== '/') {
    throw broken(name, rule, `a name with ${text} needs path "/": leave path out`)
  }
  if (hostOnly && attributes.domain !== undefined) {
    throw broken(name, rule, `a name with ${text} must have no domain: leave domain out`)
  }
}

/** Lower case without a leading dot, as a browser keeps it. */
function canonicalDomain(domain: string): string {
  return domain.replace(/^\./, '').toLowerCase()
}

function broken(name: string, rule: string, reason: string): HttpError {
  return new HttpError('invalid_cookie', `Cannot set cookie "${name}": ${reason}`, { rule })
}

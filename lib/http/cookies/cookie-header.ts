/**
 * Reads a request's `Cookie` header. Node's headers are latin1, one character a byte. The session
 * cookie's name is compared byte by byte: nothing is decoded or unquoted, and only SP and HTAB are
 * trimmed.
 */
import { isUtf8 } from 'node:buffer'

const HTAB = 9
const SP = 32
const SEMICOLON = 59
const EQUALS = 61

/**
 * The raw values of all cookies of exactly this name, in the order of the header. A pair without
 * `=`, or with an empty name, is never found.
 */
export function findCookies(header: string | undefined, name: string): string[] {
  const values: string[] = []
  if (header === undefined || name === '') return values
  // Runs on every request: looks only at the places where the name occurs.
  let at = header.indexOf(name)
  while (at !== -1) {
    const afterName = skipBlanks(header, at + name.length)
    if (header.charCodeAt(afterName) !== EQUALS || !startsPair(header, at)) {
      at = header.indexOf(name, at + name.length)
      continue
    }
    if (!canBeName(name)) return values
    const semicolon = header.indexOf(';', afterName)
    const end = semicolon === -1 ? header.length : semicolon
    values.push(trimBlanks(header, afterName + 1, end))
    at = header.indexOf(name, end)
  }
  return values
}

/**
 * All cookies by name. Names are decoded as UTF-8; values as they were set, or with `raw` as UTF-8
 * only. Of two cookies of one name the first counts: browsers send the longer path first (RFC 6265
 * section 5.4).
 */
export function parseCookies(header: string | undefined, raw = false): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = decodeUtf8(trimBlanks(pair, 0, equals))
    if (name === '' || cookies.has(name)) continue
    const value = trimBlanks(pair, equals + 1, pair.length)
    cookies.set(name, raw ? decodeUtf8(value) : decodeCookieValue(value))
  }
  return cookies
}

/**
 * The value as it was set: percent-decoded, as Express, Hono and PHP do. Unchanged where a percent
 * sign does not begin an escape of UTF-8, since another program has set it then.
 */
export function decodeCookieValue(raw: string): string {
  const text = decodeUtf8(raw)
  if (!text.includes('%') || STRAY_PERCENT.test(text)) return text
  // Not `decodeURIComponent`: its exceptions take as long as a hundred values.
  let isDecoded = true
  const decoded = text.replaceAll(ESCAPES, (escapes) => {
    const bytes = Buffer.from(escapes.replaceAll('%', ''), 'hex')
    isDecoded &&= isUtf8(bytes)
    return bytes.toString('utf8')
  })
  return isDecoded ? decoded : text
}

const STRAY_PERCENT = /%(?![\da-f]{2})/i
const ESCAPES = /(?:%[\da-f]{2})+/gi

const NOT_ASCII = /[^\x00-\x7f]/

/** The header's bytes as UTF-8; unchanged where they are not UTF-8. */
function decodeUtf8(raw: string): string {
  if (!NOT_ASCII.test(raw)) return raw
  const bytes = Buffer.from(raw, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : raw
}

function startsPair(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isBlank(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === SEMICOLON
}

/** Whether a header can have this name: no `=` or `;` in it, no SP or HTAB around it. */
function canBeName(name: string): boolean {
  if (isBlank(name.charCodeAt(0)) || isBlank(name.charCodeAt(name.length - 1))) return false
  return !name.includes('=') && !name.includes(';')
}

function skipBlanks(text: string, at: number): number {
  while (isBlank(text.charCodeAt(at))) at++
  return at
}

function trimBlanks(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  // control: cookie-whitespace
  return code === SP || code === HTAB
}

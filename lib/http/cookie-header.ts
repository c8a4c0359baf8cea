/**
 * Reading a request's `Cookie` header. Node hands headers over as latin1, one character a byte, and
 * names are compared as those bytes: nothing is decoded, unquoted or trimmed but SP and HTAB.
 */
import { isUtf8 } from 'node:buffer'

const HTAB = 9
const SP = 32
const SEMICOLON = 59
const EQUALS = 61

/**
 * The raw value of every cookie of exactly this name, in the order of the header. A pair without
 * `=`, or with nothing before it, is nameless and never found.
 */
export function findCookies(header: string | undefined, name: string): string[] {
  const values: string[] = []
  if (header === undefined || name === '') return values
  // Runs on every request: jump from one place where the name stands to the next, and look at the
  // rest of the header no closer than that.
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
 * All cookies of the request by name, decoded. Of two with one name the first wins: browsers send
 * the one with the longer path first, RFC 6265 section 5.4. Nameless ones are left out.
 */
export function parseCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = decodeCookieValue(trimBlanks(pair, 0, equals))
    if (name === '' || cookies.has(name)) continue
    cookies.set(name, decodeCookieValue(trimBlanks(pair, equals + 1, pair.length)))
  }
  return cookies
}

/** The header's bytes read as UTF-8; where they are not UTF-8, the latin1 text as it came. */
export function decodeCookieValue(raw: string): string {
  const bytes = Buffer.from(raw, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : raw
}

function startsPair(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isBlank(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === SEMICOLON
}

/** What a header can hold as a name: no `=` or `;` in it, no SP or HTAB around it. */
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
  return code === SP || code === HTAB
}

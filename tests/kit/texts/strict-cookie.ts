/** Holds every `Set-Cookie` that a test sees to what browsers do with it. */
import { subscribe } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import type { CookieJar } from 'tough-cookie'
import { findCookies } from '../../../lib/http/cookies/cookie-header.ts'

const PAIR_LIMIT_BYTES = 4_096
const AGE_LIMIT_SECONDS = 400 * 86_400

/**
 * Throws unless a browser takes the cookie as it stands and sends it back the same: a jar of
 * tough-cookie in its strict mode, and the rules of RFC 6265bis that tough-cookie leaves out. The
 * header is a character a byte.
 */
export function checkSetCookie(header: string): void {
  const [pair = '', ...rest] = header.split(/; ?/)
  const [name = ''] = pair.split('=', 1)
  const value = pair.slice(name.length + 1)
  const attributes = new Map(
    rest.map((attribute) => {
      const [key = '', text = ''] = attribute.split('=', 2)
      return [key.toLowerCase(), text] as const
    }),
  )
  const dropped = ruleBroken(name, value, attributes)
  if (dropped !== undefined || !/^[\x20-\x7e\x80-\xff]+$/.test(header)) {
    throw notTaken(header, dropped ?? 'it has a control character')
  }

  const host = attributes.get('domain') ?? 'localhost'
  const url = `https://${host}${encodeURI(attributes.get('path') ?? '/').replaceAll('%25', '%')}`
  const jar = openJar()
  const options = { http: true, sameSiteContext: 'strict' } as const
  try {
    const kept = jar.setCookieSync(header, url, options)
    if (kept === undefined) throw new Error('it is left out')
    // Whether it has expired is told by a clock that the test may have moved.
    const [back] = jar.getCookiesSync(url, { ...options, expire: false, allPaths: true })
    const sent = back?.cookieString()
    // tough-cookie trims the byte A0 like a space of latin1; browsers trim SP and HTAB only.
    const isSame = sent === pair || sent === `${name}=${value.trim()}`
    if (!isSame) throw new Error(`it comes back as ${String(sent)}`)
  } catch (error) {
    throw notTaken(header, error instanceof Error ? error.message : String(error))
  }
  const [read] = findCookies(`${pair}; a=1`, name)
  if (read !== value) throw notTaken(header, `it is read back as ${String(read)}`)
}

/**
 * From now on every answer of this process, and every one that it gets over HTTP, is looked at; one
 * with a bad cookie is an uncaught exception.
 */
export function checkEverySetCookie(): void {
  subscribe('undici:request:headers', (message) => {
    const { response } = message as { response: { headers: readonly Buffer[] } }
    for (let index = 0; index < response.headers.length; index += 2) {
      if (String(response.headers[index]).toLowerCase() !== 'set-cookie') continue
      checkSetCookie(response.headers[index + 1]?.toString('latin1') ?? '')
    }
  })
  subscribe('http.client.response.finish', (message) => {
    const { response } = message as { response: { headers: Record<string, string[]> } }
    for (const cookie of response.headers['set-cookie'] ?? []) checkSetCookie(cookie)
  })
  // What was sent, in the bytes of its head: a test that reads sockets by itself sees no headers.
  subscribe('http.server.response.finish', (message) => {
    const { response } = message as { response: { _header: string | null } }
    for (const [, cookie = ''] of (response._header ?? '').matchAll(/^set-cookie: (.*)\r$/gim)) {
      checkSetCookie(cookie)
    }
  })
}

/** tough-cookie brings a list of all public suffixes, which most test files need not load. */
function openJar(): CookieJar {
  const { CookieJar } = require('tough-cookie') as typeof import('tough-cookie')
  return new CookieJar(undefined, {
    looseMode: false,
    prefixSecurity: 'strict',
    rejectPublicSuffixes: false,
  })
}

const require = createRequire(import.meta.url)

function ruleBroken(
  name: string,
  value: string,
  attributes: ReadonlyMap<string, string>,
): string | undefined {
  const has = (attribute: string) => attributes.has(attribute)
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'its name is no token'
  if (name.length + value.length > PAIR_LIMIT_BYTES) return 'name and value are too long'
  if (value !== value.replace(/^[ \t]+|[ \t]+$/g, '')) return 'its value would be trimmed'
  if (Number(attributes.get('max-age') ?? 0) > AGE_LIMIT_SECONDS) return 'it lives too long'
  if (!/^-?\d+$/.test(attributes.get('max-age') ?? '0')) return 'its Max-Age is no integer'
  if (Number.isNaN(Date.parse(attributes.get('expires') ?? '1970-01-01')))
    return 'Expires is no date'
  if (!['', 'Strict', 'Lax', 'None'].includes(attributes.get('samesite') ?? '')) {
    return 'its SameSite is none'
  }
  const lowerName = name.toLowerCase()
  const isHost = lowerName.startsWith('__host-')
  const isHttp = /^__(?:host-)?http-/.test(lowerName)
  const needsSecure =
    isHost ||
    isHttp ||
    lowerName.startsWith('__secure-') ||
    attributes.get('samesite') === 'None' ||
    has('partitioned')
  if (needsSecure && !has('secure')) return 'it is not Secure'
  if (isHttp && !has('httponly')) return 'it is not HttpOnly'
  if (isHost && (has('domain') || attributes.get('path') !== '/')) {
    return 'it is not for one host and all its paths'
  }
  return undefined
}

function notTaken(header: string, reason: string): Error {
  // No token in a log, of tests either.
  const shown = header.replace(/=[\w-]{21}\.[\w-]{43}/, '=TOKEN')
  return new Error(`A browser would not take this cookie as it is, ${reason}: ${shown}`)
}

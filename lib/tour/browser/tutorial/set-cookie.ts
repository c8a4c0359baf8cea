/**
 * `Set-Cookie` as the server wrote it. Browsers hide this header from scripts, so the page says again
 * what the server made of the request: by the same rules, which a test compares.
 */

/** What `PUT /cookies/NAME` takes. */
export type CookieBody = {
  readonly value: string
  /** Seconds. */
  readonly maxAge?: number
  /** A date of ISO 8601. */
  readonly expires?: string
  readonly httpOnly?: boolean
  readonly sameSite?: string
}

/** All but the cookie-octets of RFC 6265 section 4.1.1, and the percent sign. */
const NO_OCTETS = /[^!#$&-+\--:<-[\]-~]+/g

export function renderSetCookie(name: string, body: CookieBody): string {
  const { value, maxAge, expires, httpOnly = false, sameSite } = body
  return [
    `${name}=${value.toWellFormed().replace(NO_OCTETS, encodeURIComponent)}`,
    ...(maxAge === undefined ? [] : [`Max-Age=${maxAge}`]),
    ...(expires === undefined ? [] : [`Expires=${new Date(expires).toUTCString()}`]),
    'Path=/',
    ...(httpOnly ? ['HttpOnly'] : []),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite}`]),
  ].join('; ')
}

export function renderDeletion(name: string): string {
  return `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/`
}

/** The attributes of a `Set-Cookie`, in their order. */
export function attributesOf(setCookie: string): string[] {
  return setCookie.split('; ').slice(1)
}

/** When a browser drops the cookie, in milliseconds since 1970; undefined: when it closes. */
export function endOf(setCookie: string, now: number): number | undefined {
  const attributes = new Map(
    attributesOf(setCookie).map((one) => {
      const equals = one.indexOf('=')
      return [one.slice(0, equals), one.slice(equals + 1)]
    }),
  )
  const maxAge = attributes.get('Max-Age')
  if (maxAge !== undefined) return now + Number(maxAge) * 1000
  const expires = attributes.get('Expires')
  return expires === undefined ? undefined : Date.parse(expires)
}

/** The cookies that a script may read, in their order; values as they stand. */
export function parseCookies(text: string): Map<string, string> {
  const pairs = text.split('; ').filter((pair) => pair !== '')
  return new Map(
    pairs.map((pair) => {
      const equals = pair.indexOf('=')
      return [pair.slice(0, Math.max(equals, 0)), pair.slice(equals + 1)]
    }),
  )
}

/** The value as it was put; as it stands where it is no percent-encoded text. */
export function decodeValue(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

import type { MiddlewareHandler } from 'hono'
import { HttpError } from '../answer/problem.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import type { Forwarded } from '../request/forwarded.ts'
import { readHeader } from '../request/request.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

/** Longest part of a header to quote in a message; browsers send shorter ones. */
const QUOTE_LIMIT_CHARACTERS = 200

/**
 * Throws `cross_origin` for an unsafe method from a page of another origin. Browsers send
 * `Sec-Fetch-Site`, older ones and those on plain http `Origin`; no script can forge either, and
 * programs send neither.
 */
export function refuseCrossOrigin(c: AppContext, forwarded: Forwarded): void {
  // control: same-origin
  if (isSafe(c) || !isCrossOrigin(c, forwarded)) return
  const seen = [...new Set(originsOf(c, forwarded))].join(' or ')
  throw new HttpError(
    'cross_origin',
    `Cannot take this request: a page of another origin sent it, ${describePage(c)}; ` +
      `Coatcheck was asked as ${seen}; serve the page and Coatcheck from one origin, or call from ` +
      'your back end; a proxy passes the Host on, or tells host and scheme in X-Forwarded-Host and ' +
      'X-Forwarded-Proto (--trust-proxy)',
  )
}

/** Whether the method changes nothing (RFC 9110 section 9.2.1). */
export function isSafe(c: AppContext): boolean {
  return SAFE_METHODS.includes(c.req.method)
}

/** `refuseCrossOrigin` as a middleware. */
export function requireSameOrigin(forwarded: Forwarded): MiddlewareHandler<AppEnv> {
  return function requireSameOrigin(c, next) {
    refuseCrossOrigin(c, forwarded)
    return next()
  }
}

// control: cross-origin-any-type
function isCrossOrigin(c: AppContext, forwarded: Forwarded): boolean {
  const site = readHeader(c, 'sec-fetch-site')
  // control: fetch-site
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const origin = readHeader(c, 'origin')
  // control: origin-absent
  if (origin === undefined) return false
  // control: origin
  return !originsOf(c, forwarded).includes(parseOrigin(origin) ?? '')
}

/**
 * Our own origins. Of several hosts that a trusted proxy names each counts: no page can choose its
 * `Host`, or the headers that proxies add.
 */
function originsOf(c: AppContext, forwarded: Forwarded): string[] {
  const scheme = forwarded.isSecure(c) ? 'https' : 'http'
  return forwarded.hostsOf(c).flatMap((host) => parseOrigin(`${scheme}://${host}`) ?? [])
}

const ORIGIN = /^https?:\/\/[^\s/?#@\\]+$/i

/**
 * An origin in the form that browsers send: lower case, no default port, canonical address, no last
 * dot.
 */
function parseOrigin(text: string): string | undefined {
  const url = ORIGIN.test(text) ? URL.parse(text) : null
  return url?.origin.replace(/\.(?=:\d+$|$)/, '')
}

function describePage(c: AppContext): string {
  const headers = ['origin', 'sec-fetch-site'].flatMap((name) => {
    const value = readHeader(c, name)
    return value === undefined ? [] : `${name} "${value.slice(0, QUOTE_LIMIT_CHARACTERS)}"`
  })
  return headers.join(' and ')
}

import type { MiddlewareHandler } from 'hono'
import { HttpError } from '../answer/problem.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import type { Forwarded } from '../request/forwarded.ts'
import { readHeader } from '../request/request-header.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

/** Of a header that is quoted in an answer; a longer one is no browser's. */
const QUOTE_LIMIT_CHARACTERS = 200

/**
 * Throws for a request that a page of another origin sent, if its method can change something.
 * Browsers say so in `Sec-Fetch-Site`, older ones and those on plain http in `Origin`, and no script
 * can forge either; programs send neither.
 */
export function refuseCrossOrigin(c: AppContext, forwarded: Forwarded): void {
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

/** Whether its method changes nothing, RFC 9110 section 9.2.1. */
export function isSafe(c: AppContext): boolean {
  return SAFE_METHODS.includes(c.req.method)
}

/** The same as a middleware. */
export function requireSameOrigin(forwarded: Forwarded): MiddlewareHandler<AppEnv> {
  return function requireSameOrigin(c, next) {
    refuseCrossOrigin(c, forwarded)
    return next()
  }
}

function isCrossOrigin(c: AppContext, forwarded: Forwarded): boolean {
  const site = readHeader(c, 'sec-fetch-site')
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const origin = readHeader(c, 'origin')
  if (origin === undefined) return false
  return !originsOf(c, forwarded).includes(parseOrigin(origin) ?? '')
}

/**
 * The origins that a page may have to be our own. Where a trusted proxy tells several hosts, each will
 * do: no page can choose what stands in `Host` or in what proxies add.
 */
function originsOf(c: AppContext, forwarded: Forwarded): string[] {
  const scheme = forwarded.isSecure(c) ? 'https' : 'http'
  return forwarded.hostsOf(c).flatMap((host) => parseOrigin(`${scheme}://${host}`) ?? [])
}

const ORIGIN = /^https?:\/\/[^\s/?#@\\]+$/i

/** As browsers write it: small letters, no default port, addresses in their one form, no last dot. */
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

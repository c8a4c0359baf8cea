import type { MiddlewareHandler } from 'hono'
import { CoatcheckError } from '../errors.ts'
import type { AppContext, AppEnv } from './app-env.ts'
import { readHeader } from './request-header.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

/**
 * Throws for a request that a page of another origin sent, if its method can change something.
 * Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`, and no script can forge either;
 * programs send neither.
 */
export function refuseCrossOrigin(c: AppContext, isSecure: (c: AppContext) => boolean): void {
  if (SAFE_METHODS.includes(c.req.method) || !isCrossOrigin(c, isSecure)) return
  throw new CoatcheckError(
    'cross_origin',
    'Cannot take this request: a page of another origin sent it; ' +
      'serve the page and Coatcheck from one origin, or call from your back end',
  )
}

/** The same as a middleware. */
export function requireSameOrigin(isSecure: (c: AppContext) => boolean): MiddlewareHandler<AppEnv> {
  return function requireSameOrigin(c, next) {
    refuseCrossOrigin(c, isSecure)
    return next()
  }
}

function isCrossOrigin(c: AppContext, isSecure: (c: AppContext) => boolean): boolean {
  const site = readHeader(c, 'sec-fetch-site')
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const origin = readHeader(c, 'origin')
  if (origin === undefined) return false
  return origin !== `${isSecure(c) ? 'https' : 'http'}://${new URL(c.req.url).host}`
}

import type { MiddlewareHandler } from 'hono'
import type { Sessions } from '../sessions.ts'
import type { AppContext, AppEnv } from './app-env.ts'
import { readHeader } from './request-header.ts'
import type { SessionCookie } from './session-cookie.ts'

/** Finds the caller's own session, and what rights the caller has over it. */
export function findOwnSession(
  sessions: Sessions,
  cookie: SessionCookie,
): MiddlewareHandler<AppEnv> {
  return async function findOwnSession(c, next) {
    const token = readBearer(c) ?? cookie.read(c)
    const found = await sessions.authenticate(token)
    c.set('access', { token, found, mayWriteClaims: false })
    return next()
  }
}

const BEARER = /^Bearer[ \t]+(.*)$/i

/** RFC 6750 section 2.1. Another scheme is the business of a proxy in front, and left to it. */
function readBearer(c: AppContext): string | undefined {
  const header = readHeader(c, 'authorization')
  return header === undefined ? undefined : BEARER.exec(header)?.[1]
}

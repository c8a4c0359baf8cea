import { BlockList, isIP } from 'node:net'
import { lifetimeEndsAt, type Session } from '../session/session.ts'
import type { AppContext } from './app-env.ts'
import { findCookies } from './cookie-header.ts'
import { readHeader } from './request-header.ts'
import { renderDeletedCookie, renderSetCookie } from './set-cookie.ts'

export type SessionCookie = {
  /** Both names: the plain one, and the one of a `Secure` cookie. */
  readonly names: readonly string[]
  /** Whether the browser speaks https to us, itself or through a trusted proxy. */
  isSecure(c: AppContext): boolean
  /** The token that the cookie carries; undefined where there is none, or two that differ. */
  read(c: AppContext): string | undefined
  /** The `Set-Cookie` value that hands out the token. */
  issue(c: AppContext, token: string, session: Session, now: number): string
  /** The `Set-Cookie` value that takes the cookie back. */
  remove(c: AppContext, now: number): string
}

export type SessionCookieOptions = {
  readonly name: string
  /** Addresses, CIDR ranges, or `unix` for peers on a unix socket. */
  readonly trustedProxies: readonly string[]
}

/** Browsers take a cookie of this prefix from https only, HttpOnly, for one host and all its paths. */
const SECURE_PREFIX = '__Host-Http-'

export function createSessionCookie({ name, trustedProxies }: SessionCookieOptions): SessionCookie {
  const secureName = `${SECURE_PREFIX}${name}`
  const isTrusted = createTrust(trustedProxies)

  function isSecure(c: AppContext): boolean {
    if (c.req.url.startsWith('https:')) return true
    const forwarded = readHeader(c, 'x-forwarded-proto')
    // Of several words the last is the nearest proxy's, the only one that we trust.
    return forwarded?.split(',').at(-1)?.trim().toLowerCase() === 'https' && isTrusted(c)
  }

  function attributes(secure: boolean) {
    return { path: '/', secure, httpOnly: true, sameSite: 'Lax' } as const
  }

  return {
    names: [name, secureName],
    isSecure,

    read(c) {
      const header = readHeader(c, 'cookie')
      if (header === undefined) return undefined
      const [first, ...others] = findCookies(header, isSecure(c) ? secureName : name)
      // Somebody planted one beside the real one: which is which cannot be told.
      return others.every((other) => other === first) ? first : undefined
    },

    issue(c, token, session, now) {
      const secure = isSecure(c)
      // To the end of the lifetime: the server keeps the idle timeout, which moves with each use.
      const maxAge = Math.ceil((lifetimeEndsAt(session) - now) / 1000)
      const lasting = session.permanent ? { maxAge } : {}
      return renderSetCookie(
        secure ? secureName : name,
        token,
        { ...lasting, ...attributes(secure) },
        now,
      )
    },

    remove(c, now) {
      const secure = isSecure(c)
      return renderDeletedCookie(secure ? secureName : name, attributes(secure), now)
    },
  }
}

function createTrust(proxies: readonly string[]): (c: AppContext) => boolean {
  const ranges = new BlockList()
  for (const proxy of proxies) {
    const [address = '', prefix] = proxy.split('/')
    const family = isIP(address)
    if (family === 0) continue
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix)
    ranges.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (c) => {
    const address = c.env?.incoming?.socket.remoteAddress
    if (address === undefined) return proxies.includes('unix')
    return ranges.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
}

import { lifetimeEndsAt, type Session } from '../session/session.ts'
import type { AppContext } from './app-env.ts'
import { findCookies } from './cookie-header.ts'
import type { Forwarded } from './forwarded.ts'
import { readHeader } from './request-header.ts'
import { renderDeletedCookie, renderSetCookie } from './set-cookie.ts'

export type SessionCookie = {
  /** Both names: the plain one, and the one of a `Secure` cookie. */
  readonly names: readonly string[]
  /** The token that the cookie carries; undefined where there is none, or two that differ. */
  read(c: AppContext): string | undefined
  /** The `Set-Cookie` value that hands out the token. */
  issue(c: AppContext, token: string, session: Session, now: number): string
  /** The `Set-Cookie` value that takes the cookie back. */
  remove(c: AppContext, now: number): string
}

export type SessionCookieOptions = {
  readonly name: string
  readonly forwarded: Forwarded
}

/** Browsers take a cookie of this prefix from https only, HttpOnly, for one host and all its paths. */
const SECURE_PREFIX = '__Host-Http-'

export function createSessionCookie({ name, forwarded }: SessionCookieOptions): SessionCookie {
  const { isSecure } = forwarded
  const plain = createCookie(name, false)
  const secure = createCookie(`${SECURE_PREFIX}${name}`, true)

  return {
    names: [plain.name, secure.name],

    read(c) {
      const header = readHeader(c, 'cookie')
      if (header === undefined) return undefined
      const values = findCookies(header, isSecure(c) ? secure.name : plain.name)
      // Somebody planted one beside the real one: which is which cannot be told.
      return values.every((value) => value === values[0]) ? values[0] : undefined
    },

    issue(c, token, session, now) {
      const cookie = isSecure(c) ? secure : plain
      // To the end of the lifetime: the server keeps the idle timeout, which moves with each use.
      // No longer than the lifetime, wherever the clock was set meanwhile, nor less than nothing.
      const left = Math.min(Math.max(0, lifetimeEndsAt(session) - now), session.lifetimeMs)
      const lasting = session.permanent ? `; Max-Age=${Math.ceil(left / 1000)}` : ''
      return `${cookie.name}=${token}${lasting}${cookie.suffix}`
    },

    remove(c, now) {
      const cookie = isSecure(c) ? secure : plain
      return renderDeletedCookie(cookie.name, cookie.attributes, now)
    },
  }
}

/** `suffix`: the attributes as the header has them, the same for every token; checked here, once. */
function createCookie(name: string, secure: boolean) {
  const attributes = { path: '/', secure, httpOnly: true, sameSite: 'Lax' } as const
  const suffix = renderSetCookie(name, '', attributes, 0).slice(`${name}=`.length)
  return { name, attributes, suffix }
}

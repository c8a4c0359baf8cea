/** The cookie of a dashboard: never sent by other sites, and not beyond the dashboard where http allows that. */
import type { AppContext } from '../http/app-env.ts'
import { findCookies } from '../http/cookies/cookie-header.ts'
import {
  type CookieAttributes,
  renderDeletedCookie,
  renderSetCookie,
} from '../http/cookies/set-cookie.ts'
import type { Forwarded } from '../http/request/forwarded.ts'
import { readHeader } from '../http/request/request.ts'
import { DASHBOARD_COOKIES } from '../http/pages.ts'

const [PLAIN, SECURE] = DASHBOARD_COOKIES

const COMMON = { httpOnly: true, sameSite: 'Strict' } as const
const PLAIN_ATTRIBUTES: CookieAttributes = { ...COMMON, path: '/dashboard' }
/** Its prefix wants the whole host. */
const SECURE_ATTRIBUTES: CookieAttributes = { ...COMMON, path: '/', secure: true }

export type LoginCookie = {
  /** The token; undefined where there is none, or two that differ, or a plain one over https. */
  read(c: AppContext): string | undefined
  /** Browsers send the secure cookie over https only: it proves that this is. */
  isOverHttps(c: AppContext): boolean
  /** The values of `Set-Cookie`. It lasts as long as the browser. */
  issue(c: AppContext, token: string, now: number): string
  remove(c: AppContext, now: number): string
}

export function createLoginCookie(forwarded: Pick<Forwarded, 'isSecure'>): LoginCookie {
  function isOverHttps(c: AppContext): boolean {
    return findCookies(readHeader(c, 'cookie'), SECURE).length > 0 || forwarded.isSecure(c)
  }

  return {
    isOverHttps,

    read(c) {
      // control: dashboard-secure-cookie
      const name = isOverHttps(c) ? SECURE : PLAIN
      const [token, ...others] = findCookies(readHeader(c, 'cookie'), name)
      return others.every((other) => other === token) ? token : undefined
    },

    issue: (c, token, now) =>
      isOverHttps(c)
        ? renderSetCookie(SECURE, token, SECURE_ATTRIBUTES, now)
        : renderSetCookie(PLAIN, token, PLAIN_ATTRIBUTES, now),

    remove: (c, now) =>
      isOverHttps(c)
        ? renderDeletedCookie(SECURE, SECURE_ATTRIBUTES, now)
        : renderDeletedCookie(PLAIN, PLAIN_ATTRIBUTES, now),
  }
}

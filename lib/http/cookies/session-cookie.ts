import type { Log } from '../../base/log.ts'
import { lifetimeEndsAt, type Session } from '../../session/session.ts'
import { LONGEST_LIFETIME_MS } from '../../session/time-limits.ts'
import type { AppContext } from '../app-env.ts'
import { findCookies } from './cookie-header.ts'
import type { Forwarded } from '../request/forwarded.ts'
import { readHeader } from '../request/request.ts'
import {
  type CookieAttributes,
  domainCovers,
  renderDeletedCookie,
  renderSetCookie,
} from './set-cookie.ts'

export type SessionCookie = {
  /** Its names, plain and `Secure`; reserved, so that no other cookie has them. */
  readonly names: readonly string[]
  /** The token in the cookie; undefined where there is none, or two that differ. */
  read(c: AppContext): string | undefined
  /**
   * Whether the browser speaks https: the connection or a trusted proxy says so, or the request has
   * the `Secure` cookie, which browsers send over https only.
   */
  isOverHttps(c: AppContext): boolean
  /** What `read` found, for messages; without the tokens of two cookies that differ. */
  explain(c: AppContext): CookieFinding
  /** What the cookie of this request's scheme is called, and its attributes as they are sent. */
  describe(c: AppContext): { readonly name: string; readonly attributes: string }
  /** The `Set-Cookie` value that sets the token. */
  issue(c: AppContext, token: string, session: Session, now: number): string
  /** The `Set-Cookie` value that removes the cookie. */
  remove(c: AppContext, now: number): string
  /**
   * The `Set-Cookie` values that remove the cookie as it was before this domain was configured: to
   * a browser that is another cookie of the same name. None where the request has no cookie of that
   * name; with `all` also the present one, last. Undefined where no domain is configured.
   */
  readonly removeFormer:
    ((c: AppContext, now: number, all?: boolean) => readonly string[]) | undefined
}

/**
 * `insecure_cookie`: only the plain one, over https; anybody on the network may have set it over
 * http.
 */
export type CookieFinding =
  | { readonly name: string; readonly state: 'token'; readonly token: string }
  | { readonly name: string; readonly state: 'no_token' | 'two_tokens' | 'insecure_cookie' }

export type SessionCookieOptions = {
  readonly name: string
  /** The domain whose hosts share the cookie; undefined for the one host that set it. */
  readonly domain?: string | undefined
  readonly sameSite?: SameSite
  readonly forwarded: Forwarded
  readonly log?: Log
}

export type SameSite = NonNullable<CookieAttributes['sameSite']>

/** A prefix that browsers accept over https only, HttpOnly, for one host and all its paths. */
const HOST_PREFIX = '__Host-Http-'
/** The strictest prefix that browsers support with a `Domain`: set over https. */
const DOMAIN_PREFIX = '__Secure-'

export function createSessionCookie(options: SessionCookieOptions): SessionCookie {
  const { name, domain, sameSite = 'Lax', forwarded, log } = options
  const prefix = domain === undefined ? HOST_PREFIX : DOMAIN_PREFIX
  const secure = createCookie(`${prefix}${name}`, true, domain, sameSite)
  // Browsers drop a cookie of SameSite=None that is not Secure.
  const plain = createCookie(name, false, domain, sameSite === 'None' ? 'Lax' : sameSite)
  let hasWarned = false

  function find(c: AppContext): CookieFinding {
    const header = readHeader(c, 'cookie')
    if (header === undefined) return { name, state: 'no_token' }
    const values = findSecure(header)
    if (values.length > 0) return single(secure.name, values)
    const plainValues = findCookies(header, plain.name)
    if (plainValues.length === 0) return { name, state: 'no_token' }
    // control: secure-cookie-only
    if (forwarded.isSecure(c)) return { name, state: 'insecure_cookie' }
    return single(plain.name, plainValues)
  }

  function findSecure(header: string): string[] {
    // control: prefixed-cookie-name
    return header.includes(secure.name) ? findCookies(header, secure.name) : []
  }

  function isOverHttps(c: AppContext): boolean {
    return findSecure(readHeader(c, 'cookie') ?? '').length > 0 || forwarded.isSecure(c)
  }

  function warnOnce(): void {
    if (hasWarned) return
    hasWarned = true
    log?.warn('plain_session_cookie_over_https_passed_over', {
      cookie: plain.name,
      expected: secure.name,
    })
  }

  function removeFormer(c: AppContext, now: number, all = false): readonly string[] {
    const { name, attributes } = isOverHttps(c) ? secure : plain
    if (domain === undefined || findCookies(readHeader(c, 'cookie'), name).length === 0) return []
    const { domain: _, ...ofHost } = attributes
    const former = formerDomains(domain, forwarded.hostsOf(c))
    return [
      ofHost,
      ...former.map((other) => ({ ...attributes, domain: other })),
      ...(all ? [attributes] : []),
    ].map((form) => renderDeletedCookie(name, form, now))
  }

  return {
    names: [...new Set([name, `${HOST_PREFIX}${name}`, `${DOMAIN_PREFIX}${name}`])],

    read(c) {
      // The fast path: plain http, and one cookie.
      const header = readHeader(c, 'cookie')
      if (header === undefined) return undefined
      if (!header.includes(secure.name) && !forwarded.isSecure(c)) {
        const values = findCookies(header, plain.name)
        if (values.length < 2) return values[0]
      }
      const found = find(c)
      if (found.state === 'token') return found.token
      if (found.state === 'insecure_cookie') warnOnce()
      return undefined
    },

    isOverHttps,

    explain: find,

    describe(c) {
      const { name, suffix } = isOverHttps(c) ? secure : plain
      return { name, attributes: suffix.slice('; '.length) }
    },

    issue(c, token, session, now) {
      const cookie = isOverHttps(c) ? secure : plain
      // The end of the lifetime: the idle timeout moves with each request, and the server checks
      // it. At most the lifetime and at least 0, even where the clock was set back or forward; and at
      // most what browsers keep, as a session may have no lifetime.
      const most = Math.min(session.lifetimeMs, LONGEST_LIFETIME_MS)
      const left = Math.min(Math.max(0, lifetimeEndsAt(session) - now), most)
      // control: cookie-max-age
      const lasting = session.permanent ? `; Max-Age=${Math.ceil(left / 1000)}` : ''
      return `${cookie.name}=${token}${lasting}${cookie.suffix}`
    },

    remove(c, now) {
      const cookie = isOverHttps(c) ? secure : plain
      return renderDeletedCookie(cookie.name, cookie.attributes, now)
    },

    removeFormer: domain === undefined ? undefined : removeFormer,
  }
}

/**
 * Every other domain whose cookies a browser sends to these hosts: between host and domain, and
 * above.
 */
function formerDomains(domain: string, hosts: readonly string[]): readonly string[] {
  const names = hosts.flatMap((host) => URL.parse(`http://${host}`)?.hostname ?? [])
  const own = names.filter((name) => domainCovers(domain, name))
  const domains = new Set([...own, domain].flatMap(domainsAbove))
  domains.delete(domain)
  return [...domains]
}

/** The domain and its parents, without those of a single label, which browsers refuse. */
function domainsAbove(name: string): readonly string[] {
  const labels = name.split('.')
  return labels.slice(0, -1).map((_, index) => labels.slice(index).join('.'))
}

/** Of two different values one was planted, and which cannot be told. */
function single(name: string, values: readonly string[]): CookieFinding {
  const [token = ''] = values
  const areEqual = values.every((value) => value === token)
  return areEqual ? { name, state: 'token', token } : { name, state: 'two_tokens' }
}

/**
 * `suffix`: the attributes as they stand in the header, the same for every token; checked here,
 * once.
 */
function createCookie(
  name: string,
  secure: boolean,
  domain: string | undefined,
  sameSite: SameSite,
) {
  const attributes: CookieAttributes = {
    path: '/',
    ...(domain === undefined ? {} : { domain }),
    secure,
    httpOnly: true,
    sameSite,
  }
  const suffix = renderSetCookie(name, '', attributes, 0).slice(`${name}=`.length)
  return { name, attributes, suffix }
}

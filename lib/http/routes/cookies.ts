/** `/cookies`: strings that live in the browser. The server stores none of them. */
import { HttpError } from '../answer/problem.ts'
import type { Clock } from '../../base/clock.ts'
import { type AnswerHeaders, answerEmpty, answerJson, answerValue } from '../answer/answer.ts'
import type { AppContext } from '../app-env.ts'
import { parseCookieAttributes, parseCookieBody, parseCookieQuery } from '../cookies/cookie-body.ts'
import { parseCookies } from '../cookies/cookie-header.ts'
import {
  completeAttributes,
  type CookieAttributes,
  domainCovers,
  renderDeletedCookie,
  renderSetCookie,
} from '../cookies/set-cookie.ts'
import { DASHBOARD_COOKIES } from '../pages.ts'
import type { BodyReader } from '../request/body.ts'
import type { Forwarded } from '../request/forwarded.ts'
import {
  decodeLastSegment,
  parseFlag,
  readHeader,
  readQueries,
  wantsText,
} from '../request/request.ts'
import type { Handlers } from './routes.ts'

export type CookiesDeps = {
  readonly clock: Clock
  /** The names of the session cookie and of the dashboard's, which are neither listed, read nor written here. */
  readonly reservedNames: readonly string[]
  readonly forwarded: Pick<Forwarded, 'isSecure' | 'hostsOf'>
  readonly bodies: BodyReader
}

type CookiesHandlers = Pick<Handlers, 'listCookies' | 'getCookie' | 'setCookie' | 'deleteCookie'>

export function createCookies(deps: CookiesDeps): CookiesHandlers {
  const { clock, reservedNames, forwarded, bodies } = deps

  function readWritableName(c: AppContext): string {
    const name = decodeLastSegment(c.req.path)
    if (!reservedNames.includes(name)) return name
    const reason = isOfDashboard(name)
      ? 'it is that of the dashboard, which logs in and out at /dashboard'
      : 'it carries the session; PUT /session/<key> writes to the session, DELETE /session logs out'
    throw new HttpError('invalid_cookie', `Cannot write cookie "${name}": ${reason}`, {
      rule: 'reserved-name',
    })
  }

  function answerSet(c: AppContext, cookie: string, attributes: CookieAttributes): Response {
    const warnings = warn(attributes, forwarded.isSecure(c), forwarded.hostsOf(c))
    return answerEmpty({ 'Set-Cookie': cookie, ...warnings })
  }

  return {
    listCookies(c) {
      const cookies = readCookies(c)
      for (const name of reservedNames) cookies.delete(name)
      // Object.fromEntries defines members, so `__proto__` is a name like any other.
      return answerJson(200, JSON.stringify(Object.fromEntries(cookies)))
    },

    getCookie(c) {
      const name = decodeLastSegment(c.req.path)
      // The session cookie is HttpOnly: no script can read it, here neither.
      const value = reservedNames.includes(name) ? undefined : readCookies(c).get(name)
      if (value === undefined) {
        throw new HttpError(
          'cookie_not_found',
          `Cannot get cookie "${name}": the request has none of that name`,
        )
      }
      return answerValue(JSON.stringify(value), wantsText(c, readQueries(c)))
    },

    async setCookie(c) {
      const name = readWritableName(c)
      const now = clock.now()
      const body = parseCookieBody(await bodies.readOptionalJson(c), now)
      const { value, raw, attributes } = body
      return answerSet(c, renderSetCookie(name, value, attributes, now, raw), attributes)
    },

    async deleteCookie(c) {
      const name = readWritableName(c)
      const body = await bodies.readOptionalJson(c)
      const attributes = completeAttributes(name, {
        ...parseCookieQuery(Object.fromEntries(readQueries(c))),
        ...(body === undefined ? {} : parseCookieAttributes(body)),
      })
      return answerSet(c, renderDeletedCookie(name, attributes, clock.now()), attributes)
    },
  }
}

function isOfDashboard(name: string): boolean {
  return (DASHBOARD_COOKIES as readonly string[]).includes(name)
}

/** The cookies as they were put; with `?raw=true` as they stand in the header. */
function readCookies(c: AppContext): Map<string, string> {
  const raw = parseFlag('raw', readQueries(c)) ?? false
  return parseCookies(readHeader(c, 'cookie'), raw)
}

/**
 * Warns of cookies that this request's browser is likely to drop; they may be meant for a proxy.
 */
function warn(
  { secure, domain }: CookieAttributes,
  isSecure: boolean,
  hosts: readonly string[],
): AnswerHeaders {
  const names = hosts.flatMap((host) => URL.parse(`http://${host}`)?.hostname ?? [])
  const warnings: string[] = []
  if (secure && !isSecure) {
    warnings.push('a Secure cookie over plain http: a browser drops it, use https')
  }
  if (domain !== undefined && !names.some((name) => domainCovers(domain, name))) {
    warnings.push(`Domain does not cover the host ${names[0] ?? ''}: a browser drops the cookie`)
  }
  if (warnings.length === 0) return {}
  return { Warning: warnings.map((text) => `299 coatcheck "${text}"`).join(', ') }
}

/** `/cookies`: strings that live in the browser. The server keeps nothing of them. */
import { type Context, Hono } from 'hono'
import type { Clock } from '../../base/clock.ts'
import { HttpError } from '../answer/problem.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { answerEmpty, answerJson, answerValue, type Headers } from '../answer/answer.ts'
import { parseCookieAttributes, parseCookieBody, parseCookieQuery } from '../cookies/cookie-body.ts'
import { parseCookies } from '../cookies/cookie-header.ts'
import { refuseOtherMethods } from '../answer/method-not-allowed.ts'
import { parseFlag, readQueries } from '../request/query.ts'
import { decodeLastSegment } from '../request/segment.ts'
import {
  completeAttributes,
  type CookieAttributes,
  domainCovers,
  renderDeletedCookie,
  renderSetCookie,
} from '../cookies/set-cookie.ts'

export type CookieRoutesDeps = {
  readonly clock: Clock
  /** Coatcheck's own session cookies: neither listed, read nor written here. */
  readonly reservedNames: readonly string[]
  /** Whether the browser speaks https to us, itself or through a trusted proxy. */
  readonly isSecure: (c: Context) => boolean
  /** The hosts that the browser may have asked, with or without a port; the URL's where it is not given. */
  readonly hostsOf?: (c: Context) => readonly string[]
  /** Whether the answer is to be the bare string and not JSON. */
  readonly wantsText: (c: Context) => boolean
  /** The parsed body, or `undefined` where the request has none. */
  readonly readJsonBody: (c: Context) => Promise<unknown>
}

/**
 * Expects an app whose `getPath` leaves the path undecoded.
 */
export function createCookieRoutes(deps: CookieRoutesDeps): Hono<AppEnv> {
  const { clock, reservedNames, isSecure, hostsOf = hostOfUrl, wantsText, readJsonBody } = deps
  const routes = new Hono<AppEnv>()

  routes.get('/', (c) => {
    const cookies = readCookies(c)
    for (const name of reservedNames) cookies.delete(name)
    // Object.fromEntries defines members, so a cookie called __proto__ is one like any other.
    return answerJson(200, JSON.stringify(Object.fromEntries(cookies)))
  })

  routes.get('/:name', (c) => {
    const name = decodeLastSegment(c.req.path)
    // A session's token is HttpOnly so that scripts cannot read it; they shall not here, either.
    const value = reservedNames.includes(name) ? undefined : readCookies(c).get(name)
    if (value === undefined) {
      throw new HttpError(
        'cookie_not_found',
        `Cannot get cookie "${name}": the request has none of that name`,
      )
    }
    return answerValue(JSON.stringify(value), wantsText(c))
  })

  routes.put('/:name', async (c) => {
    const name = readWritableName(c, reservedNames)
    const now = clock.now()
    const { value, raw, attributes } = parseCookieBody(await readJsonBody(c), now)
    const cookie = renderSetCookie(name, value, attributes, now, raw)
    return answerEmpty({ 'Set-Cookie': cookie, ...warn(attributes, isSecure(c), hostsOf(c)) })
  })

  routes.delete('/:name', async (c) => {
    const name = readWritableName(c, reservedNames)
    const body = await readJsonBody(c)
    const attributes = completeAttributes(name, {
      ...parseCookieQuery(Object.fromEntries(readQueries(c))),
      ...(body === undefined ? {} : parseCookieAttributes(body)),
    })
    const cookie = renderDeletedCookie(name, attributes, clock.now())
    return answerEmpty({ 'Set-Cookie': cookie, ...warn(attributes, isSecure(c), hostsOf(c)) })
  })

  refuseOtherMethods(routes, '/', 'GET, HEAD')
  refuseOtherMethods(routes, '/:name', 'GET, HEAD, PUT, DELETE')

  return routes
}

/** As they were put; `?raw=true` asks for what stands in the header. */
function readCookies(c: AppContext): Map<string, string> {
  const raw = parseFlag('raw', readQueries(c)) ?? false
  return parseCookies(c.req.header('Cookie'), raw)
}

function readWritableName(c: Context, reservedNames: readonly string[]): string {
  const name = decodeLastSegment(c.req.path)
  if (reservedNames.includes(name)) {
    throw new HttpError(
      'invalid_cookie',
      `Cannot write cookie "${name}": it carries the session; ` +
        'PUT /session/<key> writes to the session, DELETE /session logs out',
      { rule: 'reserved-name' },
    )
  }
  return name
}

function hostOfUrl(c: Context): readonly string[] {
  return [new URL(c.req.url).host]
}

/** Cookies that this request's browser is likely to drop, but that can be meant for a proxy. */
function warn(
  { secure, domain }: CookieAttributes,
  isSecure: boolean,
  hosts: readonly string[],
): Headers {
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

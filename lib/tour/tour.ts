/**
 * `/tour`: the Flask tutorial on cookies and sessions, live. The page works on its visitor's own
 * session, through the public API alone: this room has nothing but texts.
 */
import { readAsset } from '../base/assets.ts'
import { readBrowserScripts } from '../base/browser-scripts.ts'
import type { Clock } from '../base/clock.ts'
import { isLoopback } from '../base/loopback.ts'
import { HttpError } from '../http/answer/problem.ts'
import {
  answerResource,
  bareTag,
  HTML_TYPE,
  keep,
  KEPT,
  pageHeaders,
  requireRead,
  type Resource,
  SCRIPT_TYPE,
  STYLE_TYPE,
  toResource,
} from '../http/answer/resource.ts'
import type { AppContext } from '../http/app-env.ts'
import type { SessionCookie } from '../http/cookies/session-cookie.ts'
import { renderSetCookie } from '../http/cookies/set-cookie.ts'
import type { PageTree } from '../http/pages.ts'
import { readQueries } from '../http/request/request.ts'
import { LANGUAGE_COOKIE } from './browser/words/language-cookie.ts'
import { CHOICES, type Language, readLanguage } from './language.ts'
import { renderPage, type TourLimits } from './page.ts'

/**
 * Runs and loads what is of this server alone, sends nowhere else, and cannot be framed; and no text
 * becomes HTML in it, whatever a script does.
 */
// control: tour-policy
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'"

const LANGUAGE_KEPT_SECONDS = 365 * 86_400

export type TourDeps = {
  readonly cookie: Pick<SessionCookie, 'describe'>
  readonly clock: Clock
  readonly limits: TourLimits
}

export type TourSettings = {
  readonly tour: 'auto' | 'on' | 'off'
  readonly host: string
  readonly listenPath: string | undefined
  readonly trustedProxies: readonly string[]
}

/**
 * By default where nobody but who sits at this machine comes: on a loopback address, and not behind
 * a proxy.
 */
export function isTourOn({ tour, host, listenPath, trustedProxies }: TourSettings): boolean {
  if (tour !== 'auto') return tour === 'on'
  // control: tour-here-only
  return listenPath === undefined && isLoopback(host) && trustedProxies.length === 0
}

/** Reads all files. To be called before the permissions are dropped. */
export function createTour({ cookie, clock, limits }: TourDeps): PageTree {
  const style = toResource(STYLE_TYPE, readStyle())
  const places = new Map<string, () => Resource>([['/tour/style.css', () => style]])
  for (const [name, textOf] of readBrowserScripts('lib/tour/browser/')) {
    places.set(
      `/tour/${name}`,
      keep(() => toResource(SCRIPT_TYPE, textOf())),
    )
  }
  return { path: '/tour', answer }

  function answer(c: AppContext, origin: string): Response {
    requireRead(c, 'a page of the tour')
    const { path } = c.req
    if (path === '/tour' || path === '/tour/') return answerPage(c, origin)
    // A fixed map: nothing of the path ever reaches the file system.
    const resource = places.get(path)?.()
    if (resource === undefined) {
      throw new HttpError(
        'route_not_found',
        'Cannot find this part of the tour: it begins at /tour',
      )
    }
    const isKept = resource === style && readQueries(c).get('v') === bareTag(style)
    return answerResource(c, resource, pageHeaders(POLICY), isKept ? KEPT : undefined)
  }

  function answerPage(c: AppContext, origin: string): Response {
    const { language, isNew } = readLanguage(c)
    const now = clock.now()
    const styleTag = bareTag(style)
    const page = { language, origin, now, cookie: cookie.describe(c), limits, styleTag }
    const headers = new Headers({
      ...pageHeaders(POLICY),
      Vary: 'Accept-Language, Cookie',
      'Content-Type': HTML_TYPE,
      'Content-Language': language,
    })
    if (isNew) headers.set('Set-Cookie', renderLanguageCookie(language, origin, now))
    return new Response(renderPage(page), { headers })
  }
}

/** For this page alone: the API never sees it. */
function renderLanguageCookie(language: Language, origin: string, now: number): string {
  return renderSetCookie(
    LANGUAGE_COOKIE,
    CHOICES[language],
    {
      path: '/tour',
      maxAge: LANGUAGE_KEPT_SECONDS,
      secure: origin.startsWith('https:'),
      sameSite: 'Lax',
    },
    now,
  )
}

function readStyle(): string {
  return ['lib/docs/tokens.css', 'lib/docs/style.css', 'lib/tour/style.css']
    .map(readAsset)
    .join('\n')
}

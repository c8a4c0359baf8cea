/** How the dashboard answers: pages that run only its own scripts, and are kept nowhere. */
import { HttpError } from '../http/answer/problem.ts'
import type { AppContext } from '../http/app-env.ts'
import { prefersType } from '../http/request/request.ts'

/** Nothing from elsewhere, nothing inline: what is in a session can never run here. */
// control: dashboard-policy
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

export const PAGE_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // With none at all, browsers would not tell the origin of a form on plain http.
  'Referrer-Policy': 'same-origin',
  Vary: 'Cookie',
  'X-Content-Type-Options': 'nosniff',
} as const

const HTML = { 'Content-Type': 'text/html; charset=utf-8' }

export type Headers = Readonly<Record<string, string>>

export function answerPage(html: string, status = 200, headers: Headers = {}): Response {
  return new Response(html, { status, headers: { ...PAGE_HEADERS, ...HTML, ...headers } })
}

/** After a form: the browser gets the page, and reloading it repeats nothing. */
export function redirect(path: string, headers: Headers = {}): Response {
  return new Response(null, {
    status: 303,
    headers: { ...PAGE_HEADERS, Location: path, ...headers },
  })
}

/** Whether a person asks, to whom a page is shown; a program gets a problem. */
export function wantsPage(c: AppContext): boolean {
  return prefersType(c, 'text/html', 'application/json')
}

export function notFound(): HttpError {
  return new HttpError('route_not_found', 'Cannot find this page of the dashboard')
}

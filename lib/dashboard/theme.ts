/** Whether pages are light or dark: a choice of the browser, kept in a cookie of its own. */
import type { AppContext } from '../http/app-env.ts'
import { parseCookies } from '../http/cookies/cookie-header.ts'
import { renderSetCookie } from '../http/cookies/set-cookie.ts'
import { readHeader } from '../http/request/request.ts'
import { redirect } from './answers.ts'
import type { ReadForm } from './forms.ts'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const COOKIE = 'coatcheck-dashboard-theme'
const KEPT_SECONDS = 400 * 24 * 60 * 60

export function themeOf(c: AppContext): Theme {
  return parseTheme(parseCookies(readHeader(c, 'cookie')).get(COOKIE))
}

/** `POST /dashboard/theme`, also for who has not logged in. */
export function createThemeForm(readForm: ReadForm): (c: AppContext) => Promise<Response> {
  return async (c) => {
    const form = await readForm(c)
    const attributes = { path: '/dashboard', sameSite: 'Strict', maxAge: KEPT_SECONDS } as const
    const cookie = renderSetCookie(COOKIE, parseTheme(form.get('theme')), attributes, 0)
    return redirect(readNext(form.get('next')), { 'Set-Cookie': cookie })
  }
}

/** A path of the dashboard to go on to; the first page for anything else: a form may say anything. */
export function readNext(text: string): string {
  // control: open-redirect
  return /^\/dashboard(?:[/?][\x21-\x5b\x5d-\x7e]*)?$/.test(text) ? text : '/dashboard'
}

function parseTheme(text: string | undefined): Theme {
  return THEMES.find((theme) => theme === text) ?? 'system'
}

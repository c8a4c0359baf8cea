/** Logging in and out: an API key becomes a session of the dashboard, which a cookie opens. */
import { html } from 'hono/html'
import type { Clock } from '../base/clock.ts'
import type { KeyCheck } from '../http/access/key-check.ts'
import { HttpError, PROBLEMS, renderProblem } from '../http/answer/problem.ts'
import type { AppContext } from '../http/app-env.ts'
import type { Dashboards, Viewer } from '../service/dashboards.ts'
import { answerPage, redirect, wantsPage } from './answers.ts'
import type { ReadForm } from './forms.ts'
import type { Frame, Html } from './parts/frame.ts'
import { MARK } from './parts/icons.ts'
import type { LoginCookie } from './login-cookie.ts'
import { readNext } from './theme.ts'
import type { Trail } from './trail.ts'

export type Login = {
  /** Who asks; undefined where nobody has logged in. Counts as activity unless `touch` is false. */
  findViewer(c: AppContext, touch?: boolean): Promise<Viewer | undefined>
  /** The page that asks for a key, in place of one that needs it; a problem for a program. */
  ask(c: AppContext): Response
  /** `GET /dashboard/login` */
  show(c: AppContext): Promise<Response>
  /** `POST /dashboard/login` */
  logIn(c: AppContext): Promise<Response>
  /** `POST /dashboard/logout` */
  logOut(c: AppContext): Promise<Response>
}

export type LoginDeps = {
  readonly dashboards: Dashboards
  readonly keyCheck: Pick<KeyCheck, 'admit'>
  readonly cookie: LoginCookie
  readonly trail: Trail
  readonly clock: Clock
  readonly frame: Frame
  readonly readForm: ReadForm
}

export function createLogin(deps: LoginDeps): Login {
  const { dashboards, keyCheck, cookie, trail, clock, frame, readForm } = deps

  function findViewer(c: AppContext, touch = true): Promise<Viewer | undefined> {
    return dashboards.find(cookie.read(c), touch)
  }

  function answer(c: AppContext, next: string, refusal?: HttpError): Response {
    const content = renderLogin(next, refusal)
    const page = frame.renderBare(c, { title: 'Log in', content })
    if (refusal === undefined) return answerPage(page)
    const { status, headers } = renderProblem(refusal)
    const kept = ['WWW-Authenticate', 'Retry-After'].flatMap((name) => {
      const value = headers[name]
      return value === undefined ? [] : [[name, value] as const]
    })
    return answerPage(page, status, Object.fromEntries(kept))
  }

  return {
    findViewer,

    ask(c) {
      const refusal = new HttpError(
        'api_key_required',
        'Cannot show this: nobody has logged in here; POST /dashboard/login takes an API key',
      )
      if (!wantsPage(c)) throw refusal
      const next = c.env.incoming.url ?? '/dashboard'
      const [status] = PROBLEMS.api_key_required
      const page = frame.renderBare(c, { title: 'Log in', content: renderLogin(readNext(next)) })
      return answerPage(page, status, { 'WWW-Authenticate': 'Bearer realm="coatcheck"' })
    },

    async show(c) {
      return (await findViewer(c)) === undefined ? answer(c, '/dashboard') : redirect('/dashboard')
    },

    async logIn(c) {
      const form = await readForm(c)
      const next = readNext(form.get('next'))
      const key = form.get('key')
      try {
        const backEnd = await keyCheck.admit(c, key === '' ? undefined : key, 'read')
        const before = await findViewer(c)
        if (before !== undefined) await dashboards.logOut(before)
        const token = await dashboards.begin(key)
        trail.loggedIn(c, backEnd)
        return redirect(next, { 'Set-Cookie': cookie.issue(c, token, clock.now()) })
      } catch (error) {
        if (!(error instanceof HttpError)) throw error
        return answer(c, next, error)
      }
    },

    async logOut(c) {
      const viewer = await findViewer(c)
      if (viewer !== undefined) {
        await dashboards.logOut(viewer)
        trail.loggedOut(c, viewer.backEnd)
      }
      return redirect('/dashboard/login', { 'Set-Cookie': cookie.remove(c, clock.now()) })
    },
  }
}

function renderLogin(next: string, refusal?: HttpError): Html {
  return html`<form class="card login" method="post" action="/dashboard/login">
    <h1>${MARK}Coatcheck</h1>
    <p class="muted">Log in with an API key of the scope <code>all</code> or <code>read</code>.</p>
    <input type="hidden" name="next" value="${next}" />
    <label for="key">API key</label>
    <input
      id="key"
      name="key"
      type="password"
      required
      autofocus
      autocomplete="current-password"
      spellcheck="false"
      placeholder="ck_…"
      maxlength="300"
      ${refusal === undefined ? '' : html`aria-invalid="true" aria-describedby="refusal"`}
    />
    ${
      refusal === undefined
        ? ''
        : html`<p id="refusal" class="refusal" role="alert">${explain(refusal)}</p>`
    }
    <button class="primary">Log in</button>
    <details class="hint">
      <summary>Where is my key?</summary>
      <p>
        The first start wrote one beside the data file: <code>sessions.db.api-key</code>. Another
        one is made by
      </p>
      <pre><code>coatcheck key new my-dashboard</code></pre>
      <p>or, for somebody who may look and not touch,</p>
      <pre><code>coatcheck key new my-dashboard --scope read</code></pre>
    </details>
  </form>`
}

/** In the words of a person at a form, and without the key. */
function explain({ code, message, facts }: HttpError): string {
  switch (code) {
    case 'api_key_required':
      return 'This is no key that is in force here.'
    case 'too_many_failures':
      return `Too many wrong keys came from this address. Wait ${facts['retryAfter']} s, then try again.`
    case 'insufficient_scope':
      return 'This key may only read the metrics. The dashboard takes one of the scope all or read.'
    default:
      return message
  }
}

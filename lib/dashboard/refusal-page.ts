/** A refusal as a page: what could not be done, why, and where to go on. */
import { html } from 'hono/html'
import { describeWayOut } from '../http/answer/hints.ts'
import { PROBLEMS, type Refusal, renderProblem } from '../http/answer/problem.ts'
import type { AppContext } from '../http/app-env.ts'
import type { Viewer } from '../service/dashboards.ts'
import { answerPage } from './answers.ts'
import type { Frame } from './parts/frame.ts'

/** `viewer`: undefined where nobody has logged in, or that cannot be told. */
export function answerRefusalPage(
  c: AppContext,
  frame: Frame,
  refusal: Refusal,
  viewer: Viewer | undefined,
): Response {
  const { code, message, way } = refusal
  const [status, title] = PROBLEMS[code]
  const content = html`<section class="card refused">
    <p>${message}${describeWayOut(way)}.</p>
    <p class="muted">${status} <code>${code}</code></p>
    <p><a class="button" href="/dashboard">Go to the overview</a></p>
  </section>`
  const retryAfter = renderProblem(refusal).headers['Retry-After']
  const headers = retryAfter === undefined ? {} : { 'Retry-After': retryAfter }
  const page =
    viewer === undefined
      ? frame.renderBare(c, {
          title,
          content: html`<h1>${title}</h1>
            ${content}`,
        })
      : frame.render(c, viewer, { title, content })
  return answerPage(page, status, headers)
}

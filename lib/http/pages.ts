/** The pages for people, which are made above: they show the table of operations. */
import type { Hono } from 'hono'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { AppContext, AppEnv } from './app-env.ts'

/** Where the server is asked: the URL to type. */
export type OriginOf = (c: AppContext) => string

export type Pages = {
  /** `/` for a browser. `origin` is where the server is asked, as in `http://127.0.0.1:7377`. */
  answerFrontPage(c: AppContext, origin: string): Response
  readonly docs: PageTree
}

/** Pages that are an app of their own: they answer whatever is at their path and below it. */
export type PageTree = {
  readonly path: `/${string}`
  readonly answer: (c: AppContext, origin: string) => MaybePromise<Response>
}

/** The names of the dashboard's cookie, plain and over https. */
export const DASHBOARD_COOKIES = ['coatcheck-dashboard', '__Host-Http-coatcheck-dashboard'] as const

/** By one wildcard: pages as routes of their own would take an app to Hono's slow router. */
export function mountPages(
  app: Hono<AppEnv>,
  { path, answer }: PageTree,
  originOf: OriginOf,
): void {
  app.all(`${path}/*`, function answerPages(c) {
    return answer(c, originOf(c))
  })
}

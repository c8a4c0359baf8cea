/**
 * The app of the admin listener: what the operator looks at, without an API key. Who reaches the
 * listener may read it; a page in a browser that reaches it may not.
 */
import { Hono, type MiddlewareHandler } from 'hono'
import type { Log } from '../base/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { TestTime } from '../service/test-time.ts'
import type { Store } from '../store/store.ts'
import { hostNameOf, isPrivateName } from './access/private-host.ts'
import { requireSameOrigin } from './access/same-origin.ts'
import { answerEmpty } from './answer/answer.ts'
import { answerProblem, HttpError } from './answer/problem.ts'
import { adminRows, documentedRows } from './api-listeners.ts'
import type { AppEnv } from './app-env.ts'
import { createRefusalFor, pathNotFound } from './http.ts'
import { mountPages, type Pages, type PageTree } from './pages.ts'
import type { Forwarded } from './request/forwarded.ts'
import { rawPath } from './request/request.ts'
import { createAdminPage } from './routes/admin-page.ts'
import { createOriginOf } from './routes/front-page.ts'
import { createHealthRoute } from './routes/health-route.ts'
import { createMetricsRoute } from './routes/metrics-route.ts'
import { createOpenApiRoute } from './routes/openapi-route.ts'
import { createRoutes } from './routes/routes.ts'
import type { ListenAddress } from './server/server.ts'

export type AdminAppOptions = {
  readonly store: Pick<Store, 'health'>
  readonly forwarded: Forwarded
  readonly log: Log
  readonly address: ListenAddress
  readonly metrics: Pick<Metrics, 'render'>
  readonly pages: Pages
  readonly dashboard: PageTree
  readonly testTime?: TestTime | undefined
  readonly isStopping?: () => boolean
}

export function createAdminApp(options: AdminAppOptions): Hono<AppEnv> {
  const { store, forwarded, log, address, metrics, pages, dashboard } = options
  const rows = adminRows()
  const routes = createRoutes(rows)
  const refusalFor = createRefusalFor(log)

  const app = new Hono<AppEnv>({ getPath: rawPath })
  // A unix socket is out of reach of every page; what is in front of it may ask by any name.
  // control: admin-host
  if ('host' in address) app.use('*', requirePrivateHost(address.host))
  app.use('*', requireSameOrigin(forwarded))
  for (const tree of [pages.docs, dashboard]) {
    mountPages(app, tree, createOriginOf(forwarded.isSecure))
  }
  routes.mount(app, {
    getMetrics: createMetricsRoute(metrics),
    getHealth: createHealthRoute(store, options.isStopping),
    getOpenApi: createOpenApiRoute(documentedRows(options.testTime !== undefined)),
    getFrontPage: createAdminPage(rows),
    getOptions: () => answerEmpty({ Allow: routes.allMethods }),
  })
  app.notFound(() => {
    throw pathNotFound(routes)
  })
  app.onError((error) => answerProblem(refusalFor(error)))
  return app
}

/**
 * Refuses a `Host` that somebody else's name server could give our address to: then a page from
 * there would be of our origin (DNS rebinding), and might read what needs no key.
 */
function requirePrivateHost(own: string): MiddlewareHandler<AppEnv> {
  return function requirePrivateHost(c, next) {
    const name = hostNameOf(c)
    if (!isPrivateName(name) && name !== own.toLowerCase()) {
      throw new HttpError(
        'bad_request',
        'Cannot take this request here: its Host must be an IP address, localhost, the host of ' +
          '--admin-listen, or a name that no public name server has (without a dot, or in .local or ' +
          '.internal); else pages of other sites could read what needs no key',
      )
    }
    return next()
  }
}

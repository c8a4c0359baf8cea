/** The app: what stands in front of the routes, the routes, and what becomes of errors. */
import { Hono } from 'hono'
import type { Clock } from '../base/clock.ts'
import { CoatcheckError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { ApiKeys } from '../service/api-keys.ts'
import type { Sessions } from '../service/sessions.ts'
import type { TestTime } from '../service/test-time.ts'
import type { SessionLimits } from '../session/limits.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Store } from '../store/store.ts'
import { documentedRows, mainRows } from './api-listeners.ts'
import { createAccess, type HolderAccess } from './access/access.ts'
import type { Audit } from './access/audit.ts'
import { createAdmission } from './access/create-rate.ts'
import type { KeyCheck } from './access/key-check.ts'
import { isSafe, refuseCrossOrigin, requireSameOrigin } from './access/same-origin.ts'
import { explainEnded, explainNotFound } from './access/session-absence.ts'
import { readTokenHeader } from './access/shown-token.ts'
import { answerEmpty } from './answer/answer.ts'
import { answerProblem, HttpError, type Refusal } from './answer/problem.ts'
import type { AppContext, AppEnv } from './app-env.ts'
import type { SessionCookie } from './cookies/session-cookie.ts'
import { createBodyReader } from './request/body.ts'
import { createDeviceReader } from './request/device.ts'
import type { Forwarded } from './request/forwarded.ts'
import { rawPath } from './request/request.ts'
import { createCookies } from './routes/cookies.ts'
import { DASHBOARD_COOKIES, mountPages, type OriginOf, type Pages, type PageTree } from './pages.ts'
import type { EventStreams } from './events/event-streams.ts'
import { createEvents } from './routes/events.ts'
import { createFrontPage, createOriginOf } from './routes/front-page.ts'
import { createHandedOut } from './routes/handed-out.ts'
import { createHealthRoute } from './routes/health-route.ts'
import { createNamedSession } from './routes/named-session.ts'
import { createMetricsRoute } from './routes/metrics-route.ts'
import { createRoutes, type Handlers, type Routes } from './routes/routes.ts'
import { createOpenApiRoute } from './routes/openapi-route.ts'
import { createSession } from './routes/session.ts'
import { createSessionRequests } from './routes/session-requests.ts'
import { createSessionsHandlers } from './routes/sessions.ts'
import { createTestClockRoutes } from './routes/test-clock.ts'
import { createVerify } from './routes/verify.ts'

export type AppOptions = {
  readonly sessions: Sessions
  readonly store: Pick<Store, 'health' | 'feed'>
  readonly streams: EventStreams
  readonly apiKeys: ApiKeys
  readonly keyCheck: KeyCheck
  readonly audit: Audit
  readonly cookie: SessionCookie
  readonly forwarded: Forwarded
  readonly holderAccess: HolderAccess
  /** Whether a session keeps the address and the user agent that created it. */
  readonly deviceInfo: 'on' | 'off'
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly limits: SessionLimits
  readonly bodyLimitBytes: number
  /** New sessions a minute of one address; undefined for no limit. */
  readonly createRate: number | undefined
  readonly pages: Pages
  /** Pages that a setting switches on. */
  readonly trees?: readonly PageTree[]
  readonly dashboard: PageTree
  /** Another listener has the operations that are its alone: they are not here. */
  readonly isBesideAdmin?: boolean
  /** Undefined where time passes by itself alone. */
  readonly testTime?: TestTime | undefined
  readonly isStopping?: () => boolean
}

export function createApp(options: AppOptions): Hono<AppEnv> {
  const { cookie } = options
  // A `Secure` cookie proves https: no page can make a browser send one over http.
  const forwarded: Forwarded = { ...options.forwarded, isSecure: cookie.isOverHttps }
  const access = createAccess({ ...options, forwarded })
  const refusalFor = createRefusalFor(options.log)
  const hasTestClock = options.testTime !== undefined
  const routes = createRoutes(mainRows(options.isBesideAdmin ?? false, hasTestClock))

  const app = new Hono<AppEnv>({ getPath: rawPath })
  const sameOrigin = requireSameOrigin(forwarded)
  for (const tree of routes.backEndTrees) {
    // control: api-key-required
    app.use(`${tree.path}/*`, sameOrigin, access.requireBackEnd(tree.scope))
  }
  app.use('/cookies/*', sameOrigin)
  const originOf = createOriginOf(forwarded.isSecure)
  const trees = [options.pages.docs, ...(options.trees ?? [])]
  // control: dashboard-beside-admin
  if (options.isBesideAdmin !== true) trees.push(options.dashboard)
  for (const tree of trees) mountPages(app, tree, originOf)
  const parts = { ...options, forwarded, ...access, refusalFor, originOf, routes }
  routes.mount(app, createHandlers(parts))

  app.notFound((c) => {
    refuseCrossOrigin(c, forwarded)
    throw pathNotFound(routes)
  })
  app.onError((error, c) => {
    const refusal = refusalFor(error)
    options.metrics.http.problem(refusal.code)
    if (c.req.path.startsWith('/sessions/')) return answerProblem(explainEnded(refusal))
    const isOwn = c.req.path === '/session' || c.req.path.startsWith('/session/')
    return refusal.code === 'session_not_found' && isOwn
      ? answerNotFound(c, options)
      : answerProblem(refusal)
  })

  return app
}

type HandlersDeps = AppOptions &
  ReturnType<typeof createAccess> & {
    readonly refusalFor: (error: unknown) => Refusal
    readonly originOf: OriginOf
    readonly routes: Routes
  }

/** The handler of each row of the table of operations. */
function createHandlers(options: HandlersDeps): Handlers {
  const { cookie, deviceInfo, store, bodyLimitBytes, forwarded, originOf, routes } = options
  const { testTime } = options
  // control: http-options
  const bodies = createBodyReader(bodyLimitBytes)
  const deps = {
    ...options,
    bodies,
    readDevice: createDeviceReader(forwarded, deviceInfo),
    admitCreation: createAdmission(options),
    requests: createSessionRequests({ ...options, bodies }),
    answerHandedOut: createHandedOut(options),
    reservedNames: [...cookie.names, ...DASHBOARD_COOKIES],
  }
  return {
    ...createSession(deps),
    ...createSessionsHandlers(deps),
    ...createNamedSession(deps),
    ...createCookies(deps),
    ...createEvents({ ...options, feed: store.feed }),
    // Without the check of the origin: a proxy asks about requests that it may yet refuse itself.
    verify: createVerify(deps),
    getHealth: createHealthRoute(store, options.isStopping),
    ...createTestClockRoutes({ testTime, forwarded, bodies }),
    getMetrics: createMetricsRoute(options.metrics),
    getOpenApi: createOpenApiRoute(documentedRows(testTime !== undefined)),
    getFrontPage: createFrontPage(options.pages, originOf),
    getOptions: () => answerEmpty({ Allow: routes.allMethods }),
  }
}

/** Unforeseen errors are logged with name and place; the caller is told that there was one. */
export function createRefusalFor(log: Log): (error: unknown) => Refusal {
  return function refusalFor(error) {
    if (error instanceof CoatcheckError || error instanceof HttpError) {
      const { code, message } = error
      if (code === 'storage_damaged') log.error('storage_damaged', { message })
      return error
    }
    // The frames only: a message of Node's own may quote its input.
    const { name, stack = '' } = error instanceof Error ? error : new Error('not an error')
    const place = stack.split('\n').filter((line) => line.startsWith('    at '))
    log.error('request_failed', { error: name, place: place.join(' ').trim() })
    return new CoatcheckError(
      'internal',
      'Cannot answer: the server has a fault, its log tells more',
    )
  }
}

/** Names the paths of this listener. */
export function pathNotFound({ shownPaths }: Pick<Routes, 'shownPaths'>): HttpError {
  const others = shownPaths.slice(0, -1).join(', ')
  return new HttpError(
    'route_not_found',
    // Without the path: it may hold a misplaced token or API key.
    `Cannot find this path: there are ${others} and ${shownPaths.at(-1)}; a slash in a key is written %2F`,
  )
}

/**
 * Why the request opens no session. Of two cookies that differ neither is valid: both are removed.
 */
function answerNotFound(c: AppContext, { cookie, clock }: AppOptions): Response {
  const answer = answerProblem(explainNotFound(c, cookie))
  if (isSafe(c) || readTokenHeader(c) !== undefined || cookie.explain(c).state !== 'two_tokens')
    return answer
  const all = cookie.removeFormer?.(c, clock.now(), true) ?? []
  for (const one of all) answer.headers.append('Set-Cookie', one)
  return answer
}

import { Hono } from 'hono'
import type { Clock } from '../base/clock.ts'
import { CoatcheckError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { emptyKey, type SessionLimits } from '../session/limits.ts'
import type { Sessions } from '../service/sessions.ts'
import type { Store } from '../store/store.ts'
import type { ApiKeys } from '../service/api-keys.ts'
import { answerEmpty } from './answer/answer.ts'
import { createAccess, type HolderAccess } from './access/access.ts'
import type { AppContext, AppEnv } from './app-env.ts'
import { networkOf } from './request/client-network.ts'
import { createCreateRate } from './access/create-rate.ts'
import { createCookieRoutes } from './routes/cookie-routes.ts'
import { answerProblem, HttpError, type Refusal } from './answer/problem.ts'
import { createDeviceReader } from './request/device.ts'
import type { Forwarded } from './request/forwarded.ts'
import { createFrontPage } from './routes/front-page.ts'
import { createHealthRoute } from './routes/health-route.ts'
import { refuseOtherMethods } from './answer/method-not-allowed.ts'
import { isSafe, refuseCrossOrigin, requireSameOrigin } from './access/same-origin.ts'
import { explainNotFound } from './access/session-absence.ts'
import type { SessionCookie } from './cookies/session-cookie.ts'
import { readQueries } from './request/query.ts'
import { createSessionRoutes } from './routes/session-routes.ts'
import { createSessionsRoutes } from './routes/sessions-routes.ts'
import { createVerifyRoute } from './routes/verify-route.ts'
import { wantsText } from './request/wants-text.ts'
import { readOptionalJson } from './request/body.ts'

export type AppOptions = {
  readonly sessions: Sessions
  readonly store: Pick<Store, 'health'>
  readonly apiKeys: ApiKeys
  readonly cookie: SessionCookie
  readonly forwarded: Forwarded
  readonly holderAccess: HolderAccess
  /** Whether a session keeps the address and the user agent that created it. */
  readonly deviceInfo: 'on' | 'off'
  readonly clock: Clock
  readonly log: Log
  readonly limits: SessionLimits
  readonly bodyLimitBytes: number
  /** New sessions a minute of one address; undefined for no limit. */
  readonly createRate: number | undefined
}

export function createApp(options: AppOptions): Hono<AppEnv> {
  const { cookie, clock, log, bodyLimitBytes } = options
  // No page can have a `Secure` cookie sent: what it tells of the scheme holds for all that ask.
  const forwarded: Forwarded = { ...options.forwarded, isSecure: cookie.isOverHttps }
  const access = createAccess({ ...options, forwarded })
  const routesDeps = {
    ...options,
    readDevice: createDeviceReader(forwarded, options.deviceInfo),
    admitCreation: createAdmission(options),
  }
  const app = new Hono<AppEnv>({ getPath: rawPath })

  // Without the check of the origin: a proxy asks about requests that it may yet refuse itself.
  // Some, as Envoy and Istio, put the path that they ask about behind that of this route.
  app.all('/verify/*', createVerifyRoute({ ...options, refusalFor }))

  app.get('/', createFrontPage(forwarded.isSecure))
  app.get('/healthz', createHealthRoute(options.store))
  refuseOtherMethods(app, '/healthz', 'GET, HEAD')
  // RFC 9110 section 9.3.7: what a health check asks that knows nothing of the server, HAProxy's for one.
  app.on('OPTIONS', '/', () =>
    answerEmpty({ Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' }),
  )

  const { withOwnSession, withNamedSession } = access
  app.route(
    '/session',
    createSessionRoutes({ ...routesDeps, withSession: withOwnSession, isNamed: false }),
  )
  const sameOrigin = requireSameOrigin(forwarded)
  app.use('/sessions/*', sameOrigin, access.requireBackEnd)
  app.route('/sessions', createSessionsRoutes(routesDeps))
  app.route(
    '/sessions/:id',
    createSessionRoutes({ ...routesDeps, withSession: withNamedSession, isNamed: true }),
  )
  app.on('ALL', ['/session/', '/sessions/:id/'], () => {
    throw emptyKey()
  })
  app.use('/cookies/*', sameOrigin)
  app.route(
    '/cookies',
    createCookieRoutes({
      clock,
      reservedNames: cookie.names,
      isSecure: forwarded.isSecure,
      wantsText: (c) => wantsText(c, readQueries(c)),
      hostsOf: forwarded.hostsOf,
      readJsonBody: (c) => readOptionalJson(c, bodyLimitBytes),
    }),
  )

  app.notFound((c) => {
    refuseCrossOrigin(c, forwarded)
    throw new HttpError(
      'route_not_found',
      // The path is not told: a token or an API key may stand where it does not belong.
      'Cannot find this path: there are /session, /session/KEY, /sessions, /sessions/ID, ' +
        '/sessions/ID/KEY, /cookies, /cookies/NAME, /verify and /healthz; a slash in a key is written %2F',
    )
  })
  app.onError((error, c) => {
    const refusal = refusalFor(error)
    const isUnexplained = refusal.code === 'session_not_found' && isOwnSession(c.req.path)
    if (!isUnexplained) return answerProblem(refusal)
    const answer = answerProblem(explainNotFound(c, cookie))
    // Of two that differ none opens anything: a browser that has them is to be rid of both.
    if (!isSafe(c) && cookie.explain(c).state === 'two_tokens') {
      const all = cookie.removeFormer?.(c, clock.now(), true) ?? []
      for (const one of all) answer.headers.append('Set-Cookie', one)
    }
    return answer
  })

  /** What nobody foresaw is told to the operator, by its name and place, and not to the caller. */
  function refusalFor(error: unknown): Refusal {
    if (error instanceof CoatcheckError || error instanceof HttpError) {
      const { code, message } = error
      if (code === 'storage_damaged') log.error('storage damaged', { message })
      return error
    }
    // The frames alone: a message of Node's own may quote what it choked on.
    const { name, stack = '' } = error instanceof Error ? error : new Error('not an error')
    const place = stack.split('\n').filter((line) => line.startsWith('    at '))
    log.error('request failed', { error: name, place: place.join(' ').trim() })
    return new CoatcheckError(
      'internal',
      'Cannot answer: the server has a fault, its log tells more',
    )
  }

  return app
}

/**
 * The path as it came: a key may be `..` or hold a `%2F`, which the URL standard would resolve or a
 * router decode.
 */
function rawPath(_request: Request, options?: { env?: AppEnv['Bindings'] }): string {
  const target = options?.env?.incoming.url ?? '/'
  const mark = target.indexOf('?')
  return mark === -1 ? target : target.slice(0, mark)
}

function isOwnSession(path: string): boolean {
  return path === '/session' || path.startsWith('/session/')
}

/** Asked for each session that somebody without an API key begins. */
function createAdmission(options: AppOptions): (c: AppContext) => void {
  const { clock, forwarded, createRate } = options
  if (createRate === undefined) return () => {}
  const admit = createCreateRate(clock, createRate)
  return (c) => admit(networkOf(forwarded.addressOf(c)))
}

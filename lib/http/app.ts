import { Hono } from 'hono'
import type { Clock } from '../clock.ts'
import { CoatcheckError } from '../errors.ts'
import type { Log } from '../log.ts'
import { emptyKey, type SessionRules } from '../session/rules.ts'
import type { Sessions } from '../sessions.ts'
import { findOwnSession } from './access.ts'
import type { AppEnv } from './app-env.ts'
import { createCookieRoutes } from './cookie-routes.ts'
import { renderProblem } from './problem.ts'
import { requireSameOrigin } from './same-origin.ts'
import type { SessionCookie } from './session-cookie.ts'
import { createSessionRoutes } from './session-routes.ts'
import { wantsText } from './wants-text.ts'
import { readOptionalJson } from './body.ts'

export type AppOptions = {
  readonly sessions: Sessions
  readonly cookie: SessionCookie
  readonly clock: Clock
  readonly log: Log
  readonly rules: SessionRules
  readonly bodyLimitBytes: number
}

export function createApp(options: AppOptions): Hono<AppEnv> {
  const { sessions, cookie, clock, log, bodyLimitBytes } = options
  const app = new Hono<AppEnv>({ getPath: rawPath })

  app.on(['POST', 'PUT', 'PATCH', 'DELETE'], '*', requireSameOrigin(cookie.isSecure))
  app.use('/session/*', findOwnSession(sessions, cookie))
  app.route('/session', createSessionRoutes(options))
  app.all('/session/', () => {
    throw emptyKey()
  })
  app.route(
    '/cookies',
    createCookieRoutes({
      clock,
      reservedNames: cookie.names,
      isSecure: cookie.isSecure,
      wantsText,
      readJsonBody: (c) => readOptionalJson(c, bodyLimitBytes),
    }),
  )

  app.notFound((c) => {
    throw new CoatcheckError(
      'route_not_found',
      `Cannot find ${c.req.path}: the paths are /session, /session/KEY, /cookies and /cookies/NAME; ` +
        'a slash in a key is written %2F',
    )
  })
  app.onError((error) => {
    const { status, headers, body } = renderProblem(refusalFor(error))
    return new Response(body, { status, headers })
  })

  /** What nobody foresaw is told to the operator, by its name and place, and not to the caller. */
  function refusalFor(error: Error): CoatcheckError {
    if (error instanceof CoatcheckError) return error
    // The frames alone: a message of Node's own may quote what it choked on.
    const place = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
    log.error('request failed', { error: error.name, place: place.join(' ').trim() })
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
function rawPath(request: Request, options?: { env?: AppEnv['Bindings'] }): string {
  const target = options?.env?.incoming?.url ?? request.url.slice(request.url.indexOf('/', 8))
  const mark = target.indexOf('?')
  return mark === -1 ? target : target.slice(0, mark)
}

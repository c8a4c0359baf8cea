/**
 * `/dashboard`: what a person looks at who runs Coatcheck. Rendered on the server; a few scripts make
 * numbers move and keys work. It shows and ends sessions, and writes none.
 */
import { Hono, type Handler } from 'hono'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { KeyCheck } from '../http/access/key-check.ts'
import { isSafe, refuseCrossOrigin } from '../http/access/same-origin.ts'
import { answerProblem, type Refusal } from '../http/answer/problem.ts'
import type { AppContext, AppEnv } from '../http/app-env.ts'
import { createRefusalFor } from '../http/http.ts'
import type { PageTree } from '../http/pages.ts'
import type { Forwarded } from '../http/request/forwarded.ts'
import { rawPath } from '../http/request/request.ts'
import type { HttpCounts } from '../metrics/http-counts.ts'
import type { Points } from '../metrics/points.ts'
import type { ProcessReading } from '../metrics/process-families.ts'
import type { Dashboards, Viewer } from '../service/dashboards.ts'
import type { KeyChanges } from '../service/key-changes.ts'
import type { KeyUses } from '../service/key-uses.ts'
import type { Sessions } from '../service/sessions.ts'
import type { Sweeper } from '../service/sweeper.ts'
import type { SettingsInForce } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'
import { notFound, wantsPage } from './answers.ts'
import { createAppCounts } from './pages/app-counts.ts'
import type { DashboardAssets } from './assets.ts'
import { createFeedPage } from './pages/feed.ts'
import { createFormReader } from './forms.ts'
import { createFrame } from './parts/frame.ts'
import { createKeysPage } from './pages/keys.ts'
import { createLive } from './live.ts'
import { createLogin } from './login.ts'
import { createLoginCookie } from './login-cookie.ts'
import { createOverview } from './pages/overview.ts'
import { answerRefusalPage } from './refusal-page.ts'
import { createSessionPage } from './pages/session.ts'
import { createSessionsPage } from './pages/sessions.ts'
import { createStoragePage, type ShownData } from './pages/storage.ts'
import { createThemeForm } from './theme.ts'
import { createTrail } from './trail.ts'
import { createUsersPage } from './pages/users.ts'

export type DashboardDeps = {
  readonly assets: DashboardAssets
  readonly dashboards: Dashboards
  readonly sessions: Sessions
  readonly store: Store
  readonly keyCheck: KeyCheck
  readonly keyChanges: KeyChanges
  readonly keyUses: Pick<KeyUses, 'lastUsedAt'>
  readonly sweeper: Pick<Sweeper, 'sweepNow' | 'history'>
  readonly points: Pick<Points, 'all' | 'watch'>
  readonly process: { read(): ProcessReading }
  readonly counts: Pick<HttpCounts, 'problem'>
  readonly forwarded: Forwarded
  readonly clock: Clock
  readonly log: Log
  readonly inForce: SettingsInForce
  readonly data: ShownData
  readonly keepEndedMs: number
  readonly version: string
}

export type Dashboard = PageTree & {
  /** Closes all streams: whoever stops the listeners waits for them. */
  close(): void
}

type View = (c: AppContext, viewer: Viewer) => MaybePromise<Response>

export function createDashboard(deps: DashboardDeps): Dashboard {
  const { assets, dashboards, keyCheck, clock, log, counts } = deps
  const cookie = createLoginCookie(deps.forwarded)
  const forwarded: Forwarded = { ...deps.forwarded, isSecure: cookie.isOverHttps }
  const frame = createFrame({ assets, version: deps.version })
  const trail = createTrail({ log, forwarded })
  const readForm = createFormReader()
  const live = createLive({ ...deps, feed: deps.store.feed })
  const login = createLogin({ dashboards, keyCheck, cookie, trail, clock, frame, readForm })
  const refusalFor = createRefusalFor(log)

  /** For whoever has logged in. What a script asks for by itself is nobody's activity. */
  function view(show: View, isActivity = true): Handler<AppEnv> {
    return async (c) => {
      const viewer = await login.findViewer(c, isActivity)
      return viewer === undefined ? login.ask(c) : await show(c, viewer)
    }
  }

  /** What changes something: for those whose key may do everything. */
  function act(perform: View): Handler<AppEnv> {
    return view(async (c, viewer) => {
      // control: dashboard-acts
      keyCheck.requireScope(c, viewer.backEnd, 'all')
      return await perform(c, viewer)
    })
  }

  const app = new Hono<AppEnv>({ getPath: rawPath })
  app.use('*', (c, next) => {
    // control: dashboard-cross-origin
    if (!isSafe(c)) refuseCrossOrigin(c, forwarded)
    return next()
  })
  app.get('/dashboard/assets/*', (c) => {
    const asset = assets.find(c.req.path)
    if (asset === undefined) throw notFound()
    return asset
  })
  app.get('/dashboard/login', login.show)
  app.post('/dashboard/login', login.logIn)
  app.post('/dashboard/logout', login.logOut)
  app.post('/dashboard/theme', createThemeForm(readForm))
  addPages()
  app.all(
    '*',
    view(() => {
      throw notFound()
    }),
  )
  app.onError(async (error, c) => {
    const refusal = refusalFor(error)
    counts.problem(refusal.code)
    return await answerRefusal(c, refusal)
  })

  function addPages(): void {
    const parts = { ...deps, frame, trail, readForm }
    const overview = createOverview({ ...parts, appCounts: createAppCounts(deps.store, clock) })
    const session = createSessionPage(parts)
    const users = createUsersPage(parts)
    const feed = createFeedPage(parts)
    const keys = createKeysPage(parts)
    const storage = createStoragePage(parts)

    app.get('/dashboard', view(overview))
    app.get('/dashboard/', view(overview))
    app.get('/dashboard/sessions', view(createSessionsPage(parts)))
    app.get('/dashboard/session/:id', view(session.show))
    app.post('/dashboard/session/:id/end', act(session.end))
    app.get('/dashboard/users', view(users.list))
    app.get('/dashboard/users/log-out', act(users.askLogOut))
    app.post('/dashboard/users/log-out', act(users.logOut))
    app.get('/dashboard/feed', view(feed.show))
    app.get('/dashboard/feed/rows', view(feed.rows, false))
    app.get('/dashboard/keys', view(keys.show))
    app.post('/dashboard/keys', act(keys.make))
    app.post('/dashboard/keys/revoke', act(keys.revoke))
    app.get('/dashboard/storage', view(storage.show))
    app.post('/dashboard/storage/sweep', act(storage.sweep))
    app.get(
      '/dashboard/live',
      view((c, viewer) => live.open(viewer, c.req.method), false),
    )
  }

  async function answerRefusal(c: AppContext, refusal: Refusal): Promise<Response> {
    if (!wantsPage(c)) return answerProblem(refusal)
    const viewer = await login.findViewer(c, false).catch(() => undefined)
    return answerRefusalPage(c, frame, refusal, viewer)
  }

  return {
    path: '/dashboard',
    answer: (c) => app.fetch(c.req.raw, c.env),
    close: live.close,
  }
}

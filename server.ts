/** The whole program on one page: settings → store → sessions → app → listen → sweep → stop. */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from './lib/base/clock.ts'
import { dropPermissions } from './lib/base/permissions.ts'
import { createTestClock } from './lib/base/test-clock.ts'
import { EXIT, type ExitName } from './lib/command-line/exit-codes.ts'
import { readAssets } from './lib/dashboard/assets.ts'
import { createDashboard, type Dashboard } from './lib/dashboard/dashboard.ts'
import { createPages } from './lib/docs/docs.ts'
import { createAudit } from './lib/http/access/audit.ts'
import { createKeyCheck } from './lib/http/access/key-check.ts'
import { createAdminApp } from './lib/http/admin.ts'
import { createSessionCookie } from './lib/http/cookies/session-cookie.ts'
import { createApp } from './lib/http/http.ts'
import { createEventStreams } from './lib/http/events/event-streams.ts'
import { createForwarded } from './lib/http/request/forwarded.ts'
import { forwardAuth } from './lib/http/routes/verify.ts'
import { startListeners } from './lib/http/server/listeners.ts'
import { createServerCounts } from './lib/http/server/metric-routes.ts'
import { createMetrics } from './lib/metrics/metrics.ts'
import { startPoints } from './lib/metrics/points.ts'
import { watchProcess } from './lib/metrics/process-families.ts'
import { createSweepCounts } from './lib/metrics/sweep-counts.ts'
import {
  announce,
  logStart,
  openLog,
  readVersions,
  reportVariables,
} from './lib/program/announce.ts'
import { openStore } from './lib/program/open-store.ts'
import { runProgram } from './lib/program/program.ts'
import { killAfter, waitForSignal } from './lib/program/signals.ts'
import { openApiKeys } from './lib/service/api-keys.ts'
import { createDashboards } from './lib/service/dashboards.ts'
import { createKeyChanges } from './lib/service/key-changes.ts'
import { createKeyUses } from './lib/service/key-uses.ts'
import { createSessions } from './lib/service/sessions.ts'
import { startKeyWatch } from './lib/service/key-watch.ts'
import { startStorageWatch } from './lib/service/storage-watch.ts'
import { createSweeper } from './lib/service/sweeper.ts'
import { createTestTime } from './lib/service/test-time.ts'
import { createLimits } from './lib/session/limits.ts'
import { dataOf, nameOfData } from './lib/settings/data.ts'
import type { Settings, SettingsInForce } from './lib/settings/settings.ts'
import { createTour, isTourOn } from './lib/tour/tour.ts'

/** The part of the time for a stop in which requests are answered; the rest is for the writer. */
const ANSWERING_PART = 0.8
/** The time that a stop takes on a busy machine even if it waits for nothing. */
const LEAST_STOP_MS = 2_000
const KEY_USES_MS = 60_000

await runProgram(process.argv.slice(2), serve)

/** Serves until it is told to stop, or cannot go on; returns the exit code. */
async function serve(settings: Settings, inForce: SettingsInForce): Promise<number> {
  const testClock = settings.testClock === 'on' ? createTestClock(systemClock) : undefined
  const log = openLog(settings.logFormat, testClock ?? systemClock)
  const limits = createLimits(settings)
  const stopping = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<void>()
  let isStopping = false
  let exit: ExitName = 'done'

  // From here on a signal that comes during the start ends with a clean stop, too.
  waitForSignal((signal) => {
    log.info('stopping', { signal })
    isStopping = true
    stopping.resolve()
  })
  reportVariables(log)

  const data = dataOf(settings)
  const opened = await openStore(data, {
    ...{ settings, limits, clock: testClock ?? systemClock, log },
    onFailure() {
      exit = 'diskFailed'
      failed.resolve()
    },
  })
  const { store, clock } = opened

  const { sweepIntervalMs: intervalMs } = settings
  const sweeps = createSweepCounts(intervalMs)
  const streams = createEventStreams({ ...settings, feed: store.feed, clock })
  const sweeper = createSweeper({ store, clock, log, intervalMs, onSwept: sweeps.swept })
  const processWatch = watchProcess(clock)
  const counts = createServerCounts()
  const metrics = createMetrics({
    http: counts,
    store,
    sweeps,
    streams,
    process: processWatch,
    versions: readVersions(data),
  })
  const points = startPoints({ http: counts, store, process: processWatch, clock })
  const keyUses = createKeyUses({ keys: store.keys, clock })
  const keyChanges = createKeyChanges({ keys: store.keys, clock })
  const { listeners, apiKeys, dashboard } = await listen().catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  logStart(log, {
    listeners,
    data,
    madeKeyAt: apiKeys.madeAt,
    inForce,
    hasTestClock: testClock !== undefined,
  })
  const stopKeyWatch = startKeyWatch({ keys: store.keys, clock, log, isOwn: keyChanges.isOwn })
  const stopNoting = clock.every(KEY_USES_MS, () => void keyUses.write())
  const stopFlushing = clock.every(1_000, log.flush)
  const stopWatch = startStorageWatch({ store, clock, log })
  const stopSweeper = sweeper.start()
  // Everything is open now: the storage, the writer's thread, the address. That stays open.
  dropPermissions({ except: opened.keptRight })
  announce(listeners, { keyMadeAt: apiKeys.madeAt, hasTestClock: testClock !== undefined })

  // control: stop-delay
  const delayed = stopping.promise.then(() =>
    sleep(settings.stopDelayMs, undefined, { ref: false }),
  )
  await Promise.race([delayed, failed.promise])
  stopSweeper()
  stopWatch()
  stopKeyWatch()
  stopNoting()
  points.stop()
  dashboard.close()
  processWatch.stop()
  // control: stop-in-time
  killAfter(Math.max(settings.stopTimeoutMs, LEAST_STOP_MS), log)
  streams.stop()
  // control: stop-takes-time-2
  await listeners.stop(settings.stopTimeoutMs * ANSWERING_PART)
  await keyUses.write()
  await store.close()
  stopFlushing()
  log.flush()
  log.info('stopped', { exitCode: EXIT[exit] })
  return EXIT[exit]

  async function listen() {
    const { cookieName: name, cookieDomain: domain, cookieSameSite: sameSite } = settings
    const { listenPath, host, port, adminListen } = settings
    const sessions = createSessions({ store, clock, limits })
    const forwarded = createForwarded(settings.trustedProxies)
    const cookie = createSessionCookie({ name, domain, sameSite, forwarded, log })
    const apiKeys = await openApiKeys({
      keys: store.keys,
      clock,
      configured: settings.apiKeys ?? [],
      uses: keyUses,
      path: settings.apiKeyPath ?? opened.keyPath,
      makesFolder: settings.apiKeyPath === undefined,
    })
    const audit = createAudit({ log, forwarded })
    const keyCheck = createKeyCheck({ apiKeys, clock, audit })
    const dashboard: Dashboard = createDashboard({
      assets: readAssets(),
      dashboards: createDashboards({ store, apiKeys, clock }),
      ...{ sessions, store, keyCheck, keyChanges, keyUses, sweeper, points, counts },
      ...{ process: processWatch, forwarded, clock, log, inForce },
      ...{ data: { kind: data.kind, name: nameOfData(data) }, keepEndedMs: settings.keepEndedMs },
      version: readVersions(data).version,
    })
    const testTime = testClock && createTestTime({ clock: testClock, sweeper, log })
    const hasTour = isTourOn(settings)
    const pages = createPages({ hasTour })
    const trees = hasTour ? [createTour({ cookie, clock, limits: settings })] : []
    const parts = {
      sessions,
      store,
      streams,
      apiKeys,
      keyCheck,
      audit,
      dashboard,
      cookie,
      forwarded,
      clock,
      log,
      limits,
      metrics,
      pages,
      testTime,
      isStopping: () => isStopping,
    }
    const isBesideAdmin = adminListen !== undefined
    const app = createApp({ ...settings, ...parts, trees, isBesideAdmin })
    const admin = adminListen && {
      app: createAdminApp({ ...parts, address: adminListen }),
      address: adminListen,
    }
    const address = listenPath === undefined ? { host, port } : { path: listenPath }
    const all = { ...settings, app, forwardAuth, address, admin, counts: metrics.http }
    return { listeners: await startListeners(all), apiKeys, dashboard }
  }
}

/** The whole program on one page: settings → store → sessions → app → listen → sweep → stop. */
import { systemClock } from './lib/base/clock.ts'
import { createLog } from './lib/base/log.ts'
import { dropPermissions } from './lib/base/permissions.ts'
import { EXIT, type ExitName } from './lib/command-line/exit-codes.ts'
import { createSessionCookie } from './lib/http/cookies/session-cookie.ts'
import { createApp } from './lib/http/http.ts'
import { createForwarded } from './lib/http/request/forwarded.ts'
import { forwardAuth } from './lib/http/routes/verify.ts'
import { startHttpServer } from './lib/http/server/server.ts'
import { announce, reportVariables } from './lib/program/announce.ts'
import { runProgram } from './lib/program/program.ts'
import { killAfter, waitForSignal } from './lib/program/signals.ts'
import { openApiKeys } from './lib/service/api-keys.ts'
import { createSessions } from './lib/service/sessions.ts'
import { startStorageWatch } from './lib/service/storage-watch.ts'
import { startSweeper } from './lib/service/sweeper.ts'
import { createLimits } from './lib/session/limits.ts'
import type { Settings } from './lib/settings/settings.ts'
import { placeAddon } from './lib/store-sqlite/database/addon.ts'
import { KEY_FILE } from './lib/store-sqlite/database/beside-files.ts'
import { openSqliteStore } from './lib/store-sqlite/store-sqlite.ts'

/** The part of the time for a stop in which requests are answered; the rest is for the writer. */
const ANSWERING_PART = 0.8
/** The time that a stop takes on a busy machine even if it waits for nothing. */
const LEAST_STOP_MS = 2_000

await runProgram(process.argv.slice(2), serve)

/** Serves until it is told to stop, or cannot go on; returns the exit code. */
async function serve(settings: Settings): Promise<number> {
  const clock = systemClock
  const log = createLog({ clock, write: (line) => process.stderr.write(line) })
  const limits = createLimits(settings)
  const stopping = Promise.withResolvers<void>()
  let exit: ExitName = 'done'

  // From here on a signal that comes during the start ends with a clean stop, too.
  waitForSignal((signal) => {
    log.info('stopping', { signal })
    stopping.resolve()
  })
  reportVariables(log)

  placeAddon(settings.dataPath, { keep: true })
  const store = await openSqliteStore({
    ...settings,
    path: settings.dataPath,
    limits,
    clock,
    onFailure(cause) {
      log.error('writing_failed', { message: cause.message })
      exit = 'diskFailed'
      stopping.resolve()
    },
    onNewNames(count) {
      log.warn('data_file_has_other_names', { names: count })
    },
    onWalDamage({ from, frames, transactions }) {
      log.warn('wal_truncated', { from, frames, transactions })
    },
  })

  const { server, apiKeys } = await listen().catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  const stopWatch = startStorageWatch({ store, clock, log })
  const stopSweeper = startSweeper({ store, clock, log, intervalMs: settings.sweepIntervalMs })
  // Everything is open now: the database, the writer's thread, the address. That stays open.
  dropPermissions()
  announce(server.url, apiKeys.madeAt)

  await stopping.promise
  stopSweeper()
  stopWatch()
  // control: stop-in-time
  killAfter(Math.max(settings.stopTimeoutMs, LEAST_STOP_MS), log)
  // control: stop-takes-time-2
  await server.stop(settings.stopTimeoutMs * ANSWERING_PART)
  await store.close()
  log.info('stopped')
  return EXIT[exit]

  async function listen() {
    const { cookieName: name, cookieDomain: domain, cookieSameSite: sameSite } = settings
    const { listenPath, host, port } = settings
    const sessions = createSessions({ store, clock, limits })
    const forwarded = createForwarded(settings.trustedProxies)
    const cookie = createSessionCookie({ name, domain, sameSite, forwarded, log })
    const apiKeys = await openApiKeys({
      keys: store.keys,
      clock,
      configured: settings.apiKeys ?? [],
      path: settings.apiKeyPath ?? settings.dataPath + KEY_FILE,
    })
    const parts = { sessions, store, apiKeys, cookie, forwarded, clock, log, limits }
    const app = createApp({ ...settings, ...parts })
    const address = listenPath === undefined ? { host, port } : { path: listenPath }
    const server = await startHttpServer({ ...settings, app, forwardAuth, address })
    return { server, apiKeys }
  }
}

/** Wires the parts of Coatcheck together: config → store → sessions → sweeper → app → listen → stop. */
import { constants, setPriority } from 'node:os'
import { openApiKeys, type OpenApiKeys } from './lib/service/api-keys.ts'
import { readAsset } from './lib/base/assets.ts'
import { systemClock } from './lib/base/clock.ts'
import { type CommandIo, renderUsage, runCommand } from './lib/commands/command.ts'
import { commands } from './lib/commands/commands.ts'
import { readCalled } from './lib/program/called.ts'
import { EXIT, explainFailure } from './lib/program/exit-codes.ts'
import { createApp } from './lib/http/http.ts'
import { forwardAuth } from './lib/http/routes/verify.ts'
import { createForwarded } from './lib/http/request/forwarded.ts'
import { type HttpServer, type ListenAddress, startHttpServer } from './lib/http/server/server.ts'
import { createSessionCookie } from './lib/http/cookies/session-cookie.ts'
import { createLog, type Log } from './lib/base/log.ts'
import { dropPermissions } from './lib/base/permissions.ts'
import { createLimits } from './lib/session/limits.ts'
import { createSessions } from './lib/service/sessions.ts'
import { readSettings, readStrayVariables, type Settings } from './lib/settings/settings.ts'
import { renderHelp } from './lib/settings/settings-help.ts'
import { isHangupIgnored, watchStarter } from './lib/program/starter.js'
import { API_KEY } from './lib/store-sqlite/database/beside-files.ts'
import { placeAddon } from './lib/store-sqlite/database/addon.ts'
import { openSqliteStore } from './lib/store-sqlite/store-sqlite.ts'
import { StorageError } from './lib/store-sqlite/database/storage-error.ts'
import { startStorageWatch } from './lib/service/storage-watch.ts'
import { startSweeper } from './lib/service/sweeper.ts'

/**
 * One wish to stop may come as several signals: npm hands on a Ctrl-C that the terminal has sent to us
 * already, systemd may send SIGHUP after SIGTERM. Within this time it is one.
 */
const SAME_WISH_MS = 150

/** The part of a stop's time in which requests are answered; the rest is for the writer to finish. */
const ANSWERING_PART = 0.8
/** What a stop takes that waits for nothing, on a machine that is busy. */
const LEAST_STOP_MS = 2_000

// That nobody reads them any more, their disk being full or their pipe closed, is no reason to stop.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const { exitCode, lines } = explainFailure(error)
  for (const line of lines) err(`${line}\n`)
  process.exitCode = exitCode
}

/** Answers the exit code. */
async function main(args: readonly string[]): Promise<number> {
  // What was started for another process ends with it, as asked to by a signal.
  watchStarter(() => process.kill(process.pid, 'SIGTERM'))
  if (isHangupIgnored()) process.on('SIGHUP', () => {})

  const called = readCalled(args, commands)
  switch (called.kind) {
    case 'help':
      out(called.command === undefined ? renderHelp() : renderUsage(called.command))
      return EXIT.stopped
    case 'version':
      out(`${readVersion()}\n`)
      return EXIT.stopped
    case 'command':
      requireFolder()
      // A server that runs beside it goes first.
      if (called.command.isUrgent !== true) setPriority(constants.priority.PRIORITY_LOW)
      return await runCommand(called.command, called.args, commandIo())
    case 'serve': {
      const asked = readSettings(called.args)
      if (asked.kind === 'serve') {
        requireFolder()
        return await serve(asked.settings)
      }
      out(asked.kind === 'help' ? asked.text : `${readVersion()}\n`)
      return EXIT.stopped
    }
  }
}

async function serve(settings: Settings): Promise<number> {
  const clock = systemClock
  const log = createLog({ clock, write: (line) => process.stderr.write(line) })
  const limits = createLimits(settings)
  const stopping = Promise.withResolvers<void>()
  let exitCode: number = EXIT.stopped

  // From here on, so that whoever stops what is just starting waits for its end as for any other.
  onSignal((signal) => {
    log.info('stopping', { signal })
    stopping.resolve()
  })
  tellOfVariables(log)

  placeAddon(settings.dataPath, { keep: true })
  const store = await openSqliteStore({
    path: settings.dataPath,
    durability: settings.durability,
    limits,
    keepEndedMs: settings.keepEndedMs,
    walLimitBytes: settings.walLimitBytes,
    maxPendingWrites: settings.maxPendingWrites,
    maxWriteWaitMs: settings.maxWriteWaitMs,
    clock,
    onFailure(cause) {
      log.error('writing failed', { message: cause.message })
      exitCode = EXIT.writingFailed
      stopping.resolve()
    },
    onNewNames(count) {
      log.warn('data file has other names', { names: count })
    },
    onWalDamage({ from, frames, transactions }) {
      log.warn('wal_truncated', { from, frames, transactions })
    },
  })
  const sessions = createSessions({ store, clock, limits })
  const forwarded = createForwarded(settings.trustedProxies)
  const cookie = createSessionCookie({
    name: settings.cookieName,
    domain: settings.cookieDomain,
    sameSite: settings.cookieSameSite,
    forwarded,
    log,
  })
  let server: HttpServer
  let apiKeys: OpenApiKeys
  try {
    apiKeys = await openApiKeys({
      keys: store.keys,
      clock,
      configured: settings.apiKeys ?? [],
      path: settings.apiKeyPath ?? settings.dataPath + API_KEY,
    })
    const app = createApp({
      ...settings,
      sessions,
      store,
      apiKeys,
      cookie,
      forwarded,
      clock,
      log,
      limits,
    })
    server = await startHttpServer({
      ...settings,
      app,
      forwardAuth,
      address: addressOf(settings),
    })
  } catch (error) {
    await store.close()
    throw error
  }
  const stopWatch = startStorageWatch({ store, clock, log })
  const stopSweeper = startSweeper({ store, clock, log, intervalMs: settings.sweepIntervalMs })
  // All is open that will ever be: the database, the writer's thread, the address. What is open stays.
  dropPermissions()
  announce(server.url, apiKeys.madeAt)

  await stopping.promise
  stopSweeper()
  stopWatch()
  killAfter(Math.max(settings.stopTimeoutMs, LEAST_STOP_MS), log)
  await server.stop(settings.stopTimeoutMs * ANSWERING_PART)
  await store.close()
  log.info('stopped')
  return exitCode
}

/** Names alone: a value may be anybody's secret. */
function tellOfVariables(log: Log): void {
  const { serviceLinks, unknown } = readStrayVariables()
  if (serviceLinks.length > 0) {
    log.info('service_links_ignored', { variables: serviceLinks.join(' ') })
  }
  if (unknown.length > 0) log.warn('unknown_variables', { variables: unknown.join(' ') })
}

/** A shell may still be in a folder that was removed since: then no path means anything. */
function requireFolder(): void {
  try {
    process.cwd()
  } catch {
    throw new StorageError(
      'unwritable',
      'Cannot start: the folder that this was called from has been removed; change into another (cd)',
    )
  }
}

/** Calls `stop` at the first signal that asks for it; a second one ends the process at once. */
function onSignal(stop: (signal: string) => void): void {
  let first: number | undefined
  const signals = ['SIGTERM', 'SIGINT', ...(isHangupIgnored() ? [] : ['SIGHUP' as const])] as const
  for (const signal of signals) {
    process.on(signal, () => {
      const now = performance.now()
      if (first === undefined) {
        first = now
        stop(signal)
      } else if (now - first > SAME_WISH_MS) {
        process.exit(128 + constants.signals[signal])
      }
    })
  }
}

/**
 * A disk that hangs in a sync can be waited for by nobody, not even by `process.exit`. All that was
 * acknowledged is on disk.
 */
function killAfter(ms: number, log: Log): void {
  const kill = () => {
    log.error('stop took too long', { afterMs: ms })
    process.kill(process.pid, 'SIGKILL')
  }
  setTimeout(kill, ms).unref()
}

/** The only lines on stdout: where the server is, what to type to try it, and where the first key is. */
function announce(url: string, keyMadeAt: string | undefined): void {
  const target = url.startsWith('unix:')
    ? `--unix-socket ${url.slice('unix:'.length)} http://localhost`
    : url
  out(
    `Coatcheck listens on ${url}\n` +
      `Try: curl -i -c jar -b jar -X PUT -d '"ada"' ${target}/session/user\n` +
      (keyMadeAt === undefined ? '' : `API key for back ends, made just now: ${keyMadeAt}\n`),
  )
}

function commandIo(): CommandIo {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads may go before the end; but an export on a full disk is none.
    if (error.code === 'EPIPE') return
    err(`Cannot write to stdout: ${error.message}\n`)
    // The command hears of it first: a key that nobody has is revoked.
    setImmediate(() => process.exit(EXIT.writingFailed))
  })
  return {
    clock: systemClock,
    out,
    outWhenReady,
    err,
    isTerminal: process.stderr.isTTY === true,
    // Opened by its first use only: most commands read nothing.
    get stdin() {
      return process.stdin
    },
  }
}

function out(text: string): void {
  process.stdout.write(text)
}

/** False once the reader has gone: what it had not wanted is nobody's loss. */
async function outWhenReady(text: string): Promise<boolean> {
  return await new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(error === null || error === undefined))
  })
}

function err(text: string): void {
  process.stderr.write(text)
}

function addressOf({ listenPath, host, port }: Settings): ListenAddress {
  return listenPath === undefined ? { host, port } : { path: listenPath }
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readAsset('package.json'))
  return manifest !== null && typeof manifest === 'object' && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

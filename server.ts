/** Wires the parts of Coatcheck together: config → store → sessions → sweeper → app → listen → stop. */
import { constants, setPriority } from 'node:os'
import { openApiKeys, type OpenApiKeys } from './lib/api-keys.ts'
import { readAsset } from './lib/assets.ts'
import { systemClock } from './lib/clock.ts'
import { type CommandIo, runCommand } from './lib/commands/command.ts'
import { commands } from './lib/commands/commands.ts'
import { EXIT, explainFailure } from './lib/exit-codes.ts'
import { createApp } from './lib/http/app.ts'
import { createForwarded } from './lib/http/forwarded.ts'
import { type HttpServer, type ListenAddress, startHttpServer } from './lib/http/http-server.ts'
import { createSessionCookie } from './lib/http/session-cookie.ts'
import { createLog } from './lib/log.ts'
import { dropPermissions } from './lib/permissions.ts'
import type { SessionRules } from './lib/session/rules.ts'
import { createSessions } from './lib/sessions.ts'
import { readSettings, type Settings } from './lib/settings.ts'
import { placeAddon } from './lib/store/addon.ts'
import { openSqliteStore } from './lib/store/sqlite-store.ts'
import { startStorageWatch } from './lib/storage-watch.ts'
import { startSweeper } from './lib/sweeper.ts'

/** npm hands on a Ctrl-C that the terminal has sent to us already: within this time it is one. */
const SAME_SIGNAL_MS = 100

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
  const named = commands.get(args[0] ?? '')
  if (named !== undefined) {
    // A server that runs beside it goes first.
    setPriority(constants.priority.PRIORITY_LOW)
    return await runCommand(named, args.slice(1), commandIo())
  }
  const command = readSettings(args)
  if (command.kind === 'serve') return await serve(command.settings)
  out(command.kind === 'help' ? command.text : `${readVersion()}\n`)
  return EXIT.stopped
}

async function serve(settings: Settings): Promise<number> {
  const clock = systemClock
  const log = createLog({ clock, write: (line) => process.stderr.write(line) })
  const rules = rulesOf(settings)
  const stopping = Promise.withResolvers<void>()
  let exitCode: number = EXIT.stopped

  placeAddon(settings.dataPath)
  const store = await openSqliteStore({
    path: settings.dataPath,
    durability: settings.durability,
    rules,
    keepEndedMs: settings.keepEndedMs,
    logLimitBytes: settings.logLimitBytes,
    maxPendingWrites: settings.maxPendingWrites,
    clock,
    onFailure(cause) {
      log.error('writing failed', { message: cause.message })
      exitCode = EXIT.writingFailed
      stopping.resolve()
    },
    onLogDamage({ from, frames, transactions }) {
      log.warn('log cut short', { from, frames, transactions })
    },
  })
  const sessions = createSessions({ store, clock, rules })
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
      store,
      clock,
      configured: settings.apiKeys ?? [],
      path: settings.apiKeyPath ?? `${settings.dataPath}.api-key`,
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
      rules,
    })
    server = await startHttpServer({ ...settings, app, address: addressOf(settings) })
  } catch (error) {
    await store.close()
    throw error
  }
  const stopWatch = startStorageWatch({ store, clock, log })
  const stopSweeper = startSweeper({ store, clock, log, intervalMs: settings.sweepIntervalMs })
  onSignal((signal) => {
    log.info('stopping', { signal })
    stopping.resolve()
  })
  // All is open that will ever be: the database, the writer's thread, the address. What is open stays.
  dropPermissions()
  announce(server.url, apiKeys.madeAt)

  await stopping.promise
  stopSweeper()
  stopWatch()
  await server.stop(settings.stopTimeoutMs)
  await store.close()
  log.info('stopped')
  return exitCode
}

/** Calls `stop` at the first SIGTERM or SIGINT; a second one ends the process at once. */
function onSignal(stop: (signal: string) => void): void {
  let first: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const now = performance.now()
      if (first === undefined) {
        first = now
        stop(signal)
      } else if (now - first > SAME_SIGNAL_MS) {
        process.exit(128 + constants.signals[signal])
      }
    })
  }
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
    process.exit(EXIT.writingFailed)
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

function rulesOf(settings: Settings): SessionRules {
  return {
    ordinary: { idleTimeoutMs: settings.idleTimeoutMs, lifetimeMs: settings.lifetimeMs },
    permanent: {
      idleTimeoutMs: settings.permanentIdleTimeoutMs,
      lifetimeMs: settings.permanentLifetimeMs,
    },
    sessionLimitBytes: settings.sessionLimitBytes,
    keyLimitBytes: settings.keyLimitBytes,
    maxKeys: settings.maxKeys,
    maxDepth: settings.maxDepth,
    maxSessionsPerSub: settings.maxSessionsPerSub,
    onSessionLimit: settings.onSessionLimit,
  }
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

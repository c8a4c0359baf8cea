/** A relay from its flags to its end: files → metrics → rights dropped → relay → stop. */
import type { Clock } from '../../base/clock.ts'
import { createLog, type Log } from '../../base/log.ts'
import { createTextLines, renderJsonLine } from '../../base/log-lines.ts'
import { dropPermissions } from '../../base/permissions.ts'
import { readVersion } from '../../base/version.ts'
import { EXIT, type ExitName } from '../../command-line/exit-codes.ts'
import { info } from '../../metrics/exposition.ts'
import { watchProcess } from '../../metrics/process-families.ts'
import { createConnectFeed } from '../../relay/feed/feed-connection.ts'
import { createReadFeed } from '../../relay/feed/feed-reader.ts'
import { startMetricsListener } from '../../relay/metrics-listener.ts'
import { startRelay } from '../../relay/relay.ts'
import { createRelayCounts, type RelayCounts } from '../../relay/relay-counts.ts'
import { RelayError } from '../../relay/relay-error.ts'
import { openCursorFile } from '../../relay/state/cursor-file.ts'
import { openDeadLetters } from '../../relay/state/dead-letter-file.ts'
import { createPoster } from '../../relay/webhook/poster.ts'
import { allowsColour } from '../../settings/settings.ts'
import { syncFolder } from '../../store-sqlite/operator/copy-database.ts'
import type { CommandIo } from '../command.ts'
import type { RelayFlags } from './relay-flags.ts'
import { lockForRelay } from './relay-lock.ts'

/** For the attempt under way, at a stop: less than what supervisors give. */
const GRACE_MS = 10_000

/** The feed's word for the oldest event that is kept. */
const OLDEST = '0'

/** Returns the exit code of a relay that has run; rejects with a `RelayError` where it cannot start. */
export async function runRelay(flags: RelayFlags, json: boolean, io: CommandIo): Promise<number> {
  const held = 'another relay has it; stop that one, or name another file (--cursor-file)'
  const unlock = lockForRelay(flags.cursorPath, held)
  const log = openLog(json, io)
  const stopping = Promise.withResolvers<void>()
  // From here on a signal that comes during the start ends with a clean stop, too.
  const letGo = io.stayOn((signal) => {
    log.info('stopping', { signal })
    stopping.resolve()
  })
  try {
    return await run(flags, log, io.clock, stopping.promise)
  } finally {
    letGo()
    unlock()
  }
}

async function run(
  flags: RelayFlags,
  log: Log,
  clock: Clock,
  stopping: Promise<void>,
): Promise<number> {
  const { from, to, keys, apiKey, choice, cursorPath, deadLettersPath, metricsListen } = flags
  const random = Math.random
  const counts = createRelayCounts(clock)
  const numbers = watchNumbers(counts, clock)
  const metrics = metricsListen && (await startMetricsListener(metricsListen, numbers.families))
  const cursorFile = openCursorFile(cursorPath, syncFolder)
  const deadLetters = openDeadLetters(deadLettersPath, syncFolder)
  const poster = createPoster({ address: to, keys, clock })
  const connect = createConnectFeed({ address: from, apiKey, choice, clock })
  const readFeed = createReadFeed({ connect, clock, log, counts, random })
  logStart(log, flags, cursorFile.state().after, metrics?.url)
  // Files and sockets that are open stay so; connecting is all that is left to do.
  dropPermissions({ except: 'net' })

  const relay = startRelay({
    ...{ readFeed, poster, cursorFile, deadLetters, clock, log, counts, random },
    giveUpAfterMs: flags.giveUpAfterMs,
    start: flags.start === 'oldest' ? OLDEST : undefined,
  })
  void stopping.then(() => relay.stop(GRACE_MS))
  const exit = await endOf(relay.done, log)
  numbers.stop()
  metrics?.close()
  poster.close()
  deadLetters.close()
  cursorFile.close()
  log.info('stopped', { exitCode: EXIT[exit] })
  return EXIT[exit]
}

function versions() {
  return { version: readVersion(), node: process.versions.node }
}

function watchNumbers(counts: RelayCounts, clock: Clock) {
  const { families, stop } = watchProcess(clock)
  const build = info('coatcheck_relay_build', 'The versions that run.', versions())
  return { families: () => [build, ...counts.families(), ...families()], stop }
}

function logStart(
  log: Log,
  { from, to, keys, choice, cursorPath, deadLettersPath }: RelayFlags,
  after: string | undefined,
  metricsAddress: string | undefined,
): void {
  const { type, sub } = choice
  log.info('relay_started', {
    ...versions(),
    from: from.shown,
    to: to.shown,
    secrets: keys.length,
    ...(type !== undefined && { type }),
    ...(sub !== undefined && { sub }),
    ...(after !== undefined && { after }),
    cursorFile: cursorPath,
    deadLetters: deadLettersPath,
    ...(metricsAddress !== undefined && { metricsAddress }),
  })
  for (const { isOpenToOthers, shown } of [from, to]) {
    if (isOpenToOthers) log.warn('plain_http', { address: shown })
  }
}

async function endOf(done: Promise<void>, log: Log): Promise<ExitName> {
  try {
    await done
    return 'done'
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    log.error('relay_failed', { message: error.message })
    return error.fault
  }
}

/** Whoever looks at a terminal gets text, unless JSON is asked for. */
function openLog(json: boolean, io: CommandIo): Log {
  const render =
    io.isTerminal && !json ? createTextLines({ colour: allowsColour() }) : renderJsonLine
  return createLog({ clock: io.clock, write: io.err, render })
}

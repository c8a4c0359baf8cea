/** The words of the server when it starts. */
import type { Clock } from '../base/clock.ts'
import { createLog, type Log } from '../base/log.ts'
import { createTextLines, renderJsonLine } from '../base/log-lines.ts'
import { readVersion } from '../base/version.ts'
import type { Listeners } from '../http/server/listeners.ts'
import { type Data, nameOfData } from '../settings/data.ts'
import {
  allowsColour,
  readStrayVariables,
  type Settings,
  type SettingsInForce,
} from '../settings/settings.ts'
import { readSqliteVersion } from '../store-sqlite/database/database.ts'

/** The log of the server, on stderr. Whoever looks at a terminal gets text, all else JSON. */
export function openLog(format: Settings['logFormat'], clock: Clock): Log {
  const { stderr } = process
  const isTerminal = stderr.isTTY === true
  const isText = format === 'text' || (format === undefined && isTerminal)
  const render = isText ? createTextLines({ colour: isTerminal && allowsColour() }) : renderJsonLine
  return createLog({ clock, write: (line) => stderr.write(line), render })
}

/** Of what runs, and of what it stands on. SQLite is loaded for a data file alone. */
export function readVersions({ kind }: Pick<Data, 'kind'>) {
  return {
    version: readVersion(),
    node: process.versions.node,
    ...(kind === 'file' && { sqlite: readSqliteVersion() }),
  }
}

export type Start = {
  readonly listeners: Listeners
  readonly data: Data
  /** The file of the first key, where it was made just now. */
  readonly madeKeyAt: string | undefined
  readonly inForce: SettingsInForce
  /** Whether requests may move the time. */
  readonly hasTestClock: boolean
}

/** Logs what runs, on which data, where, and with which settings. */
export function logStart(log: Log, start: Start): void {
  const { listeners, data, madeKeyAt, inForce, hasTestClock } = start
  const { texts, given } = inForce
  const { url, adminUrl, isAdminOpen } = listeners
  log.info('started', {
    ...readVersions(data),
    data: nameOfData(data),
    address: url,
    ...(adminUrl !== undefined && { adminAddress: adminUrl }),
    given: given.join(' '),
    settings: texts,
  })
  // control: admin-open-told
  if (isAdminOpen && adminUrl !== undefined) log.warn('admin_open', { adminAddress: adminUrl })
  // control: test-clock-told
  if (hasTestClock) log.warn('test_clock_on', { address: url })
  if (madeKeyAt !== undefined) {
    log.done('key_made', { by: 'server', key: 'first', scope: 'all', file: madeKeyAt })
  }
}

export type Announced = {
  /** The file of the first key, where it was made just now. */
  readonly keyMadeAt: string | undefined
  readonly hasTestClock: boolean
}

/** Prints the addresses, a command to try, and what else the operator should know of this start. */
export function announce(
  { url, adminUrl }: Pick<Listeners, 'url' | 'adminUrl'>,
  { keyMadeAt, hasTestClock }: Announced,
): void {
  const target = url.startsWith('unix:')
    ? `--unix-socket ${url.slice('unix:'.length)} http://localhost`
    : url
  process.stdout.write(
    `Coatcheck listens on ${url}\n` +
      `Try: curl -i -c jar -b jar -X PUT -d '"ada"' ${target}/session/user\n` +
      dashboardLine(adminUrl ?? url) +
      (adminUrl === undefined ? '' : `For the operator, without an API key: ${adminUrl}\n`) +
      (hasTestClock
        ? `Test clock, anybody here may move the time: curl -d '{"advance":3600}' ${target}/_clock\n`
        : '') +
      (keyMadeAt === undefined ? '' : `API key for back ends, made just now: ${keyMadeAt}\n`),
  )
}

/** None on a unix socket, which no browser opens. */
function dashboardLine(url: string): string {
  return url.startsWith('unix:') ? '' : `Dashboard: ${url}/dashboard\n`
}

/** Logs variables that look like settings and are none: their names only, a value may be a secret. */
export function reportVariables(log: Log): void {
  const { serviceLinks, unknown } = readStrayVariables()
  if (serviceLinks.length > 0) {
    log.info('service_links_ignored', { variables: serviceLinks.join(' ') })
  }
  if (unknown.length > 0) log.warn('unknown_variables', { variables: unknown.join(' ') })
}

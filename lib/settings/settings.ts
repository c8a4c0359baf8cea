import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { isLoopback } from '../base/loopback.ts'
import { quote } from '../base/quote.ts'
import { type CommandLine, type Flag, readCommandLine } from '../command-line/command-line.ts'
import { unknownCommand } from '../command-line/command-names.ts'
import { UsageError } from '../command-line/usage-error.ts'
import {
  type Environment,
  findVariable,
  sortStrayVariables,
  type StrayVariables,
} from './environment.ts'
import { listenAddress } from './setting-values.ts'
import { findNpmFaults } from './npm-words.ts'
import { renderHelp } from './settings-help.ts'
import type { SettingRow } from './setting-row.ts'
import { type Settings, settingsTable, variableOf } from './settings-table.ts'

export type { Settings } from './settings-table.ts'

/** The request of the server's command line. */
export type Command =
  | { readonly kind: 'serve'; readonly settings: Settings; readonly inForce: SettingsInForce }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }

/** The settings as the operator wrote them, by the flag without its dashes; no secret is among them. */
export type SettingsInForce = {
  /** Null for one that is absent. */
  readonly texts: Readonly<Record<string, string | null>>
  /** The flag or the variable that each came from; absent for a default. */
  readonly from: Readonly<Record<string, string>>
  /** Those that are not the default, with where they came from: `--port=80`, `COATCHECK_HOST=::1`. */
  readonly given: readonly string[]
}

/** Settings that are wrong, from flags or from the environment. */
export class SettingsError extends UsageError {
  constructor(faults: readonly string[], help = '--help') {
    super(faults, help)
    this.name = 'SettingsError'
    this.message = `Cannot read the settings: ${this.message}`
  }
}

/** Stands for the text of a secret. */
const SECRET = '***'

/** The flags of the server. */
export const serverFlags: readonly Flag[] = [
  ...settingsTable.map(flagOf),
  { name: '--help', aliases: ['-h'], takesValue: false },
  { name: '--version', aliases: ['-v', '-V'], takesValue: false },
]

/**
 * Reads the flags, then the environment for settings without a flag, then the defaults. Throws a
 * `SettingsError` with every fault, unless `--help` or `--version` is asked for.
 */
export function readSettings(
  args: readonly string[] = process.argv.slice(2),
  env: Environment = process.env,
): Command {
  const line = readCommandLine(args, serverFlags)
  if (line.switches.has('--help')) return { kind: 'help', text: renderHelp() }
  if (line.switches.has('--version')) return { kind: 'version' }

  const flags = settingsTable.map(({ flag }) => flag)
  const npmFaults = findNpmFaults(args, env, flags)
  if (npmFaults.length > 0) throw new SettingsError(npmFaults)

  const sources = settingsTable.map((row) => sourceOf(row, line, env))
  const faults = [
    ...findUnknownWords(line.words),
    ...line.faults,
    ...sources.flatMap((source) => source.fault ?? []),
    ...readStrayVariables(env).faults,
    ...findConflicts(new Map(sources.map((source) => [source.row.flag, source]))),
  ]
  if (faults.length > 0) throw new SettingsError(faults)

  // Each value was parsed by the kind of its row, and `Settings` is typed by these kinds.
  const settings = valuesOf(sources) as Settings
  return { kind: 'serve', settings, inForce: describeSources(sources) }
}

/** The variables with the prefix of Coatcheck that are no settings, and slips of those that are. */
export function readStrayVariables(env: Environment = process.env): StrayVariables {
  return sortStrayVariables(env, settingsTable.map(variableOf))
}

/** Some of the settings, for commands; `given` has the flags of the command that may set them. */
export function readSome<Name extends keyof Settings>(
  names: readonly Name[],
  given: Readonly<Record<string, string | undefined>>,
  env: Environment = process.env,
): Pick<Settings, Name> {
  const values = new Map(
    Object.entries(given).flatMap(([flag, text]) => (text === undefined ? [] : [[flag, text]])),
  )
  const sources = settingsTable
    .filter(({ name }) => names.some((wanted) => wanted === name))
    .map((row) => sourceOf(row, { values, wrong: new Set() }, env))
  const faults = [
    ...sources.flatMap(({ fault }) => fault ?? []),
    ...findConflicts(new Map(sources.map((source) => [source.row.flag, source]))),
  ]
  if (faults.length > 0) throw new SettingsError(faults)
  return valuesOf(sources) as Pick<Settings, Name>
}

/** Whether a terminal may be written to in colours: https://no-color.org, and no `TERM=dumb`. */
export function allowsColour(env: Environment = process.env): boolean {
  return (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
}

/** The flag of a setting, as the parser knows it. */
function flagOf(row: SettingRow): Flag {
  const { flag: name, kind, bare, isSecret } = row
  return {
    name,
    takesValue: true,
    expected: kind.expected,
    ...(bare !== undefined && { bare }),
    ...(isSecret && {
      refusal: `must come by the environment, in ${variableOf(row)}: others see a command line`,
    }),
  }
}

function findUnknownWords(words: readonly string[]): string[] {
  const serve = words.indexOf('serve')
  const [first, ...rest] = words
  const others = serve === -1 ? rest : words.toSpliced(serve, 1)
  return [
    ...(serve === -1 && first !== undefined ? [unknownCommand(first)] : []),
    ...others.map((word) => `Unexpected argument ${quote(word)}: a flag starts with --`),
  ]
}

type Source = {
  readonly row: SettingRow
  /** The flag or the variable that decides, for faults to name. */
  readonly name: string
  readonly text: string | undefined
  /** Undefined for a value that is wrong, and for a setting that is absent. */
  readonly value: unknown
  readonly fault?: string
  readonly isFlag: boolean
}

function sourceOf(
  row: SettingRow,
  { values, wrong }: Pick<CommandLine, 'values' | 'wrong'>,
  env: Environment,
): Source {
  const { flag } = row
  // The parser has told the fault already.
  if (wrong.has(flag)) return { row, name: flag, text: undefined, value: undefined, isFlag: true }
  const fromFlag = values.get(flag)
  if (fromFlag !== undefined) return parseSource(row, flag, fromFlag, true)
  const variable = variableOf(row)
  const fromEnv = findVariable(env, variable)
  if (fromEnv !== undefined) return parseSource(row, variable, fromEnv, false)
  return parseSource(row, flag, row.default, false)
}

function parseSource(
  row: SettingRow,
  name: string,
  text: string | undefined,
  isFlag: boolean,
): Source {
  const value = text === undefined ? undefined : row.kind.parse(text)
  if (text === undefined || value !== undefined) return { row, name, text, value, isFlag }
  const { expected, explain } = row.kind
  const got = row.isSecret || explain !== undefined ? 'something else' : quote(text)
  const reason = explain === undefined ? '' : `: ${explain(text)}`
  const fault = `${name} must be ${expected}, got ${got}${reason}`
  return { row, name, text, value, fault, isFlag }
}

/** Settings that are right alone and wrong together. */
function findConflicts(sources: ReadonlyMap<string, Source>): string[] {
  const faults: string[] = []
  const atMost = (lesserFlag: string, greaterFlag: string): void => {
    const lesser = sources.get(lesserFlag)
    const greater = sources.get(greaterFlag)
    if (typeof lesser?.value !== 'number' || typeof greater?.value !== 'number') return
    if (lesser.value <= greater.value) return
    const got = `${quote(greater.text)} and ${quote(lesser.text)}`
    faults.push(`${greater.name} must be at least ${lesser.name}, got ${got}`)
  }
  atMost('--session-limit', '--body-limit')
  // Node refuses to start a server otherwise.
  atMost('--header-timeout', '--request-timeout')
  faults.push(
    ...findIdleTimeoutTooLong(sources.get('--idle-timeout'), sources.get('--lifetime')),
    ...findIdleTimeoutTooLong(
      sources.get('--permanent-idle-timeout'),
      sources.get('--permanent-lifetime'),
    ),
  )

  const listen = sources.get('--listen')
  const clashing = ['--host', '--port'].filter((flag) => sources.get(flag)?.isFlag)
  if (listen?.text !== undefined && clashing.length > 0) {
    faults.push(
      `${listen.name} must come without ${clashing.join(' and ')}, got ${quote(listen.text)}`,
    )
  }
  faults.push(
    ...findSameAddress(sources),
    ...findOpenTestClock(sources),
    ...findStoreConflicts(sources),
  )
  return faults
}

/** What is about the file, beside a database; and what is about a database, where there is none. */
function findStoreConflicts(sources: ReadonlyMap<string, Source>): string[] {
  const namesOf = (flags: readonly string[], isMeant: (source: Source) => boolean) =>
    flags.flatMap((flag) => {
      const source = sources.get(flag)
      return source !== undefined && isMeant(source) ? [source.name] : []
    })
  // What is wrong in itself is told already.
  const givenOf = (...flags: string[]) =>
    namesOf(flags, (source) => isGiven(source) && source.value !== undefined)
  const [store] = namesOf(['--store'], isGiven)
  const passwords = givenOf('--store-password', '--store-password-file')
  if (store === undefined) {
    return passwords.map((name) => `${name} must come with --store: a file has no password`)
  }
  const ofFile = givenOf(...OF_FILE).map(
    (name) => `${name} must come without ${store}: it is about a data file, and there is none`,
  )
  const clock = sources.get('--test-clock')
  return [
    ...ofFile,
    ...(passwords.length > 1 ? [`${passwords.join(' and ')} must not come together`] : []),
    ...(clock?.value === 'on'
      ? [`${clock.name} must come without ${store}: sessions go by the clock of the database`]
      : []),
  ]
}

/** Flags that are about a data file alone. */
const OF_FILE = ['--data', '--wal-limit']

/** A test clock that other machines may reach: whoever moves it ends sessions. */
function findOpenTestClock(sources: ReadonlyMap<string, Source>): string[] {
  const [testClock, listen, host, admin] = [
    '--test-clock',
    '--listen',
    '--host',
    '--admin-listen',
  ].map((flag) => sources.get(flag))
  if (testClock?.value !== 'on') return []
  const address = listenAddress.parse(admin?.text ?? '')
  const open = [
    ...(listen?.text === undefined && !isLoopback(String(host?.value)) ? [host] : []),
    ...(address !== undefined && 'host' in address && !isLoopback(address.host) ? [admin] : []),
  ].flatMap((source) => (source === undefined ? [] : [`${source.name} ${quote(source.text)}`]))
  if (open.length === 0) return []
  return [
    `${testClock.name} must come with addresses of this machine alone, such as 127.0.0.1, ::1, localhost or ` +
      `unix:PATH, got ${open.join(' and ')}: whoever reaches the server could move its time and end sessions`,
  ]
}

/**
 * Two listeners at one place. A name has addresses that only the system knows: with the port of the
 * other it is refused.
 */
function findSameAddress(sources: ReadonlyMap<string, Source>): string[] {
  const [admin, listen, host, port] = ['--admin-listen', '--listen', '--host', '--port'].map(
    (flag) => sources.get(flag),
  )
  const address = listenAddress.parse(admin?.text ?? '')
  if (admin === undefined || address === undefined) return []
  const got = `got ${quote(admin.text)}`
  if ('path' in address) {
    const isSame =
      typeof listen?.value === 'string' && resolve(listen.value) === resolve(address.path)
    return isSame ? [`${admin.name} must be another socket than ${listen.name}, ${got}`] : []
  }
  const isSame =
    listen?.text === undefined &&
    address.port !== 0 &&
    address.port === port?.value &&
    mayOverlap(address.host, String(host?.value))
  return isSame
    ? [`${admin.name} must have another port than the main address, ${port.text}, ${got}`]
    : []
}

function mayOverlap(one: string, other: string): boolean {
  const areDistinct = [one, other].every(
    (host) => isIP(host) !== 0 && !/^(0\.0\.0\.0|[0:]+)$/.test(host),
  )
  return one === other || !areDistinct
}

/** An idle timeout that is a default may exceed the lifetime: then the lifetime ends the session. */
function findIdleTimeoutTooLong(idleTimeout?: Source, lifetime?: Source): string[] {
  if (typeof idleTimeout?.value !== 'number' || typeof lifetime?.value !== 'number') return []
  if (!isGiven(idleTimeout) || idleTimeout.value <= lifetime.value) return []
  const got = `${quote(lifetime.text)}${isGiven(lifetime) ? '' : ' (the default)'}`
  return [
    `${lifetime.name} must be at least ${idleTimeout.name}, got ${got} and ${quote(idleTimeout.text)}: ` +
      `a session ends with its lifetime, however busy it is; set ${lifetime.name} as well, to 400d at most`,
  ]
}

function isGiven({ row, name, isFlag }: Source): boolean {
  return isFlag || name !== row.flag
}

function describeSources(sources: readonly Source[]): SettingsInForce {
  const isDatabase = sources.some(({ row, text }) => row.flag === '--store' && text !== undefined)
  // control: settings-without-secrets
  const shown = ({ row, text }: Source) => {
    if (isDatabase && OF_FILE.includes(row.flag)) return undefined
    return row.isSecret && text !== undefined ? SECRET : text
  }
  return {
    texts: Object.fromEntries(
      sources.map((source) => [source.row.flag.slice(2), shown(source) ?? null]),
    ),
    from: Object.fromEntries(
      sources.filter(isGiven).map(({ row, name }) => [row.flag.slice(2), name]),
    ),
    given: sources.filter(isGiven).map((source) => `${source.name}=${shown(source)}`),
  }
}

function valuesOf(sources: readonly Source[]): Record<string, unknown> {
  return Object.fromEntries(sources.map(({ row, value }) => [row.name, value]))
}

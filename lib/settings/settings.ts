import { unknownCommand } from '../command-line/command-names.ts'
import {
  type Environment,
  findVariable,
  sortStrayVariables,
  type StrayVariables,
} from './environment.ts'
import { findNpmFaults } from './npm-words.ts'
import { renderHelp } from './settings-help.ts'
import { settingsTable, variableOf, type SettingRow, type Settings } from './settings-table.ts'
import { suggest } from '../command-line/suggest.ts'

export type { Settings } from './settings-table.ts'

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'serve'; readonly settings: Settings }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }

/** All that is wrong with the flags and the environment, one fault for each thing to put right. */
export class SettingsError extends Error {
  readonly faults: readonly string[]
  /** What to call the program with to see how it is right; empty where the words were right. */
  readonly help: string

  constructor(faults: readonly string[], help = '--help') {
    super(`Cannot read the settings: ${faults.join('; ')}`)
    this.name = 'SettingsError'
    this.faults = faults
    this.help = help
  }
}

/**
 * Reads the flags, then the environment for what no flag says, then the defaults. Throws a
 * `SettingsError` with every fault there is, unless `--help` or `--version` is asked for.
 */
export function readSettings(
  args: readonly string[] = process.argv.slice(2),
  env: Environment = process.env,
): Command {
  const line = readCommandLine(args)
  if (line.switches.has('--help')) return { kind: 'help', text: renderHelp() }
  if (line.switches.has('--version')) return { kind: 'version' }

  const flags = settingsTable.map(({ flag }) => flag)
  const npmFaults = findNpmFaults(args, env, flags)
  if (npmFaults.length > 0) throw new SettingsError(npmFaults)

  const sources = settingsTable.map((row) => sourceOf(row, line.given, env))
  const faults = [
    ...line.faults,
    ...sources.flatMap((source) => source.fault ?? []),
    ...readStrayVariables(env).faults,
    ...findConflicts(new Map(sources.map((source) => [source.row.flag, source]))),
  ]
  if (faults.length > 0) throw new SettingsError(faults)

  const values = Object.fromEntries(sources.map(({ row, value }) => [row.name, value]))
  // Row by row, a value is what the kind of its row parsed, and `Settings` is typed by these kinds.
  return { kind: 'serve', settings: values as Settings }
}

/** The variables that have our prefix and are no settings, and slips of those that are. */
export function readStrayVariables(env: Environment = process.env): StrayVariables {
  return sortStrayVariables(env, settingsTable.map(variableOf))
}

/** The data file alone, for commands, from their `--data` or the environment. */
export function readDataPath(given: string | undefined, env: Environment = process.env): string {
  return readSome(['dataPath'], { '--data': given }, env).dataPath
}

/** Some of the settings, for commands, from flags that may be absent or the environment. */
export function readSome<Name extends keyof Settings>(
  names: readonly Name[],
  given: Readonly<Record<string, string | undefined>>,
  env: Environment = process.env,
): Pick<Settings, Name> {
  const flags = new Map(
    Object.entries(given).flatMap(([flag, text]) => (text === undefined ? [] : [[flag, [text]]])),
  )
  const sources = settingsTable
    .filter(({ name }) => names.some((wanted) => wanted === name))
    .map((row) => sourceOf(row, flags, env))
  const faults = [
    ...sources.flatMap(({ fault }) => fault ?? []),
    ...findConflicts(new Map(sources.map((source) => [source.row.flag, source]))),
  ]
  if (faults.length > 0) throw new SettingsError(faults)
  const values = Object.fromEntries(sources.map(({ row, value }) => [row.name, value]))
  return values as Pick<Settings, Name>
}

type Given = ReadonlyMap<string, readonly (string | undefined)[]>

type CommandLine = {
  /** The values each known flag came with; undefined where it came without one. */
  readonly given: Given
  readonly switches: ReadonlySet<string>
  readonly faults: readonly string[]
}

const switchNames: ReadonlyMap<string, string> = new Map([
  ['-h', '--help'],
  ['--help', '--help'],
  ['-v', '--version'],
  ['-V', '--version'],
  ['--version', '--version'],
])

function readCommandLine(args: readonly string[]): CommandLine {
  const given = new Map<string, (string | undefined)[]>()
  const switches = new Set<string>()
  const words: string[] = []
  const faults: string[] = []
  const rest = [...args]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (!arg.startsWith('-')) {
      words.push(arg)
      continue
    }
    const [name, inline] = splitOnce(arg, '=')
    const switchName = switchNames.get(name)
    if (switchName !== undefined) {
      if (inline === undefined) switches.add(switchName)
      else faults.push(`${name} must come without a value, got ${quote(inline)}`)
      continue
    }
    // An unknown flag takes its value along, so that the value is not a second fault.
    const value = inline ?? (isValue(rest[0]) ? rest.shift() : undefined)
    if (settingsTable.some((row) => row.flag === name)) {
      given.set(name, [...(given.get(name) ?? []), value])
    } else {
      const known = [...settingsTable.map((row) => row.flag), '--help', '--version']
      faults.push(`Unknown flag ${quote(name)}: ${suggest(name.toLowerCase(), known, '--help')}`)
    }
  }
  return { given, switches, faults: [...findUnknownWords(words), ...faults] }
}

// A single dash starts a value too, as in `--port -1`, which then is told what a port is.
function isValue(arg: string | undefined): boolean {
  return arg !== undefined && !arg.startsWith('--') && !switchNames.has(arg)
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
  /** Undefined when there is a fault, and for a setting that is absent. */
  readonly value: unknown
  readonly fault?: string
  readonly isFlag: boolean
}

function sourceOf(row: SettingRow, given: Given, env: Environment): Source {
  const values = given.get(row.flag)
  if (values !== undefined && row.isSecret) {
    const fault = `${row.flag} must come by the environment, in ${variableOf(row)}: others see a command line`
    return { row, name: row.flag, text: undefined, value: undefined, fault, isFlag: true }
  }
  if (values === undefined) {
    const fromEnv = findVariable(env, variableOf(row))
    if (fromEnv !== undefined) return parseSource(row, variableOf(row), fromEnv, false)
    return parseSource(row, row.flag, row.default, false)
  }
  if (values.length > 1) {
    const all = values.map(quote).join(' and ')
    const fault = `${row.flag} must be given once, got ${all}`
    return { row, name: row.flag, text: undefined, value: undefined, fault, isFlag: true }
  }
  const text = values[0] ?? row.bare
  if (text !== undefined) return parseSource(row, row.flag, text, true)
  const fault = `${row.flag} must be ${row.kind.expected}, got nothing`
  return { row, name: row.flag, text, value: undefined, fault, isFlag: true }
}

function parseSource(
  row: SettingRow,
  name: string,
  text: string | undefined,
  isFlag: boolean,
): Source {
  const value = text === undefined ? undefined : row.kind.parse(text)
  if (text === undefined || value !== undefined) return { row, name, text, value, isFlag }
  const got = row.isSecret ? 'something else' : quote(text)
  const fault = `${name} must be ${row.kind.expected}, got ${got}`
  return { row, name, text, value, fault, isFlag }
}

// Settings that are right alone and wrong together.
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
  // Node refuses to make a server of the opposite.
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
  return faults
}

// An idle timeout that nobody gave gives way: such a session ends with the lifetime that somebody gave.
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

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)]
}

// As JSON, so that a line feed or a control character in a value cannot forge a line of the log.
function quote(text: string | undefined): string {
  return text === undefined ? 'nothing' : JSON.stringify(text)
}

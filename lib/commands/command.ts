/** The shape of a command; reads its words and flags, and runs it. */
import type { Clock } from '../base/clock.ts'
import { quote } from '../base/quote.ts'
import { type Flag, readCommandLine } from '../command-line/command-line.ts'
import type { CommandName } from '../command-line/command-names.ts'
import { EXIT, type ExitName, listExitCodesOf } from '../command-line/exit-codes.ts'
import { UsageError } from '../command-line/usage-error.ts'
import { renderTable, wrap } from '../command-line/wrap.ts'
import { type Data, type DataFile, DATA_FLAGS, readData } from '../settings/data.ts'
import { SettingsError } from '../settings/settings.ts'
import { prepareForData } from './open-store.ts'

export type Command = {
  /** Each form of it, after the program's name. */
  readonly usage: readonly [`${CommandName}${string}`, ...string[]]
  readonly summary: string
  /** False for a command that reads no data, and has neither `--data` nor `--store`. */
  readonly usesData?: false
  /** Set for a command that must be quick: others run with a lower priority than a server beside them. */
  readonly isUrgent?: true
  /** Flags of its own, by name without `--`; every command has `--json` and `--help` besides. */
  readonly options?: Readonly<Record<string, CommandOption>>
  /** Its flags in the help, as in `['--force', 'replace an existing file']`. */
  readonly flagHelp?: readonly (readonly [flag: string, description: string])[]
  /** The possible values of a flag, by the flag, for shells to complete. */
  readonly flagWords?: Readonly<Record<string, readonly string[]>>
  /** The exit codes besides those of every command: `done`, `fault` and `usage`. */
  readonly exitCodes?: readonly ExitName[]
  /** Returns the exit code. Throws a `UsageError` for wrong words and flags. */
  run(input: CommandInput, io: CommandIo): Promise<number>
}

export type CommandOption = {
  /** A `list` may be given more than once. */
  readonly type: 'string' | 'boolean' | 'list'
  /** Why it must not be given at all, as in `Flag`. */
  readonly refusal?: string
}

export type CommandInput = {
  /** The words after the command's own. */
  readonly words: readonly string[]
  /** By name without `--`: the text of a flag with a value, true for one without. */
  readonly flags: Readonly<Record<string, string | true | undefined>>
  /** The values of a flag that may be given more than once. */
  readonly lists: Readonly<Record<string, readonly string[] | undefined>>
  /** Whether to print JSON, for scripts. */
  readonly json: boolean
  /** Where the data is; of a command that uses none, a file without a name. */
  readonly data: Data
}

export type CommandIo = {
  readonly clock: Clock
  /** Writes results to stdout. */
  readonly out: (text: string) => void
  /** The same for large results: resolves once there is room for more, to false when the reader has gone. */
  readonly outWhenReady: (text: string) => Promise<boolean>
  /** Writes progress, warnings and remarks to stderr. */
  readonly err: (text: string) => void
  /** Whether a person watches stderr. */
  readonly isTerminal: boolean
  readonly stdin: AsyncIterable<Buffer>
  /**
   * For a command that goes on until it is told to stop: calls `stop` with the signal that says so, and
   * keeps the process alive until the function that it returns is called.
   */
  readonly stayOn: (stop: (signal: string) => void) => () => void
}

/** A command that is typed right and cannot be done: the message says why. */
export class CommandError extends Error {
  readonly exit: ExitName

  constructor(exit: ExitName, message: string) {
    super(message)
    this.name = 'CommandError'
    this.exit = exit
  }
}

/** Runs a command with the words and flags that follow it; returns the exit code. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  try {
    return await run(command, args, io)
  } catch (error) {
    // The help of this command explains the flags that it shares with the server.
    if (!(error instanceof SettingsError)) throw error
    throw new SettingsError(error.faults, `${nameOf(command)} --help`)
  }
}

async function run(command: Command, args: readonly string[], io: CommandIo): Promise<number> {
  const { words, values, lists: all, switches, faults } = readCommandLine(args, flagsOf(command))
  if (switches.has('--help')) {
    io.out(renderUsage(command))
    return EXIT.done
  }
  if (faults.length > 0) throw usageError(command, ...faults)
  let data: Data = { kind: 'file', path: '' }
  if (command.usesData !== false) {
    data = readData(Object.fromEntries(DATA_FLAGS.map((flag) => [flag, values.get(flag)])))
    prepareForData(data)
  }
  const flags = Object.fromEntries([
    ...[...values].map(([name, value]) => [name.slice(2), value] as const),
    ...[...switches].map((name) => [name.slice(2), true] as const),
  ])
  const lists = Object.fromEntries([...all].map(([name, texts]) => [name.slice(2), texts] as const))
  return await command.run({ words, flags, lists, json: switches.has('--json'), data }, io)
}

/** The error for words and flags that a command cannot take, with its usage. */
export function usageError(command: Command, ...reasons: readonly string[]): UsageError {
  const usage = `usage: ${command.usage.join(', or ')}`
  const faults = reasons.map((reason, at) =>
    at === reasons.length - 1 ? `${reason}; ${usage}` : reason,
  )
  return new UsageError(faults, `${nameOf(command)} --help`)
}

/** Throws for words where a command takes none; `wayOut` says what to type instead. */
export function refuseWords(
  command: Command,
  [word]: readonly string[],
  wayOut = 'the data is named with --data FILE or --store ADDRESS',
): void {
  if (word === undefined) return
  throw usageError(command, `Unexpected argument ${quote(word)}: ${wayOut}`)
}

/** The one word that a command needs; throws where it is missing or has company. */
export function takeOneWord(command: Command, words: readonly string[], name: string): string {
  const [word, other] = words
  if (word === undefined || word === '') throw usageError(command, `Missing argument ${name}`)
  if (other !== undefined) throw usageError(command, `Unexpected argument ${quote(other)}`)
  return word
}

/** The file that a command for files alone is about; of a database, throws with what to use instead. */
export function requireFile(command: Command, data: Data, instead: string): DataFile {
  if (data.kind === 'file') return data
  throw usageError(command, `Cannot do this for a database (--store): ${instead}`)
}

/** All flags of a command. */
export function flagsOf({ options = {}, usesData }: Command): Flag[] {
  return [
    ...Object.entries(options).map(([name, { type, refusal }]) => {
      const isList = type === 'list' && { isList: true as const }
      const refused = refusal !== undefined && { refusal }
      return { name: `--${name}` as const, takesValue: type !== 'boolean', ...isList, ...refused }
    }),
    ...(usesData === false ? [] : DATA_FLAG_ROWS),
    { name: '--json', takesValue: false },
    { name: '--help', aliases: ['-h'], takesValue: false },
  ]
}

const DATA_FLAG_ROWS: readonly Flag[] = [
  ...DATA_FLAGS.map((name) => ({ name, takesValue: true })),
  {
    name: '--store-password',
    takesValue: true,
    refusal: 'must come by the environment, in COATCHECK_STORE_PASSWORD: others see a command line',
  },
]

/** The names of all flags of a command with a description each. */
export function flagHelpOf({ flagHelp = [], usesData }: Command) {
  return [...flagHelp, ...(usesData === false ? [] : DATA_HELP), ...SHARED_HELP]
}

const DATA_HELP = [
  ['--data PATH', 'the SQLite file; also COATCHECK_DATA'],
  ['--store ADDRESS', 'the database in its place; also COATCHECK_STORE'],
  ['--store-password-file PATH', 'its password; or COATCHECK_STORE_PASSWORD'],
] as const
const SHARED_HELP = [
  ['--json', 'print JSON'],
  ['-h, --help', 'print this help'],
] as const

/** The help of a command, at most 80 columns wide. */
export function renderUsage(command: Command): string {
  const { usage, summary, exitCodes = [] } = command
  const codes = listExitCodesOf(nameOf(command), exitCodes)
  return [
    ...wrap(summary, ''),
    '',
    'Usage:',
    ...usage.map((form) => `  coatcheck ${form}`),
    '',
    'Flags:',
    ...renderTable(flagHelpOf(command)),
    '',
    'Exit codes:',
    ...renderTable(codes.map(([code, meaning]) => [String(code), meaning])),
    '',
  ].join('\n')
}

function nameOf({ usage }: Command): CommandName {
  return usage[0].split(' ')[0] as CommandName
}

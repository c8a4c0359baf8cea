/** What the program does besides serving: how a command is described, read and run. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import type { Clock } from '../base/clock.ts'
import { readDataPath, SettingsError } from '../settings/settings.ts'
import { suggest } from '../command-line/suggest.ts'
import { renderTable, wrap } from '../command-line/wrap.ts'
import { prepareForData } from './open-store.ts'

export type Command = {
  /** Each form of it, after the program's name. */
  readonly usage: readonly string[]
  readonly summary: string
  /** False for a command that reads no data file, and has no `--data`. */
  readonly usesData?: false
  /** For a command whose answer is due in time: elsewhere a server that runs beside it goes first. */
  readonly isUrgent?: true
  /** Flags of its own; `--data`, `--json` and `--help` go with every command. */
  readonly options?: ParseArgsOptionsConfig
  /** What `--help` says of these flags, as in `['--force', 'replace a file that is there']`. */
  readonly flagHelp?: readonly (readonly [flag: string, description: string])[]
  /** The words that the value of a flag is one of, by the flag, for shells to complete. */
  readonly flagWords?: Readonly<Record<string, readonly string[]>>
  /** What the exit codes mean, where there is more to say than 0 for done and 64 for wrong words. */
  readonly exitCodes?: readonly (readonly [code: number, meaning: string])[]
  /** Answers the exit code; throws a `SettingsError` for words that make no sense. */
  run(input: CommandInput, io: CommandIo): Promise<number>
}

export type CommandInput = {
  /** The words after the command's own. */
  readonly words: readonly string[]
  readonly flags: Readonly<Record<string, unknown>>
  /** Whether to answer in JSON, for scripts. */
  readonly json: boolean
  /** Empty for a command that uses no data. */
  readonly dataPath: string
}

export type CommandIo = {
  readonly clock: Clock
  /** What was asked for, to stdout. */
  readonly out: (text: string) => void
  /** The same for much of it: resolves when there is room for more, false when nobody reads it. */
  readonly outWhenReady: (text: string) => Promise<boolean>
  /** Progress, warnings and what a person is told besides, to stderr. */
  readonly err: (text: string) => void
  /** Whether a person watches stderr. */
  readonly isTerminal: boolean
  readonly stdin: AsyncIterable<Buffer>
}

/** Runs a command with the words and flags that follow it. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  try {
    return await run(command, args, io)
  } catch (error) {
    // What is wrong with a flag that the server has, too, is in this command's help.
    if (!(error instanceof SettingsError && error.help === '--help')) throw error
    throw new SettingsError(error.faults, `${nameOf(command)} --help`)
  }
}

async function run(command: Command, args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(command, args)
  if (values['help'] === true) {
    io.out(renderUsage(command))
    return 0
  }
  const json = values['json'] === true
  let dataPath = ''
  if (command.usesData !== false) {
    dataPath = readDataPath(typeof values['data'] === 'string' ? values['data'] : undefined)
    prepareForData(dataPath)
  }
  return await command.run({ words: positionals, flags: values, json, dataPath }, io)
}

/** What is thrown for words that a command does not know. */
export function usageError(command: Command, reason: string): SettingsError {
  return new SettingsError(
    [`${reason}; usage: ${command.usage.join(', or ')}`],
    `${nameOf(command)} --help`,
  )
}

/** Throws for words where a command takes none; `wayOut` says how that is given that was meant. */
export function refuseWords(
  command: Command,
  [word]: readonly string[],
  wayOut = 'a data file is named with --data FILE',
): void {
  if (word === undefined) return
  throw usageError(command, `Unexpected argument ${JSON.stringify(word)}: ${wayOut}`)
}

/** The flags that come with a command besides its own. */
export function sharedOptionsOf({ usesData }: Command): ParseArgsOptionsConfig {
  return usesData === false ? COMMON_OPTIONS : { data: { type: 'string' }, ...COMMON_OPTIONS }
}

const COMMON_OPTIONS = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} satisfies ParseArgsOptionsConfig

function nameOf(command: Command): string {
  return command.usage[0]?.split(' ')[0] ?? ''
}

function parse(command: Command, args: readonly string[]) {
  const options: ParseArgsOptionsConfig = { ...command.options, ...sharedOptionsOf(command) }
  // Not strictly: Node's words for what is wrong would not help.
  const parsed = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const known = Object.keys(options).map((name) => `--${name}`)
  const seen = new Set<string>()
  for (const token of parsed.tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    const type = Object.hasOwn(options, name) ? options[name]?.type : undefined
    const flag = type === undefined ? rawName : `--${name}`
    const refuse = (reason: string) => usageError(command, reason)
    if (type === undefined) {
      throw refuse(
        `Unknown flag ${JSON.stringify(flag)}: ${suggest(flag.toLowerCase(), known, '--help')}`,
      )
    }
    if (type === 'boolean' && value !== undefined) {
      throw refuse(`${flag} must come without a value, got ${JSON.stringify(value)}`)
    }
    if (type === 'string' && (value === undefined || (!inlineValue && value.startsWith('--')))) {
      throw refuse(`${flag} must come with a value, got nothing`)
    }
    if (seen.has(name)) throw refuse(`${flag} must be given once`)
    seen.add(name)
  }
  return parsed
}

const DATA_FLAG = ['--data PATH', 'the SQLite file; also COATCHECK_DATA'] as const
const SHARED_FLAGS = [
  ['--json', 'answer in JSON'],
  ['-h, --help', 'print this and stop'],
] as const

/** All flags of a command, and what is said of each. */
export function flagHelpOf({ flagHelp = [], usesData }: Command) {
  return [...flagHelp, ...(usesData === false ? [] : [DATA_FLAG]), ...SHARED_FLAGS]
}

/** What `--help` prints, at most 80 columns wide. */
export function renderUsage(command: Command): string {
  const { usage, summary, exitCodes = [] } = command
  const codes = [[0, 'done'], [64, 'the words or flags make no sense'], ...exitCodes] as const
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

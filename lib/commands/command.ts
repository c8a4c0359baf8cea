/** What the program does besides serving: how a command is described, read and run. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import type { Clock } from '../clock.ts'
import { readDataPath, SettingsError } from '../settings.ts'
import { placeAddon } from '../store/addon.ts'

export type Command = {
  /** Each form of it, after the program's name. */
  readonly usage: readonly string[]
  readonly summary: string
  /** Flags of its own; `--data`, `--json` and `--help` go with every command. */
  readonly options?: ParseArgsOptionsConfig
  /** What `--help` says of these flags, as in `['--force', 'replace a file that is there']`. */
  readonly flagHelp?: readonly (readonly [flag: string, description: string])[]
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
  const { values, positionals } = parse(command, args)
  if (values['help'] === true) {
    io.out(renderUsage(command))
    return 0
  }
  const dataPath = readDataPath(typeof values['data'] === 'string' ? values['data'] : undefined)
  const json = values['json'] === true
  placeAddon(dataPath, { keep: false })
  return await command.run({ words: positionals, flags: values, json, dataPath }, io)
}

/** What is thrown for words that a command does not know. */
export function usageError(command: Command, reason: string): SettingsError {
  const [name] = command.usage[0]?.split(' ') ?? []
  return new SettingsError([`${reason}; usage: ${command.usage.join(', or ')}`], `${name} --help`)
}

const SHARED_OPTIONS = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} satisfies ParseArgsOptionsConfig

function parse(command: Command, args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { ...command.options, ...SHARED_OPTIONS },
      allowPositionals: true,
    })
  } catch (error) {
    throw usageError(command, error instanceof Error ? error.message : String(error))
  }
}

const SHARED_FLAGS = [
  ['--data PATH', 'the SQLite file; also COATCHECK_DATA'],
  ['--json', 'answer in JSON'],
  ['-h, --help', 'print this and stop'],
] as const

function renderUsage({ usage, summary, flagHelp = [], exitCodes = [] }: Command): string {
  const forms = usage.map((form) => `  coatcheck ${form}\n`)
  const codes = [[0, 'done'], [64, 'the words or flags make no sense'], ...exitCodes] as const
  return (
    `${summary}\n\nUsage:\n${forms.join('')}` +
    `\nFlags:\n${renderTable([...flagHelp, ...SHARED_FLAGS])}` +
    `\nExit codes:\n${renderTable(codes.map(([code, meaning]) => [String(code), meaning]))}`
  )
}

function renderTable(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}\n`).join('')
}

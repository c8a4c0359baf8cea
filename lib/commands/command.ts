/** What the program does besides serving: how a command is described, read and run. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import type { Clock } from '../clock.ts'
import { readDataPath, SettingsError } from '../settings.ts'

export type Command = {
  /** Each form of it, after the program's name. */
  readonly usage: readonly string[]
  readonly summary: string
  /** Flags of its own; `--data`, `--json` and `--help` go with every command. */
  readonly options?: ParseArgsOptionsConfig
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
  return await command.run({ words: positionals, flags: values, json, dataPath }, io)
}

/** What is thrown for words that a command does not know. */
export function usageError(command: Command, reason: string): SettingsError {
  return new SettingsError([`${reason}; usage: ${command.usage.join(', or ')}`])
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

function renderUsage({ usage, summary }: Command): string {
  const lines = usage.map((form) => `  coatcheck ${form}\n`)
  return (
    `${summary}\n\nUsage:\n${lines.join('')}\nFlags:\n` +
    '  --data PATH   the SQLite file; also COATCHECK_DATA\n' +
    '  --json        answer in JSON\n'
  )
}

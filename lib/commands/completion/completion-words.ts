/** Everything that can be typed after `coatcheck`, from the tables of commands and settings. */
import { COMMANDS } from '../../command-line/command-names.ts'
import { listTopics } from '../../help/topics.ts'
import { settingsTable } from '../../settings/settings-table.ts'
import { type Command, flagHelpOf } from '../command.ts'

/** The possible values: one of these words, a file, or anything. */
export type Place = { readonly kind: 'words'; readonly words: readonly string[] } | 'file' | 'any'

export type FlagWord = {
  readonly flag: string
  /** Undefined for a flag without a value. */
  readonly value: Place | undefined
  readonly description: string
}

export type CommandWords = {
  readonly name: string
  readonly description: string
  readonly flags: readonly FlagWord[]
  readonly argument: Place | undefined
}

/** `serve` first, then the commands, and `help`. */
export function listCommandWords(commands: ReadonlyMap<string, Command>): CommandWords[] {
  const ofCommands = Object.entries(COMMANDS).flatMap(([name, description]) => {
    const command = commands.get(name)
    if (command === undefined) return []
    const flags = flagHelpOf(command).flatMap((row) => readFlagHelp(row, command.flagWords))
    return [{ name, description, flags, argument: readArgument(command.usage) }]
  })
  const names = [...ofCommands.map(({ name }) => name), ...listTopics()]
  const topics = { kind: 'words', words: names } as const
  return [
    { name: 'serve', description: 'serve sessions', flags: serveFlags(), argument: undefined },
    ...ofCommands,
    { name: 'help', description: 'explain a command or a topic', flags: [], argument: topics },
  ]
}

function serveFlags(): FlagWord[] {
  const settings = settingsTable
    .filter(({ isSecret }) => isSecret !== true)
    .map(({ flag, kind, description }) => {
      return { flag, value: readPlace(kind.placeholder), description }
    })
  const others = ['--help', '--version'].map((flag) => {
    return { flag, value: undefined, description: `print the ${flag.slice(2)} and stop` }
  })
  return [...settings, ...others]
}

/** Reads `--from STORE` or `-h, --help`; a row without a flag continues the one before. */
function readFlagHelp(
  [names, description]: readonly [string, string],
  flagWords: Command['flagWords'] = {},
): FlagWord[] {
  const [, flag, value] = /(--[a-z-]+)(?:[ =](\S+))?$/.exec(names) ?? []
  if (flag === undefined) return []
  const words = flagWords[flag]
  if (words !== undefined) return [{ flag, value: { kind: 'words', words }, description }]
  return [{ flag, value: value === undefined ? undefined : readPlace(value), description }]
}

/** Reads the word after the name in `key new NAME`, `backup FILE` or `completion bash|zsh|fish`. */
function readArgument(usage: readonly string[]): Place | undefined {
  const seconds = usage.flatMap((form) => form.split(' ')[1] ?? [])
  const words = seconds.filter((second) => /^[a-z|]+$/.test(second)).flatMap((w) => w.split('|'))
  if (words.length > 0) return { kind: 'words', words }
  return seconds.includes('FILE') ? 'file' : undefined
}

function readPlace(placeholder: string): Place {
  if (/^[\w-]+(\|[\w-]+)+$/.test(placeholder)) {
    return { kind: 'words', words: placeholder.split('|') }
  }
  return /PATH|FILE/.test(placeholder) ? 'file' : 'any'
}

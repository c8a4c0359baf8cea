/** Which command a command line calls; flags may stand before the word that says so. */
import { COMMAND_NAMES, OTHER_WORDS, unknownCommand } from '../command-line/command-names.ts'
import { SettingsError } from '../settings/settings.ts'
import { settingsTable } from '../settings/settings-table.ts'
import { type Command, sharedOptionsOf } from '../commands/command.ts'

export type Called =
  | { readonly kind: 'serve'; readonly args: readonly string[] }
  | { readonly kind: 'command'; readonly command: Command; readonly args: readonly string[] }
  /** Of everything, or of one command. */
  | { readonly kind: 'help'; readonly command: Command | undefined }
  | { readonly kind: 'version' }

type Commands = ReadonlyMap<string, Command>

/** Throws a `SettingsError` for a word that is none of ours. */
export function readCalled(args: readonly string[], commands: Commands): Called {
  const at = findWord(args, commands)
  const word = args[at]
  const others = args.filter((_, index) => index !== at)
  if (word === undefined || word === 'serve') return { kind: 'serve', args }
  if (word === 'help') return readTopic(others, commands)
  if (word === 'version') return { kind: 'version' }
  return { kind: 'command', command: find(word, commands), args: others }
}

function readTopic(args: readonly string[], commands: Commands): Called {
  const [topic, ...rest] = args.filter((arg) => !arg.startsWith('-'))
  if (rest.length > 0) {
    throw new SettingsError([
      `Unexpected argument ${JSON.stringify(rest[0])}: help takes one command`,
    ])
  }
  const isGeneral = topic === undefined || OTHER_WORDS.includes(topic)
  return { kind: 'help', command: isGeneral ? undefined : find(topic, commands) }
}

function find(word: string, commands: Commands): Command {
  const found = commands.get(word)
  if (found !== undefined) return found
  throw new SettingsError([unknownCommand(word)])
}

/** The first argument that is no flag and no flag's value; -1 where there is none. */
function findWord(args: readonly string[], commands: Commands): number {
  const valued = flagsWithValues(commands)
  const words = [...OTHER_WORDS, ...COMMAND_NAMES]
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    if (!arg.startsWith('-')) return at
    const next = args[at + 1]
    if (arg.includes('=') || next === undefined || next.startsWith('-')) continue
    // Whether a flag that nobody knows has a value, nobody knows: a command is none.
    const takesNext = valued.get(arg) ?? !words.includes(next)
    if (takesNext) at++
  }
  return -1
}

/** Whether each flag takes a value; one that may go without is not in it. */
function flagsWithValues(commands: Commands): ReadonlyMap<string, boolean> {
  const known = new Map<string, boolean>()
  for (const name of ['-h', '-v', '-V', '--version']) known.set(name, false)
  for (const { flag, bare } of settingsTable) if (bare === undefined) known.set(flag, true)
  for (const command of commands.values()) {
    for (const [name, { type }] of Object.entries({
      ...command.options,
      ...sharedOptionsOf(command),
    })) {
      known.set(`--${name}`, type === 'string')
    }
  }
  return known
}

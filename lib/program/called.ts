/** Which command a command line calls; flags may stand before the word that says so. */
import { type Flag, quote, readCommandLine } from '../command-line/command-line.ts'
import { OTHER_WORDS, unknownCommand } from '../command-line/command-names.ts'
import { UsageError } from '../command-line/usage-error.ts'
import { type Command, flagsOf } from '../commands/command.ts'
import { serverFlags } from '../settings/settings.ts'

export type Called =
  | { readonly kind: 'serve'; readonly args: readonly string[] }
  | { readonly kind: 'command'; readonly command: Command; readonly args: readonly string[] }
  /** The help of one command, or of the program. */
  | { readonly kind: 'help'; readonly command: Command | undefined }
  | { readonly kind: 'version' }

type Commands = ReadonlyMap<string, Command>

/** Throws a `UsageError` for a word that calls nothing. */
export function readCalled(args: readonly string[], commands: Commands): Called {
  const { words, firstWordAt } = readCommandLine(args, allFlags(commands))
  const [word, ...others] = words
  if (word === undefined || word === 'serve') return { kind: 'serve', args }
  if (word === 'help') return readTopic(others, commands)
  if (word === 'version') return { kind: 'version' }
  return { kind: 'command', command: find(word, commands), args: args.toSpliced(firstWordAt, 1) }
}

function readTopic([topic, second]: readonly string[], commands: Commands): Called {
  if (second !== undefined) {
    throw new UsageError([`Unexpected argument ${quote(second)}: help takes one command`])
  }
  const isGeneral = topic === undefined || OTHER_WORDS.includes(topic)
  return { kind: 'help', command: isGeneral ? undefined : find(topic, commands) }
}

function find(word: string, commands: Commands): Command {
  const found = commands.get(word)
  if (found !== undefined) return found
  throw new UsageError([unknownCommand(word)])
}

/** Of the server and of all commands: before the word, nothing says which of them is called. */
function allFlags(commands: Commands): Flag[] {
  return [...serverFlags, ...[...commands.values()].flatMap(flagsOf)]
}

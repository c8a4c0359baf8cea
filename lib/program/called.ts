/** Which command a command line calls; flags may stand before the word that says so. */
import { quote } from '../base/quote.ts'
import { type Flag, readCommandLine } from '../command-line/command-line.ts'
import { COMMAND_NAMES, OTHER_WORDS, unknownCommand } from '../command-line/command-names.ts'
import { findNearest } from '../command-line/suggest.ts'
import { UsageError } from '../command-line/usage-error.ts'
import { type Command, flagsOf } from '../commands/command.ts'
import { findTopic, listTopics } from '../help/topics.ts'
import { serverFlags } from '../settings/settings.ts'

export type Called =
  | { readonly kind: 'serve'; readonly args: readonly string[] }
  | { readonly kind: 'command'; readonly command: Command; readonly args: readonly string[] }
  /** The help of one command, or of the program. */
  | { readonly kind: 'help'; readonly command: Command | undefined }
  /** A page of the manual. */
  | { readonly kind: 'topic'; readonly topic: string }
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
    throw new UsageError([`Unexpected argument ${quote(second)}: help takes one command or topic`])
  }
  if (topic === undefined || OTHER_WORDS.includes(topic))
    return { kind: 'help', command: undefined }
  const command = commands.get(topic)
  if (command !== undefined) return { kind: 'help', command }
  const page = findTopic(topic)
  if (page !== undefined) return { kind: 'topic', topic: page }
  throw new UsageError([unknownTopic(topic)])
}

/** The fault of a word that is neither a command nor a topic. */
function unknownTopic(word: string): string {
  const topics = listTopics()
  const nearest = findNearest(word.toLowerCase(), [...COMMAND_NAMES, ...topics, ...OTHER_WORDS])
  if (nearest !== undefined && topics.includes(nearest)) {
    return `Unknown topic ${quote(word)}: did you mean ${nearest}?`
  }
  const fault = unknownCommand(word)
  return fault.includes('did you mean') ? fault : `${fault}; the topics are ${topics.join(', ')}`
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

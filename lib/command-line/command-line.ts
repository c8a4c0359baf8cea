/** The one parser of command lines, for the server and for every command. */
import { parseArgs } from 'node:util'
import { quote } from '../base/quote.ts'
import { COMMAND_NAMES, OTHER_WORDS } from './command-names.ts'
import { suggest } from './suggest.ts'

export type Flag = {
  readonly name: `--${string}`
  /** Its other names, such as `-h`. */
  readonly aliases?: readonly string[]
  readonly takesValue: boolean
  /** Whether it may be given more than once; its values are in `lists` then. */
  readonly isList?: true
  /** The value of a flag that is given without one; absent where the value is required. */
  readonly bare?: string
  /** Follows "must be" in the fault of a missing value. */
  readonly expected?: string
  /** Why the flag must not be given at all. Its value is a secret then, and no fault shows it. */
  readonly refusal?: string
}

export type CommandLine = {
  /** The arguments that are neither flags nor values of flags. */
  readonly words: readonly string[]
  /** The place of the first word among the arguments; -1 where there is none. */
  readonly firstWordAt: number
  /** The values of flags that are right, by the name of the flag. */
  readonly values: ReadonlyMap<string, string>
  /** The same of those that may be given more than once, in their order. */
  readonly lists: ReadonlyMap<string, readonly string[]>
  /** The flags without a value that were given, by name. */
  readonly switches: ReadonlySet<string>
  /** The flags that were given in a wrong way; `faults` says how. */
  readonly wrong: ReadonlySet<string>
  /** One for each wrong or unknown flag. */
  readonly faults: readonly string[]
}

/**
 * Values come as `--flag value` or `--flag=value`, and a value never begins with `--`: a forgotten one
 * does not take the next flag. An unknown flag takes the argument after it along, so that its value is
 * not a second fault. All after `--` are words.
 */
export function readCommandLine(args: readonly string[], flags: readonly Flag[]): CommandLine {
  const byName = indexByName(flags)
  const given = new Map<Flag, (string | undefined)[]>()
  const words: string[] = []
  const faults: string[] = []
  let firstWordAt = -1
  let nextAt = 0
  for (const token of tokenize(args)) {
    const { index } = token
    // Of an argument that was a value, or a group of short flags that was read as a whole.
    if (index < nextAt) continue
    nextAt = index + 1
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      if (words.length === 0) firstWordAt = index
      words.push(token.value)
      continue
    }
    // `-port` is one slip, not four short flags.
    const name = token.rawName.startsWith('--') ? token.rawName : (args[index] ?? '')
    const flag = byName.get(name)
    let value = token.value
    if (value === undefined && takesNext(flag, args[index + 1], byName)) value = args[nextAt++]
    if (flag === undefined) {
      const known = flags.map((other) => other.name)
      faults.push(`Unknown flag ${quote(name)}: ${suggest(name.toLowerCase(), known, '--help')}`)
    } else {
      given.set(flag, [...(given.get(flag) ?? []), value])
    }
  }
  return { words, firstWordAt, ...sortGiven(given, faults) }
}

// Not strict, and without the flags: what node:util says of a fault would not help.
function tokenize(args: readonly string[]) {
  const config = { strict: false, allowPositionals: true, tokens: true } as const
  return parseArgs({ args: [...args], options: {}, ...config }).tokens
}

function indexByName(flags: readonly Flag[]): ReadonlyMap<string, Flag> {
  return new Map(
    flags.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])].map((name) => [name, flag])),
  )
}

function takesNext(
  flag: Flag | undefined,
  next: string | undefined,
  byName: ReadonlyMap<string, Flag>,
): boolean {
  if (next === undefined || next.startsWith('--') || byName.has(next)) return false
  if (flag?.takesValue === false) return false
  const needsValue = flag !== undefined && flag.bare === undefined
  return needsValue || !(OTHER_WORDS.includes(next) || COMMAND_NAMES.includes(next))
}

function sortGiven(
  given: ReadonlyMap<Flag, readonly (string | undefined)[]>,
  unknown: readonly string[],
): Omit<CommandLine, 'words' | 'firstWordAt'> {
  const values = new Map<string, string>()
  const lists = new Map<string, string[]>()
  const switches = new Set<string>()
  const wrong = new Set<string>()
  const faults = [...unknown]
  for (const [flag, texts] of given) {
    const fault = findFault(flag, texts)
    if (fault !== undefined) {
      faults.push(fault)
      wrong.add(flag.name)
    }
    if (!flag.takesValue && texts.includes(undefined)) switches.add(flag.name)
    const value = texts[0] ?? flag.bare
    if (flag.isList === true) {
      lists.set(
        flag.name,
        texts.filter((text) => text !== undefined),
      )
    } else if (flag.takesValue && fault === undefined && value !== undefined)
      values.set(flag.name, value)
  }
  return { values, lists, switches, wrong, faults }
}

function findFault(flag: Flag, texts: readonly (string | undefined)[]): string | undefined {
  const { name, takesValue, isList, bare, expected, refusal } = flag
  if (refusal !== undefined) return `${name} ${refusal}`
  const [text] = texts.filter((value) => value !== undefined)
  if (isList === true && texts.includes(undefined)) {
    return `${name} must come with a value each time, got nothing`
  }
  if (!takesValue && text !== undefined) {
    return `${name} must come without a value, got ${quote(text)}`
  }
  if (texts.length > 1 && isList !== true) {
    return `${name} must be given once${takesValue ? `, got ${texts.map(quote).join(' and ')}` : ''}`
  }
  if (!takesValue || text !== undefined || bare !== undefined) return undefined
  return expected === undefined
    ? `${name} must come with a value, got nothing`
    : `${name} must be ${expected}, got nothing`
}

/** The options of the small benchmarks: `--rounds 7`, `--only WORD`, `--no-install`, and `--help`. */
import { parseArgs } from 'node:util'

/** A count has a number for its default, a word a text, and what is only said `false`. */
export type Defaults = Readonly<Record<string, number | string | false>>

export type Values<Of extends Defaults> = {
  readonly [Name in keyof Of]: Of[Name] extends number
    ? number
    : Of[Name] extends string
      ? string
      : boolean
}

/** Prints `help` and ends where that is asked for; ends with code 64 where an option is wrong, and says which. */
export function readFewOptions<Of extends Defaults>(defaults: Of, help: string): Values<Of> {
  const flags = Object.entries(defaults).map(([name, value]) => [
    name,
    value === false ? { type: 'boolean' as const } : { type: 'string' as const },
  ])
  const options = { ...Object.fromEntries(flags), help: { type: 'boolean', short: 'h' } } as const
  try {
    const given: Readonly<Record<string, unknown>> = parseArgs({ options }).values
    if (given['help'] === true) {
      process.stdout.write(help)
      process.exit(0)
    }
    const read = Object.entries(given).map(([name, value]) => [
      name,
      typeof defaults[name] === 'number' ? readCount(name, String(value)) : value,
    ])
    return { ...defaults, ...Object.fromEntries(read) } as Values<Of>
  } catch (error) {
    process.stderr.write(`Cannot read the options: ${(error as Error).message} (see --help)\n`)
    process.exit(64)
  }
}

function readCount(name: string, given: string): number {
  if (/^[1-9]\d{0,5}$/.test(given)) return Number(given)
  throw new Error(`--${name} must be an integer from 1, got "${given}"`)
}

/** The command line of the simulation of a fleet. */
import { parseArgs } from 'node:util'
import { type Behaviour, type Machine, ORDINARY, SERVER } from './fleet.ts'

export type FleetOptions = {
  readonly measure: boolean
  readonly growth: boolean
  readonly sessions: readonly number[]
  readonly behaviour: Behaviour
  readonly machine: Machine
}

export class FleetOptionsError extends Error {}

/** `unit`: how many of ours are one of the flag's. */
type Flag = {
  readonly of: 'behaviour' | 'machine'
  readonly key: string
  readonly unit: number
  readonly help: string
}

const FLAGS: Readonly<Record<string, Flag>> = {
  'in-use': flag('behaviour', 'inUseShare', 0.01, 'percent of the sessions that are used at once'),
  every: flag('behaviour', 'secondsBetweenRequests', 1, 'seconds between two requests of one'),
  writes: flag('behaviour', 'writeShare', 0.01, 'percent of the requests that write'),
  visit: flag('behaviour', 'visitSeconds', 1, 'seconds that somebody stays'),
  life: flag('behaviour', 'lifeHours', 1, 'hours that a session lives'),
  peak: flag('behaviour', 'peak', 1, 'log-ins at the peak, times the average'),
  'log-outs': flag('behaviour', 'logOutShare', 0.01, 'percent of the sessions that log out'),
  'keep-ended': flag('behaviour', 'keepEndedHours', 1, 'hours, as the setting'),
  cores: flag('machine', 'cores', 1, "cores of PostgreSQL's machine"),
  memory: flag('machine', 'memoryBytes', 1e9, 'GB of memory'),
  disk: flag('machine', 'diskBytes', 1e9, 'GB of disk'),
  wal: flag('machine', 'walBytesPerSecond', 1e6, 'MB of WAL a second, with its standbys'),
  pages: flag('machine', 'pagesPerSecond', 1, 'pages that the disk reads or writes a second'),
  connections: flag('machine', 'connections', 1, 'connections'),
  usable: flag('machine', 'usableShare', 0.01, 'percent of all these that may be used'),
  'read-ms': flag('machine', 'readMs', 1, 'milliseconds of a round trip'),
  'commit-ms': flag('machine', 'commitMs', 1, 'milliseconds of one that commits, with the standby'),
  checkpoint: flag('machine', 'checkpointSeconds', 1, 'seconds between checkpoints'),
}

const DEFAULT_SESSIONS = [1e4, 1e5, 1e6, 1e7, 1e8]

/** Undefined where help is asked for. Throws a `FleetOptionsError` that says what was expected. */
export function readFleetOptions(args: readonly string[]): FleetOptions | undefined {
  const parsed = parse(args)
  const { positionals } = parsed
  const values: Readonly<Record<string, string | boolean | undefined>> = parsed.values
  if (values['help'] === true) return undefined
  const chosen = (of: Flag['of']) =>
    Object.fromEntries(
      Object.entries(FLAGS).flatMap(([name, { of: whose, key, unit }]) => {
        const given = values[name]
        return whose === of && typeof given === 'string'
          ? [[key, readNumber(`--${name}`, given) * unit]]
          : []
      }),
    )
  return {
    measure: values['measure'] === true,
    growth: values['growth'] === true,
    sessions:
      positionals.length > 0
        ? positionals.map((text) => readNumber('SESSIONS', text))
        : DEFAULT_SESSIONS,
    behaviour: { ...ORDINARY, ...chosen('behaviour'), isLimited: values['limited'] === true },
    machine: { ...SERVER, ...chosen('machine') },
  }
}

export function renderFleetHelp(): string {
  const defaults: Readonly<Record<string, unknown>> = { ...ORDINARY, ...SERVER }
  const lines = Object.entries(FLAGS).map(([name, { key, unit, help }]) => {
    const value = Number((Number(defaults[key]) / unit).toPrecision(6))
    return `  ${`--${name} N`.padEnd(17)}${help} (${value})\n`
  })
  return `Usage: npm run bench:fleet -- [--flag value]... [SESSIONS]...

What a fleet of Coatchecks on PostgreSQL needs, and where one primary ends: arithmetic over measured costs.

  --measure        measure the costs anew, on a PostgreSQL of its own: three minutes
  --growth         a million touches instead, and by how much the tables grow by them
  --limited        users have a limit of sessions (--max-sessions-per-sub)
${lines.join('')}  -h, --help       print this and stop
`
}

function flag(
  of: Flag['of'],
  key: keyof Behaviour | keyof Machine,
  unit: number,
  help: string,
): Flag {
  return { of, key, unit, help }
}

function parse(args: readonly string[]) {
  const numbers = Object.fromEntries(
    Object.keys(FLAGS).map((name) => [name, { type: 'string' } as const]),
  )
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...numbers,
        measure: { type: 'boolean' },
        growth: { type: 'boolean' },
        limited: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new FleetOptionsError(`Cannot read the options: ${(error as Error).message} (see --help)`)
  }
}

function readNumber(name: string, text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && number > 0 && Number.isFinite(number)) return number
  throw new FleetOptionsError(
    `Cannot read the options: ${name} must be a number above 0, got "${text}" (see --help)`,
  )
}

/** The command line of the benchmark. */
import { parseArgs } from 'node:util'
import { ADDRESS_SHAPE, explainAddress } from '../../lib/base/database-address.ts'
import { OWN_CLUSTER } from './contenders/coatcheck.ts'

export type Options = {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly connections: number
  readonly sessions: number
  readonly only: readonly string[]
  readonly operations: readonly string[]
  readonly serverCores: string | undefined
  readonly loadCores: string | undefined
  readonly markdown: boolean
  readonly install: boolean
  /** The folder of another checkout. */
  readonly before: string | undefined
  /** `postgres`, or the address of a database. */
  readonly store: string | undefined
}

/** What may be chosen from: the names of all contenders and of all operations. */
export type Choices = {
  readonly contenders: readonly string[]
  readonly operations: readonly string[]
}

export class OptionsError extends Error {}

/** Undefined where help is asked for. Throws an `OptionsError` that says what was expected. */
export function readOptions(args: readonly string[], choices: Choices): Options | undefined {
  const values = parse(args)
  if (values.help) return undefined
  return {
    rounds: readCount('rounds', values.rounds, 100),
    seconds: readCount('seconds', values.seconds, 60),
    warmUpSeconds: readCount('warm-up', values['warm-up'], 60),
    connections: readCount('connections', values.connections, 1_000),
    sessions: readCount('sessions', values.sessions, 100_000),
    only: readNames('only', values.only, choices.contenders),
    operations: readNames('operations', values.operations, choices.operations),
    serverCores: readCores('server-cores', values['server-cores']),
    loadCores: readCores('load-cores', values['load-cores']),
    markdown: values.markdown,
    install: !values['no-install'],
    before: values.before,
    store: readStore(values.store),
  }
}

export function renderHelp({ contenders, operations }: Choices): string {
  return `Usage: npm run bench -- [--flag value]...

Measures Coatcheck beside a bare server (the floor) and beside what people would use instead.
Each round loads the contenders in turn; the table shows the median of the rounds.

  --rounds N           measured rounds (${defaults.rounds})
  --seconds S          of load in each round, for each contender (${defaults.seconds})
  --warm-up S          of load before the first round, which compiles a server's code (${defaults.warmUp})
  --connections N      each with one request at a time (${defaults.connections})
  --sessions N         that the requests go through in turn (${defaults.sessions})
  --only A,B           contenders: ${wrap(contenders)}
  --operations A,B     operations: ${wrap(operations)}
  --server-cores LIST  as taskset takes it, such as 0-3 (the first core)
  --load-cores LIST    for the load generator (the last core)
  --before PATH        another checkout of Coatcheck takes part, with a column for the ratio to it
  --store STORE        Coatcheck on PostgreSQL takes part, with columns for the ratio to it on SQLite and for
                       the database's own CPU. STORE: postgres, which is a cluster of this run's own, or
                       the address of a database on this machine or another, postgres://…, which keeps
                       what the run leaves and whose CPU is not known here
  --markdown           print the table as Markdown, for the manual
  --no-install         do not install the packages of peers that are missing
  -h, --help           print this and stop
`
}

const defaults = {
  rounds: '5',
  seconds: '3',
  warmUp: '3',
  connections: '32',
  sessions: '1000',
} as const

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string', default: defaults.rounds },
        seconds: { type: 'string', default: defaults.seconds },
        'warm-up': { type: 'string', default: defaults.warmUp },
        connections: { type: 'string', default: defaults.connections },
        sessions: { type: 'string', default: defaults.sessions },
        only: { type: 'string' },
        operations: { type: 'string' },
        'server-cores': { type: 'string' },
        'load-cores': { type: 'string' },
        before: { type: 'string' },
        store: { type: 'string' },
        markdown: { type: 'boolean', default: false },
        'no-install': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new OptionsError(`Cannot read the options: ${(error as Error).message} (see --help)`)
  }
}

function readCount(flag: string, given: string, max: number): number {
  if (/^[1-9]\d{0,5}$/.test(given) && Number(given) <= max) return Number(given)
  throw new OptionsError(
    `Cannot read the options: --${flag} must be an integer from 1 to ${max}, got "${given}"`,
  )
}

/** All of them where none is named; in the order of the benchmark, not of the command line. */
function readNames(
  flag: string,
  given: string | undefined,
  known: readonly string[],
): readonly string[] {
  if (given === undefined) return known
  const names = given.split(',').map((name) => name.trim().toLowerCase())
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return known.filter((name) => names.includes(name))
  throw new OptionsError(
    `Cannot read the options: --${flag} must be of ${known.join(', ')}, got "${unknown}"`,
  )
}

function readStore(given: string | undefined): string | undefined {
  if (given === undefined || given === OWN_CLUSTER) return given
  const fault = explainAddress(given)
  if (fault === '') return given
  throw new OptionsError(
    `Cannot read the options: --store must be ${OWN_CLUSTER} or ${ADDRESS_SHAPE}: ${fault}`,
  )
}

function readCores(flag: string, given: string | undefined): string | undefined {
  if (given === undefined || /^\d+([,-]\d+)*$/.test(given)) return given
  throw new OptionsError(
    `Cannot read the options: --${flag} must be a list of cores such as 0,2-3, got "${given}"`,
  )
}

/** In lines that start under the first name. */
function wrap(names: readonly string[]): string {
  const lines: string[][] = [[]]
  for (const name of names) {
    const line = lines.at(-1) ?? []
    if ([...line, name].join(', ').length > 60) lines.push([name])
    else line.push(name)
  }
  return lines.map((line) => line.join(', ')).join(`,\n${' '.repeat(35)}`)
}

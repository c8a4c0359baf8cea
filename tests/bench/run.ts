/**
 * `npm run bench [-- --help]`: Coatcheck, the floor below it and its peers under the same load, in
 * one table. The table goes to stdout, what happens meanwhile to stderr. Linux only: it reads /proc.
 */
import { existsSync, mkdirSync, statfsSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { resolve } from 'node:path'
import type { Contender } from './contenders/contender.ts'
import { createContenders } from './contenders/contenders.ts'
import { coatcheckAt, coatcheckOn } from './contenders/coatcheck.ts'
import { chooseCores, type Cores, pinProcess } from './machine/cores.ts'
import { findLoadGenerator, type LoadGenerator } from './load/load-generator.ts'
import { measure, type Plan, type Samples } from './measure.ts'
import { offers, type Operation, operations } from './data/operations.ts'
import { type Options, OptionsError, readOptions, renderHelp } from './options.ts'
import { installPeerPackages } from './contenders/peer-packages.ts'
import { endAllAtExit, WORK_FOLDER } from './machine/processes.ts'
import { measureRouterMatch, renderRouterMatch } from './router-match.ts'
import { createTable, renderMarkdown, renderText, type Table } from './table.ts'

/** Runnable threads, a minute's mean, which npm itself does not reach. */
const BUSY_LOAD = 0.7
/** For one contender at one operation, beside its load. */
const START_AND_CHECK_SECONDS = 2

/** The type that statfs(2) tells for it. */
const TMPFS_MAGIC = 0x01021994

const LEGEND = `Medians of the rounds. CPU: of a request, all processes and threads of the contender together.
× floor: that time as a multiple of the bare Hono app's, which gives the same answer to the same request.
Of Coatcheck on PostgreSQL that is its own alone; PostgreSQL's is beside it, in "+ database".
kept in: where a session is once its write is answered. MB: resident memory, of all processes.`

endAllAtExit()
try {
  await main(process.argv.slice(2))
} catch (error) {
  tell(error instanceof Error ? error.message : String(error))
  process.exitCode = error instanceof OptionsError ? 64 : 1
}

async function main(args: readonly string[]): Promise<void> {
  let installed: Promise<string | undefined> | undefined
  let mayInstall = true
  const findMissingPackages = () => (installed ??= installPeerPackages(mayInstall))
  const contenders = createContenders(findMissingPackages)
  const choices = {
    contenders: contenders.map(({ name }) => name),
    operations: operations.map(({ name }) => name),
  }
  const options = readOptions(args, choices)
  if (options === undefined) {
    console.log(renderHelp(choices))
    return
  }
  if (!existsSync('/proc/self/stat')) throw new Error('Cannot measure: CPU time comes from /proc')
  mayInstall = options.install

  const generator = await chooseGenerator(findMissingPackages)
  const cores = chooseCores(options.serverCores, options.loadCores)
  // Off the server's.
  pinProcess(process.pid, cores.load)
  const named = contenders.filter(({ name }) => options.only.includes(name))
  const before = options.before === undefined ? [] : [coatcheckAt(resolve(options.before))]
  const onStore = options.store === undefined ? [] : [coatcheckOn(options.store)]
  const present = await findPresent([...named, ...before, ...onStore])
  const chosen = operations.filter(({ name }) => options.operations.includes(name))
  tellHowLong(options, chosen, present)

  const match = renderRouterMatch(await measureRouterMatch())
  const results: [Operation, Samples][] = []
  try {
    for (const operation of chosen) {
      const able = present.filter(({ api }) => offers(api, operation.name))
      const plan: Plan = { ...options, cores, generator, tell }
      if (able.length > 0) results.push([operation, await measure(operation, able, plan)])
    }
  } finally {
    // What was measured before something failed is still true.
    if (results.length > 0) {
      console.log(describeRun(options, cores, generator))
      printTable(createTable(results), options.markdown)
      console.log(`${options.markdown ? '\n' : ''}${match}`)
    }
  }
}

function printTable(table: Table, asMarkdown: boolean): void {
  if (asMarkdown) console.log(renderMarkdown(table))
  else console.log(`${renderText(table)}\n${LEGEND}`)
}

async function chooseGenerator(
  findMissingPackages: () => Promise<string | undefined>,
): Promise<LoadGenerator> {
  const found = findLoadGenerator()
  if (found !== undefined) return found
  tell('There is no wrk (apt-get install wrk): autocannon puts on less load')
  const missing = await findMissingPackages()
  const other = findLoadGenerator()
  if (other !== undefined) return other
  throw new Error(`Cannot put on load: install wrk; autocannon is missing: ${missing}`)
}

async function findPresent(contenders: readonly Contender[]): Promise<Contender[]> {
  const present: Contender[] = []
  for (const contender of contenders) {
    const missing = await contender.findMissing()
    if (missing === undefined) present.push(contender)
    else tell(`Skipping ${contender.name} (${contender.title}): ${missing}`)
  }
  return present
}

function tellHowLong(
  { rounds, seconds, warmUpSeconds }: Options,
  chosen: readonly Operation[],
  present: readonly Contender[],
): void {
  const pairs = chosen.flatMap(({ name }) => present.filter(({ api }) => offers(api, name)))
  const each = warmUpSeconds + rounds * seconds + START_AND_CHECK_SECONDS
  tell(`This takes about ${Math.ceil((pairs.length * each) / 60)} min`)
  const [busy = 0] = loadavg()
  if (busy > BUSY_LOAD) {
    tell(
      `The machine is busy (load average ${busy.toFixed(1)}): all figures will be worse than at rest`,
    )
  }
}

/** What the figures depend on, for whoever compares them. */
function describeRun(options: Options, { server, load }: Cores, generator: LoadGenerator): string {
  const { rounds, seconds, warmUpSeconds, connections, sessions } = options
  const [cpu] = cpus()
  const places =
    server === undefined
      ? 'nothing pinned'
      : `server on core ${server}, load on core ${load ?? 'any'}`
  return (
    `${cpus().length} × ${cpu?.model.trim()}, Linux ${release()}, Node ${process.version}; ${places}.\n` +
    `${generator.name}, ${connections} connections, ${sessions} sessions; ` +
    `${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s after ${warmUpSeconds} s of warm-up.\n` +
    (isInMemory() ? 'The files are on a tmpfs: what is said to be on disk is not.\n' : '')
  )
}

function isInMemory(): boolean {
  mkdirSync(WORK_FOLDER, { recursive: true })
  return statfsSync(WORK_FOLDER).type === TMPFS_MAGIC
}

function tell(text: string): void {
  console.error(text)
}

// `npm run torture -- NAME… [--seed=N] [--seconds=N] [--break=WAY] [--store postgres]`; without a name,
// what there is. `--all` runs every one. With `--binary PATH` the program is this one. With `--store
// postgres` it runs twice, on a database that both share. One line for each torture, and the last line is
// a verdict as of the tests: "N passed, N failed".
import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { skip, SkippedTest } from '../kit/runner/skip.ts'
import type { Breakage } from './engine/server/breakage.ts'
import type { Finding, Torture } from './torture.ts'

const DEFAULT_SECONDS = 60
const SHOWN_VIOLATIONS = 10

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    binary: { type: 'string' },
    break: { type: 'string' },
    seconds: { type: 'string', default: String(DEFAULT_SECONDS) },
    seed: { type: 'string' },
    store: { type: 'string', default: 'file' },
  },
})
// Before anything that looks for it is loaded.
if (values.binary !== undefined) process.env['TEST_BINARY'] = resolve(values.binary)
const isOnDatabase = values.store === 'postgres'
if (!isOnDatabase && values.store !== 'file') {
  refuse(`--store must be file or postgres, got "${values.store}"`)
}
const { tortures: all } = await import('./tortures.ts')
const tortures = new Map([...all].filter(([, torture]) => breakagesOf(torture) !== undefined))
const { runTorture } = await import('./engine/run-torture.ts')

const names = values.all ? [...tortures.keys()] : positionals
const unknown = names.find((name) => !tortures.has(name))
if (names.length === 0 || unknown !== undefined) {
  if (unknown !== undefined) print(`There is no torture "${unknown}"; there are:`)
  for (const [name, torture] of tortures) {
    print(`${name}: ${torture.about}`)
    const ways = Object.keys(breakagesOf(torture) ?? {})
    if (ways.length > 0) print(`  --break=${ways.join(' | ')}`)
  }
  process.exit(unknown === undefined ? 0 : 64)
}

const seconds = wholeNumber('seconds', values.seconds)
const bin = isOnDatabase ? findPostgres() : undefined
const cluster = bin === undefined ? undefined : await startCluster(bin)
const totals = { passed: 0, failed: 0, skipped: 0 }
for (const name of names) {
  const torture = tortures.get(name)
  if (torture !== undefined) totals[await report(name, torture)]++
}
await cluster?.stop()
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''
print(`${totals.passed} passed, ${totals.failed} failed${skipped}`)
process.exitCode = totals.failed > 0 ? 1 : 0

async function report(name: string, torture: Torture): Promise<keyof typeof totals> {
  const seed = values.seed === undefined ? randomInt(2 ** 32) : wholeNumber('seed', values.seed)
  const breakage = breakageOf(name, torture)
  const startedAt = performance.now()
  try {
    if (isOnDatabase && cluster === undefined) skip('postgresql is not installed')
    const options = { seed, seconds, ...(breakage && { breakage }), ...(cluster && { cluster }) }
    const { violations, figures } = await runTorture(torture, options)
    for (const violation of violations.slice(0, SHOWN_VIOLATIONS)) print(`  ${violation}`)
    const verdict = violations.length === 0 ? 'held' : `VIOLATED ${violations.length} times`
    const took = ((performance.now() - startedAt) / 1000).toFixed(1)
    print(`${name}: ${verdict}; ${render(figures)}; seed ${seed}, ${took} s`)
    return violations.length === 0 ? 'passed' : 'failed'
  } catch (error) {
    if (error instanceof SkippedTest) {
      print(`${name}: SKIPPED, ${error.message}`)
      return 'skipped'
    }
    print(`${name}: FAILED, seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`)
    return 'failed'
  }
}

/** Undefined for one that does not run on this store. */
function breakagesOf({ breakages, databaseBreakages }: Torture): Torture['breakages'] | undefined {
  return isOnDatabase ? databaseBreakages : breakages
}

function breakageOf(name: string, torture: Torture): Breakage | undefined {
  if (values.break === undefined) return undefined
  const breakages = breakagesOf(torture) ?? {}
  const breakage = breakages[values.break]
  if (breakage !== undefined) return breakage
  const ways = Object.keys(breakages).join(', ')
  print(`Cannot break ${name} by "${values.break}"; there are: ${ways}`)
  process.exit(64)
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  refuse(`--${name} must be a whole number, got "${text}"`)
}

function refuse(what: string): never {
  print(`Cannot read arguments: ${what}`)
  process.exit(64)
}

function render(figures: Finding['figures']): string {
  return Object.entries(figures)
    .map(([what, count]) => `${what} ${count.toLocaleString('en')}`)
    .join(', ')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/**
 * What a fleet of Coatchecks on PostgreSQL needs, for ten thousand to a hundred million sessions, and where one
 * primary ends: `npm run bench:fleet [-- --measure] [--FLAG VALUE]...`, see `--help`. Without `--measure` it is
 * arithmetic over the costs that were measured last (`measured.ts`), and takes no time.
 */
import { findPostgres } from '../../kit/postgres/cluster.ts'
import type { Costs } from './costs.ts'
import { endOfPrimary, needOf } from './fleet.ts'
import { MEASURED, MEASURED_ON } from './measured.ts'
import { measureGrowth } from './measure-growth.ts'
import { measureHttp } from './measure-http.ts'
import { measureStore } from './measure-store.ts'
import { FleetOptionsError, readFleetOptions, renderFleetHelp } from './fleet-options.ts'
import { renderCosts, renderEnd, renderNeeds, renderSingleCosts } from './render.ts'

try {
  await run()
} catch (error) {
  if (!(error instanceof FleetOptionsError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(64)
}

async function run(): Promise<void> {
  const options = readFleetOptions(process.argv.slice(2))
  if (options === undefined) return void process.stdout.write(renderFleetHelp())
  if (options.growth) return void console.log(await measureGrowth(requirePostgres()))
  const { sessions, behaviour, machine } = options
  const costs = options.measure ? await measure() : MEASURED
  if (!options.measure) console.log(`Costs as measured ${MEASURED_ON}\n`)
  console.log(`${renderCosts(costs)}\n${renderSingleCosts(costs)}`)
  console.log(
    renderNeeds(
      sessions.map((n) => needOf(n, behaviour, machine, costs)),
      machine,
    ),
  )
  console.log(renderEnd(endOfPrimary(behaviour, machine, costs)))
}

function requirePostgres(): string {
  const bin = findPostgres()
  if (bin !== undefined) return bin
  process.stderr.write('Cannot measure: PostgreSQL is not installed\n')
  process.exit(69)
}

async function measure(): Promise<Costs> {
  const bin = requirePostgres()
  const costs = { ...(await measureHttp()), ...(await measureStore(bin)) }
  console.log(`For measured.ts:\n${JSON.stringify(costs, rounded, 2)}\n`)
  return costs
}

/** Three digits are more than a busy machine gives. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(3)) : value
}

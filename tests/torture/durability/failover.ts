/**
 * Two servers on a PostgreSQL database that Patroni keeps, with two synchronous standbys, under load. Rounds
 * of what may happen to its machines, and to the network between them: what was acknowledged is there after
 * each, who has logged out stays so, and no read is older than the limit.
 */
import { chmodSync } from 'node:fs'
import { cutFromNodes, isolate } from '../../kit/postgres/cuts.ts'
import {
  disturb,
  type Disturbance,
  killPrimary,
  loseStandby,
  openServers,
  type Outcome,
  type Service,
  STALE_LIMIT_MS,
  stopPatroni,
  stopPrimary,
  switchOver,
} from '../../kit/postgres/disturbances.ts'
import type { Tally } from '../../kit/postgres/load.ts'
import { startNetwork } from '../../kit/postgres/network.ts'
import { findMissing, startPatroni } from '../../kit/postgres/patroni.ts'
import { skip } from '../../kit/runner/skip.ts'
import type { Finding, Given, Torture } from '../torture.ts'

type Disturbances = Readonly<Record<string, Disturbance>>

const breakages: Torture['breakages'] = {
  'what fails is acknowledged': {
    seam: 'failed-is-not-done',
    by: "if (!('error' in result)) played.delete(write)",
  },
}

export const failover: Torture = {
  about: 'kills, stops and replaces the primary of a PostgreSQL database under load',
  breakages,
  async run(given) {
    requirePrograms()
    chmodSync(given.folder, 0o755)
    const cluster = await startPatroni({ folder: given.folder })
    try {
      const servers = await openServers(cluster, given.spawn)
      return await runRounds(given, { cluster, servers }, MACHINES)
    } finally {
      await cluster.stop()
    }
  },
}

export const cutNetwork: Torture = {
  about:
    'cuts the primary of a PostgreSQL database from its standbys, and from servers, under load',
  breakages: {
    ...breakages,
    'reads go on without a heartbeat': {
      seam: 'no-commit-no-reads',
      by: 'isFresh: (server) => server !== undefined,',
    },
  },
  async run(given) {
    requirePrograms()
    const network = await startNetwork()
    chmodSync(given.folder, 0o755)
    const cluster = await startPatroni({ ...network, folder: given.folder })
    try {
      const servers = await openServers(cluster, given.spawn, network.clients)
      return await runRounds(
        given,
        { cluster, servers },
        {
          'cut off': cutFromNodes(network, { isUnfenced: false }),
          'cut off unfenced': cutFromNodes(network, { isUnfenced: true }),
          isolated: isolate(network, { isUnfenced: false }),
          'isolated unfenced': isolate(network, { isUnfenced: true }),
        },
      )
    } finally {
      await cluster.stop()
      network.stop()
    }
  },
}

const MACHINES: Disturbances = {
  killed: killPrimary(),
  stopped: stopPrimary,
  'Patroni stopped': stopPatroni,
  'switched over': switchOver,
  'standby away': loseStandby(60_000),
}

function requirePrograms(): void {
  const missing = findMissing()
  if (missing !== undefined) skip(`${missing} is not installed`)
}

/** Whole rounds, at least one, until something is violated or the time is over. */
async function runRounds(given: Given, service: Service, all: Disturbances): Promise<Finding> {
  const tallies: Tally[] = []
  const violations: string[] = []
  const pauses = new Map<string, number[]>(Object.keys(all).map((name) => [name, []]))
  const figures = { rounds: 0, acknowledged: 0, 'log-outs': 0, lost: 0, undone: 0, 'stalest ms': 0 }
  do {
    for (const name of shuffled(Object.keys(all), given)) {
      const outcome = await disturb(service, all[name] ?? switchOver, tallies).catch(String)
      if (typeof outcome === 'string') violations.push(`${name}: ${outcome}`)
      else {
        const { counters, loggedOut, lost, undone, stalestMs, longestPauseMs } = outcome
        for (const { acknowledged } of Object.values(counters)) figures.acknowledged += acknowledged
        figures['log-outs'] += loggedOut.length
        figures.lost += lost
        figures.undone += undone.length
        figures['stalest ms'] = Math.max(figures['stalest ms'], Math.round(stalestMs))
        pauses.get(name)?.push(Math.round(longestPauseMs))
        violations.push(...violationsOf(outcome).map((words) => `${name}: ${words}`))
      }
      if (violations.length > 0) break
    }
    figures.rounds++
  } while (violations.length === 0 && performance.now() < given.endsAt)
  return { violations, figures: { ...figures, ...figuresOf(pauses) } }
}

function violationsOf({ lost, surplus, undone, stalestMs }: Outcome): string[] {
  return [
    ...(lost > 0 ? [`${lost} acknowledged increments are lost`] : []),
    ...(surplus > 0 ? [`${surplus} increments are there that nobody was told of`] : []),
    ...undone.map((what) => `a session that was logged out: ${what}`),
    ...(stalestMs >= STALE_LIMIT_MS ? [`a read was ${Math.round(stalestMs)} ms behind`] : []),
  ]
}

/** How long a server acknowledged nothing. */
function figuresOf(pauses: ReadonlyMap<string, readonly number[]>): Finding['figures'] {
  const figures = [...pauses].flatMap(([name, all]) => {
    const sorted = all.toSorted((a, b) => a - b)
    return [
      [`${name} ms (median)`, sorted[Math.floor(sorted.length / 2)] ?? 0],
      [`${name} ms (longest)`, sorted.at(-1) ?? 0],
    ] as const
  })
  return Object.fromEntries(figures)
}

function shuffled(names: readonly string[], { random }: Given): string[] {
  const left = [...names]
  return names.flatMap(() => left.splice(random.below(left.length), 1))
}

/**
 * Environment variables that may be meant for Coatcheck. Kubernetes and Docker add variables of their
 * own for a service or container named `coatcheck` or `coatcheck-…`.
 */
import { findNearest } from '../command-line/suggest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export type StrayVariables = {
  /** A message for each variable whose name is nearly that of a setting. */
  readonly faults: readonly string[]
  /** Variables that describe a service or a linked container. */
  readonly serviceLinks: readonly string[]
  /** All others. */
  readonly unknown: readonly string[]
}

/** The names that Kubernetes (`enableServiceLinks`) and Docker (`--link`) use, with any value. */
const LINK_NAME =
  /_SERVICE_(HOST|PORT(_[A-Z\d_]+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_[A-Z_]+)?$|^COATCHECK(_[A-Z\d_]+)?_ENV_/

/** Names of theirs that could be settings; the value tells: `COATCHECK_PORT=tcp://10.96.12.7:7377`. */
const LINK_VALUES = [
  [/_PORT(_START|_END)?$/, /^(tcp|udp|sctp):\/\//i],
  [/_NAME$/, /^\/[^/]+\/[^/]+$/],
] as const

/** The prefix, also in its common misspellings. */
const PREFIX = /^coat_?check_?/i

/** The value of a variable; undefined where it is empty or a service link. */
export function findVariable(env: Environment, name: string): string | undefined {
  const value = env[name]
  return value === undefined || value === '' || isServiceLink(name, value) ? undefined : value
}

/** Sorts the variables that have the prefix, or nearly, and are not known. */
export function sortStrayVariables(env: Environment, known: readonly string[]): StrayVariables {
  const faults: string[] = []
  const serviceLinks: string[] = []
  const unknown: string[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!PREFIX.test(name) || value === undefined || value === '') continue
    const nearest = findNearest(stemOf(name), known.map(stemOf))
    if (isServiceLink(name, value)) {
      serviceLinks.push(name)
    } else if (known.includes(name)) {
      continue
    } else if (nearest !== undefined) {
      faults.push(`Unknown variable ${JSON.stringify(name)}: did you mean COATCHECK_${nearest}?`)
    } else if (name.startsWith('COATCHECK_')) {
      unknown.push(name)
    }
  }
  return { faults, serviceLinks, unknown }
}

function stemOf(name: string): string {
  return name.replace(PREFIX, '').toUpperCase()
}

function isServiceLink(name: string, value: string): boolean {
  if (!name.startsWith('COATCHECK_')) return false
  if (LINK_NAME.test(name)) return true
  return LINK_VALUES.some(([names, values]) => names.test(name) && values.test(value))
}

/**
 * The variables of the environment that could be meant for Coatcheck. Kubernetes and Docker put in
 * variables of their own for a service or a container called `coatcheck`, or `coatcheck-…`.
 */
import { findNearest } from '../command-line/suggest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export type StrayVariables = {
  /** Slips of a known name, and what is to be said of each. */
  readonly faults: readonly string[]
  /** Those that describe a service or a linked container. */
  readonly serviceLinks: readonly string[]
  /** Those of nobody that is known here. */
  readonly unknown: readonly string[]
}

/** What Kubernetes (`enableServiceLinks`) and Docker (`--link`) name theirs, whatever their values. */
const LINK_NAME =
  /_SERVICE_(HOST|PORT(_[A-Z\d_]+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_[A-Z_]+)?$|^COATCHECK(_[A-Z\d_]+)?_ENV_/

/** Theirs as well, where the value is such a one: `COATCHECK_PORT=tcp://10.96.12.7:7377`. */
const LINK_VALUES = [
  [/_PORT(_START|_END)?$/, /^(tcp|udp|sctp):\/\//i],
  [/_NAME$/, /^\/[^/]+\/[^/]+$/],
] as const

/** Our prefix, and what people make of it. */
const PREFIX = /^coat_?check_?/i

/** The value of a variable; undefined where it is empty, which says nothing, or is a service link. */
export function findVariable(env: Environment, name: string): string | undefined {
  const value = env[name]
  return value === undefined || value === '' || isServiceLink(name, value) ? undefined : value
}

/** Sorts the variables that have our prefix, or nearly, and are not among the known ones. */
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

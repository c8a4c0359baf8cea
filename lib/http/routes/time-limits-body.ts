import { CoatcheckError } from '../../base/errors.ts'
import { type JsonText, kindOf } from '../../json/json.ts'
import { LONGEST_KEEP_ENDED_MS } from '../../session/retention.ts'
import {
  LONGEST_IDLE_TIMEOUT_MS,
  LONGEST_LIFETIME_MS,
  type OwnLimits,
} from '../../session/time-limits.ts'

/** The members of a body that say how long a session lasts. */
export type TimeMembers = {
  readonly idleTimeout?: JsonText | undefined
  readonly lifetime?: JsonText | undefined
  readonly lifetimeFrom?: JsonText | undefined
}

/**
 * The time limits that a back end gives a session, in seconds; missing ones are left out. Throws
 * `invalid_argument` for anything but an integer from 1 to the longest; `lifetime` may be null.
 */
export function parseTimeLimits({ idleTimeout, lifetime, lifetimeFrom }: TimeMembers): OwnLimits {
  const idleTimeoutMs = readSeconds('idleTimeout', idleTimeout, LONGEST_IDLE_TIMEOUT_MS / 1_000)
  const isEndless = lifetime !== undefined && kindOf(lifetime) === 'null'
  const lifetimeMs = isEndless
    ? Infinity
    : readSeconds('lifetime', lifetime, LONGEST_LIFETIME_MS / 1_000)
  const isFromNow = lifetimeFrom !== undefined && readStart(lifetimeFrom, lifetimeMs) === 'now'
  return {
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    ...(isFromNow ? { lifetimeFromNow: true } : {}),
  }
}

/**
 * For how long the end of a session is remembered: seconds, or null for as long as the setting says;
 * undefined where it is not given.
 */
export function parseKeepEnded(text: JsonText | undefined): number | null | undefined {
  if (text !== undefined && kindOf(text) === 'null') return null
  return readSeconds('keepEnded', text, LONGEST_KEEP_ENDED_MS / 1_000, 0)
}

function readStart(text: JsonText, lifetimeMs: number | undefined): 'now' | 'creation' {
  const start: unknown = kindOf(text) === 'string' ? JSON.parse(text) : undefined
  const hasStart = lifetimeMs !== undefined && lifetimeMs !== Infinity
  if (hasStart && (start === 'now' || start === 'creation')) return start
  throw new CoatcheckError(
    'invalid_argument',
    'Cannot read the session: "lifetimeFrom" must be "now" or "creation", beside a "lifetime" in seconds',
  )
}

function readSeconds(
  name: string,
  text: JsonText | undefined,
  most: number,
  least = 1,
): number | undefined {
  if (text === undefined) return undefined
  const seconds = kindOf(text) === 'number' ? Number(text.trim()) : NaN
  if (Number.isInteger(seconds) && seconds >= least && seconds <= most) return seconds * 1000
  throw new CoatcheckError(
    'invalid_argument',
    `Cannot read the session: "${name}" must be an integer of seconds from ${least} to ${most}`,
  )
}

import { CoatcheckError } from '../../base/errors.ts'
import { type JsonText, kindOf } from '../../json/json.ts'
import type { TimeLimits } from '../../session/session.ts'
import { LONGEST_IDLE_TIMEOUT_MS, LONGEST_LIFETIME_MS } from '../../session/time-limits.ts'

/**
 * The time limits that a back end gives a session, in seconds; missing ones are left out. Throws
 * `invalid_argument` for anything but an integer from 1 to the longest.
 */
export function parseTimeLimits(
  idleTimeout: JsonText | undefined,
  lifetime: JsonText | undefined,
): Partial<TimeLimits> {
  const idleTimeoutMs = readSeconds('idleTimeout', idleTimeout, LONGEST_IDLE_TIMEOUT_MS / 1_000)
  const lifetimeMs = readSeconds('lifetime', lifetime, LONGEST_LIFETIME_MS / 1_000)
  return {
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
  }
}

function readSeconds(name: string, text: JsonText | undefined, most: number): number | undefined {
  if (text === undefined) return undefined
  const seconds = Number(text.trim())
  if (kindOf(text) === 'number' && Number.isInteger(seconds) && seconds >= 1 && seconds <= most) {
    return seconds * 1000
  }
  throw new CoatcheckError(
    'invalid_argument',
    `Cannot read the session: "${name}" must be an integer of seconds from 1 to ${most}`,
  )
}

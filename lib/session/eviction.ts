import { CoatcheckError } from '../base/errors.ts'
import type { SessionLimits } from './limits.ts'

/** Whether the number of a user's sessions is limited: only then a store must count them. */
export function isCounted(sub: string | undefined, limits: SessionLimits): sub is string {
  return sub !== undefined && limits.maxSessionsPerSub !== undefined
}

/**
 * The sessions that must end so that the user can have one more: the oldest. `others` are the ids of
 * the user's other live sessions, the oldest first. Throws `too_many_sessions` where the limit
 * refuses the new session instead.
 */
export function chooseEvicted(
  others: readonly string[],
  { maxSessionsPerSub = Infinity, onSessionLimit }: SessionLimits,
): readonly string[] {
  const surplus = others.slice(0, Math.max(0, others.length + 1 - maxSessionsPerSub))
  if (surplus.length > 0 && onSessionLimit === 'refuse') {
    throw new CoatcheckError(
      'too_many_sessions',
      `Cannot give the user another session: there are ${others.length} already, ` +
        `the limit is ${maxSessionsPerSub} (--max-sessions-per-sub); end one of them first`,
    )
  }
  return surplus
}

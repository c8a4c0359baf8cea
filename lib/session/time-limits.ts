import { CoatcheckError } from '../base/errors.ts'
import type { SessionLimits } from './limits.ts'
import type { Session, TimeLimits } from './session.ts'

const DAY_MS = 86_400_000
/** The maximum of the settings; keeps `expiresAt` within the range of dates. */
export const LONGEST_IDLE_TIMEOUT_MS = 3_650 * DAY_MS
/** Browsers keep no cookie longer. */
export const LONGEST_LIFETIME_MS = 400 * DAY_MS

/**
 * Sets `permanent` and time limits. A change of `permanent` brings the limits of the settings, except
 * for limits of the session's own: else a holder could lengthen what a back end made short. Throws
 * `invalid_argument` if an own idle timeout would exceed the lifetime; one from the settings may.
 */
export function limitSession(
  session: Session,
  permanent: boolean,
  { idleTimeoutMs, lifetimeMs }: Partial<TimeLimits>,
  limits: SessionLimits,
): Session {
  const isGiven = idleTimeoutMs !== undefined || lifetimeMs !== undefined
  if (!isGiven && permanent === session.permanent) return session
  const settings = permanent ? limits.permanent : limits.ordinary
  const kept = permanent === session.permanent ? session : settings
  const ownIdleTimeout = idleTimeoutMs !== undefined || session.ownIdleTimeout
  const ownLifetime = lifetimeMs !== undefined || session.ownLifetime
  const after = {
    ...session,
    permanent,
    idleTimeoutMs: idleTimeoutMs ?? (session.ownIdleTimeout ? session : kept).idleTimeoutMs,
    // control: own-limit-kept
    lifetimeMs: lifetimeMs ?? (session.ownLifetime ? session : kept).lifetimeMs,
    ownIdleTimeout,
    ownLifetime,
  }
  // An older session may be so already; it is refused only if this change is the cause.
  // control: idle-timeout-within-lifetime
  const isAsked = isGiven || after.lifetimeMs < session.lifetimeMs
  if (isAsked && ownIdleTimeout && after.idleTimeoutMs > after.lifetimeMs) {
    throw idleTimeoutTooLong(after)
  }
  return after
}

function idleTimeoutTooLong(session: Session): CoatcheckError {
  const { permanent, idleTimeoutMs, lifetimeMs, ownLifetime } = session
  return new CoatcheckError(
    'invalid_argument',
    `Cannot set these limits: "idleTimeout" would be ${idleTimeoutMs / 1_000} seconds and ` +
      `"lifetime" ${lifetimeMs / 1_000}, which ends the session before; ` +
      'a back end gives "lifetime" as well, at least as long, or a shorter "idleTimeout"',
    {},
    ownLifetime ? undefined : { setting: permanent ? 'permanentLifetimeMs' : 'lifetimeMs' },
  )
}

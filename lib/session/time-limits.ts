import { CoatcheckError } from '../base/errors.ts'
import type { SessionLimits } from './limits.ts'
import type { Session, TimeLimits } from './session.ts'

const DAY_MS = 86_400_000
/** The longest that the settings of these names allow; `expiresAt` stays a date with them. */
export const LONGEST_IDLE_TIMEOUT_MS = 3_650 * DAY_MS
/** As long as browsers keep a cookie. */
export const LONGEST_LIFETIME_MS = 400 * DAY_MS

/**
 * The session with its flag and its limits. The flag brings the limits of today's settings with it;
 * those of its own a session keeps, or its holder could lengthen what a back end has made short.
 * Throws `invalid_argument` where the session would end before an idle timeout of its own, which
 * nobody asked for; one of the settings gives way to a lifetime that is shorter.
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
    lifetimeMs: lifetimeMs ?? (session.ownLifetime ? session : kept).lifetimeMs,
    ownIdleTimeout,
    ownLifetime,
  }
  // A session of before may be so already, and is not held to what it cannot help.
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

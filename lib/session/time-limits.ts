import { CoatcheckError } from '../base/errors.ts'
import type { SessionLimits } from './limits.ts'
import { END_OF_TIME_MS, type Session, type TimeLimits } from './session.ts'

const DAY_MS = 86_400_000
/** The maximum of the settings; keeps `expiresAt` within the range of dates. */
export const LONGEST_IDLE_TIMEOUT_MS = 3_650 * DAY_MS
/** Browsers keep no cookie longer. */
export const LONGEST_LIFETIME_MS = 400 * DAY_MS

/**
 * Time limits for one session; what is absent is not given. `lifetimeMs` may be Infinity: the session
 * lives as long as it is used. `lifetimeFromNow`: it counts from this write, and not from the creation.
 */
export type OwnLimits = Partial<TimeLimits> & { readonly lifetimeFromNow?: true }

/**
 * Sets `permanent` and time limits. A change of `permanent` brings the limits of the settings, except
 * for limits of the session's own: else a holder could lengthen what a back end made short. Throws
 * `invalid_argument` if an own idle timeout would exceed the lifetime; one from the settings may.
 */
export function limitSession(
  session: Session,
  permanent: boolean,
  given: OwnLimits,
  limits: SessionLimits,
): Session {
  const { idleTimeoutMs } = given
  const lifetimeMs = lifetimeOf(session, given)
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
  const span = given.lifetimeMs ?? after.lifetimeMs
  if (isAsked && ownIdleTimeout && after.idleTimeoutMs > span) throw idleTimeoutTooLong(after, span)
  return after
}

/** The given lifetime from the session's creation on, whose last activity is this write. */
function lifetimeOf(
  { createdAt, lastSeenAt }: Session,
  { lifetimeMs, lifetimeFromNow }: OwnLimits,
): number | undefined {
  // Wherever the clock is set.
  if (lifetimeMs === Infinity) return Math.max(LONGEST_LIFETIME_MS, END_OF_TIME_MS - createdAt)
  if (lifetimeMs === undefined || lifetimeFromNow !== true) return lifetimeMs
  // control: lifetime-from-now
  return Math.max(0, lastSeenAt - createdAt) + lifetimeMs
}

function idleTimeoutTooLong(session: Session, lifetimeMs: number): CoatcheckError {
  const { permanent, idleTimeoutMs, ownLifetime } = session
  return new CoatcheckError(
    'invalid_argument',
    `Cannot set these limits: "idleTimeout" would be ${idleTimeoutMs / 1_000} seconds and ` +
      `"lifetime" ${lifetimeMs / 1_000}, which ends the session before; ` +
      'a back end gives "lifetime" as well, at least as long, or a shorter "idleTimeout"',
    {},
    ownLifetime ? undefined : { setting: permanent ? 'permanentLifetimeMs' : 'lifetimeMs' },
  )
}

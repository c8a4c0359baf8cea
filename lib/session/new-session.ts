import type { JsonText } from '../json/json.ts'
import { type Applied, applyUnconditionally, type Operation } from './operations.ts'
import type { SessionLimits } from './limits.ts'
import type { SessionKey } from './session.ts'

/**
 * The session that begins at `now`: an operation on an empty session. Throws as `applyUnconditionally`
 * does; preconditions are about sessions that exist.
 */
export function beginSession(
  key: SessionKey,
  operation: Operation,
  device: JsonText | null,
  now: number,
  limits: SessionLimits,
): Applied {
  const { idleTimeoutMs, lifetimeMs } = limits.ordinary
  const mayComeBack = operation.name === 'replace' && typeof operation.keepEndedMs === 'number'
  const empty = {
    ...key,
    data: '{}',
    claims: '{}',
    permanent: false,
    createdAt: now,
    lastSeenAt: now,
    idleTimeoutMs,
    lifetimeMs,
    ownIdleTimeout: false,
    ownLifetime: false,
    // A back end may use the id again at once: it counts on from the clock, in milliseconds, so that no
    // version of one session is that of a later one.
    // control: versions-go-on
    version: key.secretHash === null && mayComeBack ? now : 0,
    device,
  }
  return applyUnconditionally(empty, operation, limits)
}

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
    version: 0,
    device,
  }
  return applyUnconditionally(empty, operation, limits)
}

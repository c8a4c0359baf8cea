import type { Session } from '../../../lib/session/session.ts'
import { HOUR, MINUTE } from './limits.ts'

/** A session that began at `now`, with the ordinary limits. */
export function sessionAt(now: number, given: Partial<Session> = {}): Session {
  return {
    id: 'a-session-for-the-test',
    secretHash: 'hash',
    data: '{}',
    claims: '{}',
    permanent: false,
    createdAt: now,
    lastSeenAt: now,
    idleTimeoutMs: 30 * MINUTE,
    lifetimeMs: 12 * HOUR,
    ownIdleTimeout: false,
    ownLifetime: false,
    version: 1,
    device: null,
    ...given,
  }
}

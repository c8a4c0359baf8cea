import type { SessionLimits } from '../../../lib/session/limits.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** The limits of the tests, unless a test has others. */
export const LIMITS: SessionLimits = {
  ordinary: { idleTimeoutMs: 30 * MINUTE, lifetimeMs: 12 * HOUR },
  permanent: { idleTimeoutMs: 31 * DAY, lifetimeMs: 31 * DAY },
  sessionLimitBytes: 65_536,
  keyLimitBytes: 256,
  maxKeys: 1_000,
  maxDepth: 64,
  maxSessionsPerSub: undefined,
  onSessionLimit: 'evict',
}

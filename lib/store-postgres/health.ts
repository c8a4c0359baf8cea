import type { StoreHealth } from '../store/store.ts'
import type { Connection } from './connection/connection.ts'
import type { DatabaseClock } from './database-clock.ts'
import type { Heartbeat } from './reads/heartbeat.ts'

export type HealthParts = {
  readonly writer: Connection
  readonly beside: Connection
  readonly heartbeat: Heartbeat
  readonly limitMs: number
  readonly clock: DatabaseClock
  readonly weaknesses: () => readonly string[]
}

/**
 * `unreachable`: no reads, either; `degraded`: reads go on, and writes wait for a confirmation. Where it does not come
 * for as long as reads may be old, the heartbeat waits for it, too, and reads end.
 */
export function createHealth(parts: HealthParts) {
  const { writer, beside, heartbeat, limitMs, clock } = parts
  return (): StoreHealth => {
    const weaknesses = parts.weaknesses()
    const age = Math.round(heartbeat.ageSeconds() * 10) / 10
    const figures = {
      // Absent where the database has taken no write since the start.
      ...(Number.isFinite(age) && { heartbeatAgeSeconds: age }),
      clockOffsetMs: clock.offsetMs(),
    }
    const weak = weaknesses.length > 0 ? { weaknesses } : {}
    const isStale = heartbeat.ageSeconds() * 1_000 >= limitMs
    const isOverdue = writer.isOverdue() || beside.isOverdue()
    const reasons = [
      ...(writer.isUp() ? [] : ['not_connected']),
      ...(isOverdue ? ['commit_overdue'] : []),
      ...(isStale ? ['no_recent_commit'] : []),
    ]
    if (isStale || !writer.isUp())
      return { state: 'unreachable', writes: 'none', reasons, ...weak, figures }
    if (isOverdue) return { state: 'degraded', writes: 'none', reasons, ...weak, figures }
    return { state: 'ok', writes: 'all', reasons, ...weak, figures }
  }
}

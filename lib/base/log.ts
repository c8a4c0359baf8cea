import { type AuditFacts, createAuditTrail } from './audit-trail.ts'
import type { Clock } from './clock.ts'
import { type LogFacts, type LogLevel, type RenderLine, renderJsonLine } from './log-lines.ts'

export type { LogFacts } from './log-lines.ts'

/**
 * Lines for the operator. An event is a name in snake_case, which the manual lists. Facts never hold a
 * token, a secret or session data.
 */
export type Log = {
  info(event: string, facts?: LogFacts): void
  warn(event: string, facts?: LogFacts): void
  error(event: string, facts?: LogFacts): void
  /** What was done with a key, for the audit trail; told or counted, never left out. */
  done(event: string, facts: AuditFacts): void
  /** What was asked for and refused, for the same. */
  refused(event: string, facts: AuditFacts): void
  /** Tells what was only counted up to now: to be called each second, and at the end. */
  flush(): void
}

export type LogOptions = {
  readonly clock: Clock
  readonly write: (line: string) => void
  readonly render?: RenderLine
}

/** Limits the lines of one event; the first line of the next second counts those left out. */
// control: log-rate
const LINES_PER_SECOND = 5

export function createLog({ clock, write, render = renderJsonLine }: LogOptions): Log {
  const seconds = new Map<string, { second: number; lines: number }>()

  function tell(now: number, level: LogLevel, event: string, facts: LogFacts): void {
    write(`${render({ time: new Date(now).toISOString(), level, event, facts })}\n`)
  }

  const trail = createAuditTrail(clock, tell)

  function log(level: LogLevel, event: string, facts: LogFacts = {}): void {
    const now = clock.now()
    const second = Math.floor(now / 1000)
    const recent = seconds.get(event)
    if (recent?.second === second) {
      recent.lines++
      if (recent.lines > LINES_PER_SECOND) return
    } else {
      seconds.set(event, { second, lines: 1 })
    }
    const leftOut =
      recent === undefined || recent.second === second ? 0 : recent.lines - LINES_PER_SECOND
    tell(now, level, event, leftOut > 0 ? { ...facts, leftOut } : facts)
  }

  return {
    info: (event, facts) => log('info', event, facts),
    warn: (event, facts) => log('warn', event, facts),
    error: (event, facts) => log('error', event, facts),
    done: (event, facts) => trail.tell('info', event, facts),
    refused: (event, facts) => trail.tell('warn', event, facts),
    flush: () => trail.flush(),
  }
}

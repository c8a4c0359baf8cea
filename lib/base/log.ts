import type { Clock } from './clock.ts'

/**
 * Lines of JSON for the person who runs the server. Facts are numbers and words of our own: never a
 * token, a secret or session data.
 */
export type Log = {
  info(event: string, facts?: LogFacts): void
  warn(event: string, facts?: LogFacts): void
  error(event: string, facts?: LogFacts): void
}

export type LogFacts = Readonly<Record<string, string | number | boolean>>

export type LogOptions = {
  readonly clock: Clock
  readonly write: (line: string) => void
}

/** So many lines of one event in one second; the next second's first line counts what was left out. */
// control: log-rate
const LINES_PER_SECOND = 5

export function createLog({ clock, write }: LogOptions): Log {
  const seconds = new Map<string, { second: number; lines: number }>()

  function log(level: 'info' | 'warn' | 'error', event: string, facts: LogFacts = {}): void {
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
    // JSON escapes CR, LF and every other control character: a fact cannot forge a line.
    const line = { time: new Date(now).toISOString(), level, event, ...facts }
    write(`${JSON.stringify(leftOut > 0 ? { ...line, leftOut } : line)}\n`)
  }

  return {
    info: (event, facts) => log('info', event, facts),
    warn: (event, facts) => log('warn', event, facts),
    error: (event, facts) => log('error', event, facts),
  }
}

/**
 * Who did what with an API key, and who was refused. A flood must neither fill the disk with lines nor
 * hide anybody behind it: each who has lines of his own in a second, and what goes beyond them is
 * counted and told as a sum when the second is over.
 */
import type { Clock } from './clock.ts'
import type { LogFacts, LogLevel } from './log-lines.ts'

export type AuditFacts = LogFacts & {
  /** The name of the key, or who else. */
  readonly by?: string
  /** The address that the request came from. */
  readonly client?: string
  /** How many sessions; sums add it up. */
  readonly ended?: number
}

export type AuditTrail = {
  /** `info` of what was done, `warn` of what was refused. */
  tell(level: 'info' | 'warn', event: string, facts: AuditFacts): void
  /** Tells the sums of a second that is over; to be called each second, and once more at the end. */
  flush(): void
}

/** In one second, of one event. Whoever may do it is known, whoever is refused may be anyone. */
const BOUNDS = {
  info: { linesOfEach: 100, tellsApart: 20 },
  warn: { linesOfEach: 1, tellsApart: 10 },
} as const

/** Of one who, in one second. */
type Count = {
  readonly level: 'info' | 'warn'
  readonly event: string
  readonly who: AuditFacts
  readonly mostLines: number
  lines: number
  leftOut: number
  ended: number | undefined
}

export function createAuditTrail(
  clock: Clock,
  write: (now: number, level: LogLevel, event: string, facts: LogFacts) => void,
): AuditTrail {
  let second = 0
  const events = new Map<string, Map<string, Count>>()

  function flush(): void {
    const counts = [...events.values()].flatMap((byWho) => [...byWho.values()])
    events.clear()
    for (const { level, event, who, leftOut, ended } of counts) {
      if (leftOut === 0) continue
      write(clock.now(), level, event, { ...who, ...(ended !== undefined && { ended }), leftOut })
    }
  }

  return {
    flush,

    tell(level, event, facts) {
      const now = clock.now()
      if (Math.floor(now / 1000) !== second) {
        flush()
        second = Math.floor(now / 1000)
      }
      const count = countOf(level, event, facts)
      // control: audit-rate
      if (count.lines < count.mostLines) {
        count.lines++
        write(now, level, event, facts)
        return
      }
      count.leftOut++
      if (facts.ended !== undefined) count.ended = (count.ended ?? 0) + facts.ended
    },
  }

  function countOf(level: 'info' | 'warn', event: string, { by, client }: AuditFacts): Count {
    const byWho = events.get(event) ?? new Map<string, Count>()
    events.set(event, byWho)
    const { linesOfEach, tellsApart } = BOUNDS[level]
    const isOneTooMany = byWho.size >= tellsApart
    const own = JSON.stringify([by, client])
    const key = byWho.has(own) || !isOneTooMany ? own : ''
    const found = byWho.get(key)
    if (found !== undefined) return found
    const who =
      key === '' ? {} : { ...(by !== undefined && { by }), ...(client !== undefined && { client }) }
    const mostLines = key === '' ? 0 : linesOfEach
    const made = { level, event, who, mostLines, lines: 0, leftOut: 0, ended: undefined }
    byWho.set(key, made)
    return made
  }
}

import { createLog } from '../../lib/base/log.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'

type Line = Readonly<Record<string, unknown>>

/** A log on a clock that stands still. `written`: what it wrote; `lines`: the same, parsed. */
export function openLog() {
  const clock = createFakeClock()
  const written: string[] = []
  const log = createLog({ clock, write: (line) => written.push(line) })
  return { log, clock, written, lines: () => written.map((line): Line => JSON.parse(line)) }
}

/** The progress of a long command: a bar that redraws itself on a terminal, plain lines elsewhere. */
import type { Clock } from '../base/clock.ts'

export type Progress = {
  /** Adds to the count of what is done. */
  advance(count: number): void
  /** Shows the last state and ends the line; a second call does nothing. */
  finish(): void
}

const REDRAW_MS = 100
/** Where the output is no terminal. */
const LINE_MS = 5_000
const BAR_WIDTH = 30

/** `label` names the activity, such as "Importing"; without a `total` only the count is shown. */
export function createProgress(options: {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  readonly clock: Clock
  readonly label: string
  readonly total: number | undefined
}): Progress {
  const { write, isTerminal, clock, label, total } = options
  const startedAt = clock.now()
  let shownAt = startedAt
  let done = 0
  let widest = 0
  let isFinished = false

  function show(now: number): void {
    shownAt = now
    const text = `${label}: ${isTerminal ? renderBar(done, total) : ''}${renderCount(done, total)}`
    if (!isTerminal) return write(`${text}${renderRate(done, now - startedAt)}\n`)
    const line = text + renderRate(done, now - startedAt)
    widest = Math.max(widest, line.length)
    // Spaces overwrite the end of a longer line before.
    write(`\r${line.padEnd(widest)}`)
  }

  return {
    advance(count) {
      done += count
      const now = clock.now()
      if (now - shownAt >= (isTerminal ? REDRAW_MS : LINE_MS)) show(now)
    },

    finish() {
      if (isFinished) return
      isFinished = true
      show(clock.now())
      if (isTerminal) write('\n')
    },
  }
}

function renderBar(done: number, total: number | undefined): string {
  if (total === undefined) return ''
  const filled = Math.round(BAR_WIDTH * shareOf(done, total))
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] `
}

function renderCount(done: number, total: number | undefined): string {
  const count = done.toLocaleString('en')
  if (total === undefined) return count
  const percent = Math.floor(100 * shareOf(done, total))
  return `${count} of ${total.toLocaleString('en')} (${percent} %)`
}

function renderRate(done: number, elapsedMs: number): string {
  return elapsedMs < 1_000
    ? ''
    : `, ${Math.round((1_000 * done) / elapsedMs).toLocaleString('en')}/s`
}

function shareOf(done: number, total: number): number {
  return total === 0 ? 1 : Math.min(1, done / total)
}

/** A line of the file of dead letters: an event that was given up, and what became of it. */
import { type FeedEvent, readFeedEvent } from '../webhook/message.ts'

export type DeadLetter = {
  readonly event: FeedEvent
  /** When it was given up. */
  readonly at: number
  readonly attempts: number
  /** Why the last attempt failed. */
  readonly reason: string
}

/** Where the word that says what became of a letter stands in its line; both words are of one length. */
const STATE_AT = '{"state":"'.length
export const DEAD = 'dead'
export const SENT = 'sent'
const STATES = [DEAD, SENT] as const

/** With its line feed. */
export function renderDeadLetter({ event, at, attempts, reason }: DeadLetter): string {
  const givenUpAt = new Date(at).toISOString()
  return `${JSON.stringify({ state: DEAD, event, givenUpAt, attempts, reason })}\n`
}

export type DeadLetterLine = {
  /** Of the line, from 1. */
  readonly line: number
  /** Of the word that says its state, in bytes from the start of the file. */
  readonly stateAt: number
  readonly state: typeof DEAD | typeof SENT
  readonly event: FeedEvent
}

/** The letters of a file, and the numbers of the lines that are none. */
export function readDeadLetters(file: Buffer): {
  readonly letters: readonly DeadLetterLine[]
  readonly otherLines: readonly number[]
} {
  const letters: DeadLetterLine[] = []
  const otherLines: number[] = []
  let line = 0
  for (let at = 0; at < file.length;) {
    const found = file.indexOf(10, at)
    const end = found === -1 ? file.length : found
    line++
    const text = file.toString('utf8', at, end)
    const letter = readLine(text)
    if (letter !== undefined) letters.push({ line, stateAt: at + STATE_AT, ...letter })
    else if (text.trim() !== '') otherLines.push(line)
    at = end + 1
  }
  return { letters, otherLines }
}

function readLine(text: string): Pick<DeadLetterLine, 'state' | 'event'> | undefined {
  const state = STATES.find((word) => text.startsWith(`{"state":"${word}"`))
  if (state === undefined) return undefined
  try {
    const letter: unknown = JSON.parse(text)
    if (letter === null || typeof letter !== 'object' || !('event' in letter)) return undefined
    const event = readFeedEvent(letter.event)
    return event && { state, event }
  } catch {
    // A line that was cut off by a crash: its event was not done with, and came again.
    return undefined
  }
}

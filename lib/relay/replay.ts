/** Sends dead letters again, in their order, once each. */
import type { DeadLetterLine } from './state/dead-letter.ts'
import type { DeadLetterMarks } from './state/dead-letter-file.ts'
import { DEAD } from './state/dead-letter.ts'
import { RelayError } from './relay-error.ts'
import { messageOf, shownOf } from './webhook/message.ts'
import type { Poster } from './webhook/poster.ts'
import type { Attempt } from './webhook/verdict.ts'

export type ReplayParts = {
  readonly file: Pick<DeadLetterMarks, 'letters' | 'markSent'>
  readonly poster: Pick<Poster, 'post'>
  readonly onFailed: (letter: DeadLetterLine, reason: string) => void
  /** Ends it after the letter under way. */
  readonly signal: AbortSignal
}

export type Replayed = {
  readonly sent: number
  /** Those that failed again; they stay. */
  readonly failed: number
  /** Those that were not tried any more; they stay, too. */
  readonly left: number
}

/** So many in a row without any answer: then nobody is there. */
const MOST_UNANSWERED = 3

/** Throws a `RelayError` where the receiver wants none of them, or the disk fails. */
export async function replayDeadLetters(parts: ReplayParts): Promise<Replayed> {
  const { file, poster, onFailed, signal } = parts
  const letters = lettersOf(file.letters)
  let sent = 0
  let failed = 0
  let unanswered = 0
  for (const [event, [letter]] of letters) {
    if (signal.aborted || unanswered === MOST_UNANSWERED || letter === undefined) break
    const attempt = await poster.post(messageOf(letter.event), NEVER)
    if (attempt.kind === 'gone') {
      throw new RelayError(
        'receiverGone',
        `Stopped: the receiver wants no more webhooks (410, at the event ${shownOf(event)}); the others stay`,
      )
    }
    if (attempt.kind === 'delivered') {
      for (const same of letters.get(event) ?? []) file.markSent(same)
      sent++
    } else {
      failed++
      onFailed(letter, attempt.kind === 'failed' ? attempt.reason : attempt.kind)
    }
    unanswered = isUnanswered(attempt) ? unanswered + 1 : 0
  }
  return { sent, failed, left: letters.size - sent - failed }
}

const NEVER = new AbortController().signal

/** A crash may have left two letters of one event. */
function lettersOf(lines: readonly DeadLetterLine[]): Map<string, DeadLetterLine[]> {
  return Map.groupBy(
    lines.filter(({ state }) => state === DEAD),
    ({ event }) => event.id,
  )
}

function isUnanswered(attempt: Attempt): boolean {
  return attempt.kind === 'failed' && attempt.failure !== 'status'
}

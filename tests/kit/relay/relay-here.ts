import type { FeedItem } from '../../../lib/relay/feed/feed-reader.ts'
import { createLog } from '../../../lib/base/log.ts'
import { startRelay } from '../../../lib/relay/relay.ts'
import { createRelayCounts } from '../../../lib/relay/relay-counts.ts'
import type { CursorState } from '../../../lib/relay/state/cursor-slots.ts'
import type { DeadLetter } from '../../../lib/relay/state/dead-letter.ts'
import type { Attempt } from '../../../lib/relay/webhook/verdict.ts'
import { renderMetrics } from '../../../lib/metrics/exposition.ts'
import { createFakeClock, type FakeClock } from '../clock/fake-clock.ts'
import { eventOf } from './feed-events.ts'

export type RelayHereOptions = {
  /** What is on disk when it starts. */
  readonly state?: CursorState
  /** What comes of each attempt; delivered where it says nothing. */
  readonly answer?: (id: string, attempt: number) => Attempt | undefined | Promise<Attempt>
  readonly giveUpAfterMs?: number
  readonly start?: string
  readonly clock?: FakeClock
}

export const DELIVERED: Attempt = { kind: 'delivered', status: 204 }

export function failedWith(status: number, retryAfterMs?: number): Attempt {
  return { kind: 'failed', failure: 'status', reason: `status ${status}`, retryAfterMs }
}

/** A relay on a clock that stands still, with a feed and a receiver that the test plays. */
export function startRelayHere(options: RelayHereOptions = {}) {
  const { answer = () => undefined, giveUpAfterMs = 76 * 3_600_000 } = options
  const clock = options.clock ?? createFakeClock()
  const lines: Record<string, unknown>[] = []
  const log = createLog({ clock, write: (line) => lines.push(JSON.parse(line)) })
  const counts = createRelayCounts(clock)
  /** All that was done, in its order. */
  const steps: string[] = []
  const items: FeedItem[] = []
  const letters: DeadLetter[] = []
  let state: CursorState = options.state ?? { after: undefined, failing: undefined }
  let wake = () => {}
  let startedAfter: string | undefined
  const attempts = new Map<string, number>()

  const relay = startRelay({
    async *readFeed(after, signal) {
      startedAfter = after
      signal.addEventListener('abort', () => wake())
      while (!signal.aborted) {
        const item = items.shift()
        if (item !== undefined) yield item
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    poster: {
      async post({ id: messageId }) {
        const id = messageId.replace('evt_', '')
        const attempt = (attempts.get(id) ?? 0) + 1
        attempts.set(id, attempt)
        const told = (await answer(id, attempt)) ?? DELIVERED
        steps.push(`${told.kind} ${id}`)
        return told
      },
    },
    cursorFile: {
      state: () => state,
      write(next) {
        state = next
        const { after, failing } = next
        steps.push(failing === undefined ? `at ${after}` : `failing ${failing.event}`)
      },
    },
    deadLetters: {
      add(letter) {
        letters.push(letter)
        steps.push(`dead ${letter.event.id}`)
      },
    },
    ...{ start: options.start, giveUpAfterMs, clock, log, counts, random: () => 0 },
  })

  return {
    relay,
    clock,
    steps,
    letters,
    lines,
    state: () => state,
    startedAfter: () => startedAfter,
    metrics: () => renderMetrics(counts.families(), 'prometheus'),
    /** Gives the relay this to deal with, and lets it go as far as it comes. */
    async feed(...more: readonly (FeedItem | number)[]): Promise<void> {
      items.push(...more.map((item) => (typeof item === 'number' ? itemOf(item) : item)))
      wake()
      await settle()
    },
    /** Moves the clock on, and lets the relay go as far as it comes. */
    async advance(ms: number): Promise<void> {
      clock.advance(ms)
      await settle()
    },
  }
}

export function itemOf(number: number): FeedItem {
  const event = eventOf(number)
  return { kind: 'event', cursor: event.id, event }
}

/** All that is left to do without time going on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * Sends the events of a feed to a receiver, one after the other. How far it has come is on disk before
 * the next one sets out: killed at any moment, it repeats at most the one under way.
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { FeedItem, ReadFeed } from './feed/feed-reader.ts'
import type { RelayCounts } from './relay-counts.ts'
import { RelayError } from './relay-error.ts'
import type { CursorFile } from './state/cursor-file.ts'
import type { CursorState, Failing } from './state/cursor-slots.ts'
import type { DeadLetters } from './state/dead-letter-file.ts'
import { runAfter, wait } from './wait.ts'
import { type FeedEvent, messageOf, shownOf } from './webhook/message.ts'
import type { Poster } from './webhook/poster.ts'
import { waitAfter } from './webhook/retry-schedule.ts'
import type { Attempt } from './webhook/verdict.ts'

export type RelayParts = {
  readonly readFeed: ReadFeed
  readonly poster: Pick<Poster, 'post'>
  readonly cursorFile: Pick<CursorFile, 'state' | 'write'>
  readonly deadLetters: Pick<DeadLetters, 'add'>
  /** Where to begin without a cursor; undefined for what happens next. */
  readonly start: string | undefined
  /** Since its first failure; afterwards an event is a dead letter. */
  readonly giveUpAfterMs: number
  readonly clock: Clock
  readonly log: Log
  readonly counts: RelayCounts
  /** From 0 to 1. */
  readonly random: () => number
}

export type Relay = {
  /** Resolves when it has stopped as it was told; rejects with a `RelayError` where it cannot go on. */
  readonly done: Promise<void>
  /** Lets the attempt under way end, for `graceMs` at most, and then stops. */
  stop(graceMs: number): void
}

type Failed = Extract<Attempt, { kind: 'failed' }>

export function startRelay(parts: RelayParts): Relay {
  const { readFeed, poster, cursorFile, deadLetters, clock, log, counts } = parts
  /** Takes no further event, and waits no longer. */
  const stopping = new AbortController()
  /** Ends the attempt under way, too. */
  const cutting = new AbortController()

  return {
    done: run(),
    stop(graceMs) {
      stopping.abort()
      runAfter(clock, graceMs, () => cutting.abort())
    },
  }

  async function run(): Promise<void> {
    // Kept before anything is read: a later start must not begin elsewhere.
    const after = cursorFile.state().after ?? parts.start
    if (after !== undefined) reach(after)
    for await (const item of readFeed(after, stopping.signal)) {
      await take(item)
      if (stopping.signal.aborted) return
    }
  }

  async function take(item: FeedItem): Promise<void> {
    if (item.kind === 'forgotten') {
      const cursor = cursorFile.state().after ?? ''
      log.error('events_forgotten', { cursor, oldest: item.cursor })
      counts.forgotten()
    }
    // control: relay-cursor-after-delivery
    if (item.kind !== 'event' || (await deliver(item.event))) reach(item.cursor)
  }

  /** Whether the event is done with: delivered, or a dead letter. */
  async function deliver(event: FeedEvent): Promise<boolean> {
    const message = messageOf(event)
    const { failing: before } = cursorFile.state()
    let failing = before?.event === event.id ? before : undefined
    counts.began(Date.parse(event.at))
    for (;;) {
      if (failing !== undefined) counts.retried()
      const beganAt = clock.now()
      const attempt = await poster.post(message, cutting.signal)
      counts.attempted((clock.now() - beganAt) / 1_000)
      if (attempt.kind === 'cut') return false
      if (attempt.kind === 'gone') throw gone(event)
      if (attempt.kind === 'delivered') {
        counts.delivered()
        if (failing !== undefined) {
          log.info('delivery_recovered', { eventId: event.id, attempts: failing.attempts + 1 })
        }
        return true
      }
      const failedAt = clock.now()
      failing = {
        event: event.id,
        since: failing?.since ?? failedAt,
        attempts: (failing?.attempts ?? 0) + 1,
      }
      counts.failed(attempt.failure)
      const waitMs = waitFor(attempt, failing, failedAt)
      if (waitMs === undefined) {
        bury(event, attempt, failing, failedAt)
        return true
      }
      cursorFile.write({ ...cursorFile.state(), failing })
      const { attempts } = failing
      const nextAt = new Date(failedAt + waitMs).toISOString()
      log.warn('delivery_failed', { eventId: event.id, attempts, reason: attempt.reason, nextAt })
      await wait(clock, waitMs, stopping.signal)
      if (stopping.signal.aborted) return false
    }
  }

  function waitFor({ retryAfterMs }: Failed, { since }: Failing, now: number) {
    return waitAfter({ since, now, retryAfterMs }, parts.giveUpAfterMs, parts.random())
  }

  /** A broken receiver stops the line, but not for ever. */
  function bury(event: FeedEvent, { reason }: Failed, { attempts }: Failing, at: number): void {
    // On disk before the cursor passes it: a crash in between makes two letters of it, and never none.
    // control: dead-letter-first
    deadLetters.add({ event, at, attempts, reason })
    log.error('event_given_up', { eventId: event.id, attempts, reason })
    counts.died()
  }

  function reach(after: string): void {
    const state: CursorState = { after, failing: undefined }
    const { after: before, failing } = cursorFile.state()
    if (before !== after || failing !== undefined) cursorFile.write(state)
    counts.reached(after)
  }
}

function gone({ id }: FeedEvent): RelayError {
  return new RelayError(
    'receiverGone',
    `Stopped: the receiver wants no more webhooks (410, at the event ${shownOf(id)}). Start again when it does; ` +
      'the relay goes on with this event',
  )
}

import type { FeedEvent } from '../../../lib/relay/webhook/message.ts'

/** The event number N of a feed, as a server shows it; it happened N seconds into 2026. */
export function eventOf(number: number): FeedEvent {
  return {
    id: `${number}-run`,
    type: 'session.created',
    at: new Date(Date.UTC(2026, 0, 1) + number * 1_000).toISOString(),
    session: `session-number-${number}`,
  }
}

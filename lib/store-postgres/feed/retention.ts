/** Forgets events past their time or their number, in pieces; any number of servers may, at once. */
import type { FeedRetention } from '../../store/feed-store.ts'
import type { Connection } from '../connection/connection.ts'
import { writeFailure } from '../connection/failures.ts'
import { askRepeatedly } from '../connection/repeatedly.ts'
import { FORGET_EVENTS, REMOVE_EVENTS } from '../tables/event-statements.ts'

const PIECE = 5_000

/** With `maxEvents` 0 it only removes what is left of a feed that was ended. */
export async function forgetEvents(
  connection: Pick<Connection, 'ask'>,
  now: number,
  { keepMs, maxEvents }: FeedRetention,
): Promise<void> {
  try {
    for (;;) {
      const limits = [now - keepMs + 1, now + keepMs, maxEvents, PIECE]
      const forgotten =
        maxEvents === 0 ? 0 : (await askRepeatedly(connection, FORGET_EVENTS, limits)).count
      const removed = (await askRepeatedly(connection, REMOVE_EVENTS, [PIECE])).count
      if (forgotten === 0 && removed < PIECE) return
    }
  } catch (error) {
    throw writeFailure(error)
  }
}

/**
 * Gives events their places in the feed. Whichever server comes first does it for all: before it reads,
 * and once a second. An event that an open transaction has written waits in the outbox, and holds up no
 * other; what makes this slow is a snapshot that is held open for long, as a dump does, since the rows
 * that were taken from the outbox cannot be removed meanwhile.
 */
import { nanoid } from 'nanoid'
import type { Connection } from '../connection/connection.ts'
import {
  BEGIN_RUN,
  CLEAR_FEED,
  END_FEED,
  FORGET_RUNS,
  HOLD_FEED,
  PLACE,
} from '../tables/event-statements.ts'
import { askTogether } from '../writes/together.ts'

const PIECE = 2_000
/** In random bits: 36. They only have to differ from those of the same database and its copies. */
const NAME_LENGTH = 6

/** As a server starts, or after another has taken over: events are kept from here on, or none are. */
export async function beginFeed(
  connection: Pick<Connection, 'ask'>,
  { keepsEvents }: { readonly keepsEvents: boolean },
): Promise<void> {
  await askTogether(
    connection,
    keepsEvents
      ? [
          [HOLD_FEED, []],
          [CLEAR_FEED, []],
          [BEGIN_RUN, [nanoid(NAME_LENGTH), true]],
          [FORGET_RUNS, []],
        ]
      : [
          [HOLD_FEED, []],
          [END_FEED, []],
        ],
  )
}

/**
 * The function that it returns resolves once all events have their places that were committed before it
 * was called; what is asked while one is under way is done together by the next.
 */
export function createPlacing(connection: Pick<Connection, 'ask'>): () => Promise<void> {
  let underWay: Promise<void> | undefined
  let next: Promise<void> | undefined

  async function placeAll(): Promise<void> {
    for (;;) {
      const answers = await askTogether(connection, [
        [HOLD_FEED, []],
        [BEGIN_RUN, [nanoid(NAME_LENGTH), false]],
        [PLACE, [PIECE]],
      ])
      if (Number(answers.at(-1)?.rows[0]?.[0]) < PIECE) return
    }
  }

  function start(): Promise<void> {
    next = undefined
    const mine = placeAll().finally(() => {
      if (underWay === mine) underWay = undefined
    })
    underWay = mine
    return mine
  }

  return () => {
    if (underWay === undefined) return start()
    next ??= underWay.then(start, start)
    return next
  }
}

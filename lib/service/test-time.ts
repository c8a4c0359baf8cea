/** Time that passes when a test of an application says so. */
import { CoatcheckError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { TestClock } from '../base/test-clock.ts'
import { renderIsoTime } from '../session/iso-time.ts'
import type { Swept } from '../store/store.ts'
import type { Sweeper } from './sweeper.ts'

export type TestTime = {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /**
   * Moves the clock on, by 0 or more, and does at once what time alone would do later: writes what is
   * on its way, ends what has expired, forgets old tombstones. Rejects with `invalid_argument`, and
   * moves nothing, where times would need more than four digits for the year.
   */
  advance(ms: number): Promise<Swept>
}

export type TestTimeOptions = {
  readonly clock: Pick<TestClock, 'now' | 'advance'>
  readonly sweeper: Pick<Sweeper, 'sweepNow'>
  readonly log: Log
}

/** By how much the clock may be moved at a time: ten years. */
export const LONGEST_ADVANCE_MS = 3_650 * 86_400_000

/** The longest limits of a session and of its tombstone reach some decades further. */
const LAST_MS = Date.UTC(9_900, 0, 1)

export function createTestTime({ clock, sweeper, log }: TestTimeOptions): TestTime {
  return {
    now: () => clock.now(),
    async advance(ms) {
      if (clock.now() + ms > LAST_MS) {
        throw new CoatcheckError(
          'invalid_argument',
          `Cannot move the clock so far: it may show ${renderIsoTime(LAST_MS)} at most`,
        )
      }
      clock.advance(ms)
      const swept = await sweeper.sweepNow()
      const { ended, removed } = swept
      log.info('test_clock_moved', { seconds: ms / 1_000, ended, removed })
      return swept
    },
  }
}

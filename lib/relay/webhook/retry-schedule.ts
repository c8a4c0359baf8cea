/** When a webhook that has failed is sent again. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Since the first failure: the schedule that Standard Webhooks 1.0 recommends. */
const RETRIES_AT_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
].map((_, at, delays) => delays.slice(0, at + 1).reduce((sum, delay) => sum + delay, 0))

/** Some time later each, so that what fails by its own load comes more spread. */
const JITTER_PART = 0.1

/** What a receiver may ask for, with the jitter. */
const LONGEST_RETRY_AFTER_MS = 24 * HOUR

export type Failure = {
  /** When the first attempt failed, in milliseconds since the Unix epoch. */
  readonly since: number
  readonly now: number
  /** The wait that the receiver asked for. */
  readonly retryAfterMs: number | undefined
}

/**
 * How long to wait before the next attempt, which is never later than the time to give up; undefined
 * where the event is given up. By time and not by count, so that a relay that is started again and again
 * does not use the attempts up. `random` is from 0 to 1.
 */
export function waitAfter(
  { since, now, retryAfterMs = 0 }: Failure,
  giveUpAfterMs: number,
  random: number,
): number | undefined {
  // A clock that was set back must not begin the schedule anew.
  const elapsed = Math.max(0, now - since)
  const next = RETRIES_AT_MS.find((at) => at > elapsed && at <= giveUpAfterMs)
  if (next === undefined) return undefined
  // control: webhook-jitter
  const spread = 1 + JITTER_PART * random
  const asked = Math.min(retryAfterMs * spread, LONGEST_RETRY_AFTER_MS)
  const wait = Math.round(Math.max((next - elapsed) * spread, asked))
  // Those behind it wait, too: neither a header nor the jitter makes that longer than was allowed.
  // control: webhook-given-up-in-time
  return Math.min(wait, giveUpAfterMs - elapsed)
}

/**
 * The wait that a `Retry-After` asks for, at most a day; undefined where there is none to understand.
 * Seconds, or a date as RFC 9110 has it.
 */
export function readRetryAfter(text: string | undefined, now: number): number | undefined {
  const ms =
    text === undefined
      ? Number.NaN
      : /^\d{1,15}$/.test(text)
        ? Number(text) * SECOND
        : / GMT$|^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/.test(text)
          ? Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) - now
          : Number.NaN
  // control: webhook-retry-after-bound
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_RETRY_AFTER_MS)
}

import type { Clock } from '../../base/clock.ts'
import { HttpError } from '../answer/problem.ts'
import type { AppContext } from '../app-env.ts'
import { networkOf } from '../request/address.ts'
import type { Forwarded } from '../request/forwarded.ts'
import { createRateLimit } from './rate-limit.ts'

// control: create-rate-minute
const MINUTE_MS = 60_000

export type AdmissionDeps = {
  readonly clock: Clock
  readonly forwarded: Pick<Forwarded, 'addressOf'>
  /** New sessions a minute of one client; undefined for no limit. */
  readonly createRate: number | undefined
}

/** Called before a holder's request creates a session; throws `create_rate_exceeded`. */
export function createAdmission(deps: AdmissionDeps): (c: AppContext) => void {
  const { clock, forwarded, createRate } = deps
  if (createRate === undefined) return () => {}
  const limit = createRateLimit({ clock, burst: createRate, perMs: MINUTE_MS })
  return function admitCreation(c) {
    // control: create-rate-client
    const waitMs = limit.take(networkOf(forwarded.addressOf(c)))
    if (waitMs === 0) return
    throw new HttpError(
      'create_rate_exceeded',
      `Cannot create another session for this address now: it may create ${createRate} a minute ` +
        '(--create-rate); existing sessions are not affected',
      { retryAfter: Math.ceil(waitMs / 1_000) },
    )
  }
}

/** What came of one attempt to deliver. */
import { readRetryAfter } from './retry-schedule.ts'

/** Why an attempt failed, for numbers; the reason in words says more. */
export const FAILURE_KINDS = ['status', 'timeout', 'connection', 'protocol'] as const
export type FailureKind = (typeof FAILURE_KINDS)[number]

export type Attempt =
  | { readonly kind: 'delivered'; readonly status: number }
  | {
      readonly kind: 'failed'
      readonly failure: FailureKind
      /** As in `status 500`. */
      readonly reason: string
      readonly retryAfterMs: number | undefined
    }
  /** The receiver wants no more of them (410). */
  | { readonly kind: 'gone' }
  /** The relay was told to stop before there was an answer. */
  | { readonly kind: 'cut' }

/** By the status alone: what is in the body is nobody's business. */
export function judgeStatus(status: number, retryAfter: string | undefined, now: number): Attempt {
  // A redirect is a failure: the operator is to see that the address has changed.
  if (status >= 200 && status < 300) return { kind: 'delivered', status }
  // control: webhook-gone
  if (status === 410) return { kind: 'gone' }
  const retryAfterMs = readRetryAfter(retryAfter, now)
  return { kind: 'failed', failure: 'status', reason: `status ${status}`, retryAfterMs }
}

/** Tells one damaged page, which a few writes meet, from a file that takes no writes any more. */
import type { WriteOutcome, WriteRequest } from './protocol.ts'

export type DamageWatch = {
  /** Notes the outcomes of a batch. */
  note(requests: readonly WriteRequest[], outcomes: readonly WriteOutcome[]): void
  /** Whether for some seconds all writes were refused; to be called about once a second. */
  isLasting(): boolean
}

/** At least so many refused writes in a row, over so many looks. */
const LEAST_REFUSED = 10
const LEAST_LOOKS = 3

export function createDamageWatch(): DamageWatch {
  let refused = 0
  let looks = 0

  return {
    note(requests, outcomes) {
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.ok) {
          // Writes of the server itself, which may succeed while all others fail.
          const kind = requests[index]?.kind
          if (kind === 'touch' || kind === 'see_outside') continue
          refused = 0
          looks = 0
        } else if (outcome.refusal.code === 'storage_damaged') {
          refused++
        }
      }
    },
    isLasting() {
      if (refused > 0) looks++
      return refused >= LEAST_REFUSED && looks >= LEAST_LOOKS
    },
  }
}
